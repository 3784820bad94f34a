package Helper;
use strict;
sub f { my ($a) = @_; return $a +; }
