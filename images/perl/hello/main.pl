use v5.36;

sub greeting ($to) { return "Hello, $to!" }

say join ' ', map { greeting($_) } qw(Ada Grace Jürgen);
printf "π ≈ %.4f\n", 4 * atan2(1, 1);
