die "crash\n";
