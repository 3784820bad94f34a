//! A client of the live terminal.
