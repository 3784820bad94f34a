my @kept;
push @kept, 'x' x 1000000 . @kept while 1;
