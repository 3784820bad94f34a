//! What a judge must know of Java: where a file's package is declared, and which compiled class has a `main`.

pub mod class_file;
pub mod entry;
pub mod package;
