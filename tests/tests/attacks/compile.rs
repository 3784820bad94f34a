//! C1–C5: compilers are programs that work on hostile input, and compiling must not run any of it.
