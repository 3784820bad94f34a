//! What must be known of Java: where a file's package is declared, and which compiled class has a `main`.

mod characters;
pub mod class_file;
pub mod entry;
mod lexer;
pub mod package;
pub mod policy;

use lexer::{Lexer, Token};

/// Names that a source declares as those of types, nested ones too.
pub fn declared_names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut tokens = Lexer::new(source).peekable();
    while let Some(token) = tokens.next() {
        if let Token::Name(word) = token
            && matches!(word.as_str(), "class" | "interface" | "enum" | "record")
            && let Some(Token::Name(name)) = tokens.peek()
        {
            names.push(name.clone());
        }
    }
    names
}
