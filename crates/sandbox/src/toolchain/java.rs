//! What must be known of Java: where a file's package is declared, and which compiled class has a `main`.

mod characters;
pub mod class_file;
pub mod entry;
mod lexer;
pub mod package;
