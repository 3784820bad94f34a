use v5.36;
my $sum = 0;
while (<STDIN>) {
    $sum += $_ for split;
}
say $sum;
