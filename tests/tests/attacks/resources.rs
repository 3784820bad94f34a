//! R1–R10: programs that want more than there is.

mod processes;
