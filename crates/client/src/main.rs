//! `iteratione-run`: runs a program in a jail, with this terminal as its terminal.

fn main() {}
