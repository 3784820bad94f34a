use v5.36;
say $missing; # error here
