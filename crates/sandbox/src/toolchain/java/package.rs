//! To which package a source says that it belongs (JLS 7.4), read as the language reads it: unicode escapes first, then
//! comments and annotations, then `package a.b.c;`.

use super::lexer::{Lexer, Token};

/// The declared package's parts; empty for the unnamed package.
///
/// What javac would not take for a package declaration is the unnamed package here too: such a file stays at the root,
/// and javac says what is wrong with it. One pass, no recursion, linear in the length of the file.
pub fn declared_package(source: &str) -> Vec<String> {
    let mut tokens = Lexer::new(source).peekable();
    while tokens.next_if_eq(&Token::Other('@')).is_some() {
        if !skip_annotation(&mut tokens) {
            return Vec::new();
        }
    }
    if !matches!(tokens.next(), Some(Token::Name(word)) if word == "package") {
        return Vec::new();
    }
    let mut parts = Vec::new();
    loop {
        match tokens.next() {
            Some(Token::Name(part)) => parts.push(part),
            _ => return Vec::new(),
        }
        match tokens.next() {
            Some(Token::Other('.')) => {}
            Some(Token::Other(';')) => return parts,
            _ => return Vec::new(),
        }
    }
}

/// After `@`: a qualified name and perhaps one balanced parenthesis. False when it is something else.
fn skip_annotation(tokens: &mut std::iter::Peekable<Lexer<'_>>) -> bool {
    loop {
        // `@interface` declares a type, and no package comes after that.
        if !matches!(tokens.next(), Some(Token::Name(word)) if word != "interface") {
            return false;
        }
        if tokens.next_if_eq(&Token::Other('.')).is_none() {
            break;
        }
    }
    if tokens.next_if_eq(&Token::Other('(')).is_none() {
        return true;
    }
    let mut depth = 1_usize;
    for token in tokens {
        match token {
            Token::Other('(') => depth += 1,
            Token::Other(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
