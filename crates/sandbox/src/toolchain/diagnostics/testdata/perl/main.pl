use v5.36;
# in a comment at main.pl line 99.
my $x = "in a string at main.pl line 98.";
say $missing + $y;
if ($x) {
  say "é" "two";
}
my $x = 3;
