package Numbers;
use v5.36;
use constant SIX => 6;

sub seven { return 7 }

1;
