use v5.36;
use Numbers;
say Numbers::SIX() * Numbers::seven();
