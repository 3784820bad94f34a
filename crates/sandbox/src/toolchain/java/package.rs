//! The package that a Java file declares, read as the language reads it (JLS 3 and 7.4): unicode escapes first, then
//! comments, annotations with balanced parentheses, then `package a.b.c;`. Anything else is the unnamed package; what is
//! wrong with such a file is for the compiler to say.
//!
//! One pass, no recursion, linear in the file's length.

/// The declared package's parts; empty for the unnamed package.
pub fn declared_package(source: &str) -> Vec<String> {
    let mut lexer = Lexer { chars: translated(source), at: 0 };
    declaration(&mut lexer).unwrap_or_default()
}

fn declaration(lexer: &mut Lexer) -> Option<Vec<String>> {
    let mut token = lexer.token()?;
    while token == Token::Symbol('@') {
        token = after_annotation(lexer)?;
    }
    if token != Token::Word("package".to_owned()) {
        return None;
    }
    let mut parts = Vec::new();
    loop {
        let Token::Word(part) = lexer.token()? else { return None };
        parts.push(part);
        match lexer.token()? {
            Token::Symbol('.') => {}
            Token::Symbol(';') => return Some(parts),
            _ => return None,
        }
    }
}

/// Skips an annotation, its `@` already read, and gives the token behind it.
fn after_annotation(lexer: &mut Lexer) -> Option<Token> {
    loop {
        // `@interface` declares a type: then there is no package.
        let Token::Word(word) = lexer.token()? else { return None };
        if word == "interface" {
            return None;
        }
        let mut token = lexer.token()?;
        if token == Token::Symbol('.') {
            continue;
        }
        if token == Token::Symbol('(') {
            let mut open = 1_usize;
            while open > 0 {
                match lexer.token()? {
                    Token::Symbol('(') => open += 1,
                    Token::Symbol(')') => open -= 1,
                    _ => {}
                }
            }
            token = lexer.token()?;
        }
        return Some(token);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// Identifier, keyword or number.
    Word(String),
    Symbol(char),
    /// A string, character or text block.
    Literal,
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    /// The next token; `None` at the end of the file.
    fn token(&mut self) -> Option<Token> {
        self.skip_blanks_and_comments();
        let first = self.peek(0)?;
        if is_word(first) {
            let start = self.at;
            while self.peek(0).is_some_and(is_word) {
                self.at += 1;
            }
            return Some(Token::Word(self.chars[start..self.at].iter().collect()));
        }
        if self.starts_with("\"\"\"") {
            self.at += 3;
            self.skip_literal(|lexer| lexer.starts_with("\"\"\"").then_some(3));
            return Some(Token::Literal);
        }
        self.at += 1;
        if first == '"' || first == '\'' {
            // A line end ends a broken literal, so that the rest of the file is still read.
            self.skip_literal(|lexer| lexer.peek(0).filter(|c| *c == first || is_line_end(*c)).map(|_| 1));
            return Some(Token::Literal);
        }
        Some(Token::Symbol(first))
    }

    fn skip_literal(&mut self, end: impl Fn(&Self) -> Option<usize>) {
        while self.at < self.chars.len() {
            if let Some(length) = end(self) {
                self.at += length;
                return;
            }
            self.at += if self.peek(0) == Some('\\') { 2 } else { 1 };
        }
    }

    fn skip_blanks_and_comments(&mut self) {
        while let Some(c) = self.peek(0) {
            if c.is_whitespace() || c == '\u{1a}' {
                self.at += 1;
            } else if self.starts_with("//") {
                while self.peek(0).is_some_and(|c| !is_line_end(c)) {
                    self.at += 1;
                }
            } else if self.starts_with("/*") {
                self.at += 2;
                while self.at < self.chars.len() && !self.starts_with("*/") {
                    self.at += 1;
                }
                self.at += 2;
            } else {
                return;
            }
        }
    }
}

fn is_line_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Unicode escapes translated (JLS 3.3): a backslash that an even number of backslashes precedes, one or more `u`, four
/// hexadecimal digits. Surrogate pairs become their character; what is no escape stays as it is.
fn translated(source: &str) -> Vec<char> {
    let chars: Vec<char> = source.chars().collect();
    let mut out = Vec::with_capacity(chars.len());
    let (mut at, mut backslashes, mut high) = (0, 0_usize, None::<u32>);
    while at < chars.len() {
        if chars[at] == '\\'
            && backslashes.is_multiple_of(2)
            && let Some((unit, length)) = escape(&chars[at..])
        {
            at += length;
            backslashes = 0;
            match (high.take(), unit) {
                (Some(first), 0xdc00..=0xdfff) => {
                    out.pop();
                    out.extend(char::from_u32(0x10000 + ((first - 0xd800) << 10) + (unit - 0xdc00)));
                }
                (_, 0xd800..=0xdbff) => {
                    high = Some(unit);
                    out.push(char::REPLACEMENT_CHARACTER);
                }
                (_, unit) => out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
            }
            continue;
        }
        backslashes = if chars[at] == '\\' { backslashes + 1 } else { 0 };
        high = None;
        out.push(chars[at]);
        at += 1;
    }
    out
}

/// The UTF-16 unit and the length of an escape at the beginning.
fn escape(chars: &[char]) -> Option<(u32, usize)> {
    let us = chars[1..].iter().take_while(|c| **c == 'u').count();
    let digits = chars.get(1 + us..5 + us).filter(|_| us > 0)?;
    let unit = digits.iter().try_fold(0, |n, c| Some(n * 16 + c.to_digit(16)?))?;
    Some((unit, 5 + us))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn package(source: &str) -> String {
        declared_package(source).join(".")
    }

    #[test]
    fn only_the_declaration_counts_not_comments_or_strings() {
        let tricky = "/* package fake.one; */ // package fake.two;\n\\u0070ackage /* x */ a . /* y */ \n b ; // z\n\
                      class A { String s = \"package fake.three;\"; }";
        assert_eq!(package(tricky), "a.b");
        assert_eq!(package("class A { String s = \"\"\"\n package x; \"\"\"; }"), "");
        assert_eq!(package("// package a;\nclass A {}"), "");
        assert_eq!(package("/* not closed package a;"), "");
        assert_eq!(package("import a.b; package c;"), "");
        assert_eq!(package(""), "");
    }

    #[test]
    fn annotations_may_stand_before_it() {
        assert_eq!(package("@Deprecated package a;"), "a");
        assert_eq!(package("@a.b.C(value = \")\", x = ')', y = {@D(1), @E}) @F package a.b.c ;"), "a.b.c");
        assert_eq!(package("@X(\"\"\"\n ) \\\"\"\" package no; \"\"\") package yes;"), "yes");
        assert_eq!(package("@interface A {} package b;"), "");
        assert_eq!(package("@A((((("), "");
    }

    #[test]
    fn identifiers_are_unicode_and_escapes_may_hide_anywhere() {
        assert_eq!(package("package a.été.日本;"), "a.été.日本");
        assert_eq!(package("package \\u0061\\u002eb\\uuuu003b"), "a.b");
        // Two backslashes are no escape.
        assert_eq!(package("package a\\\\u003b"), "");
        assert_eq!(package("package \\ud83d\\ude00x;"), "");
        assert_eq!(package("package _a.$b.c1;"), "_a.$b.c1");
    }

    #[test]
    fn what_does_not_compile_has_no_package() {
        for broken in [
            "package",
            "package a",
            "package a.",
            "package a..b;",
            "package .a;",
            "package a b;",
            "; package a;",
            "\u{feff}package a;",
        ] {
            assert_eq!(package(broken), "", "{broken}");
        }
    }

    #[test]
    fn deep_nesting_and_long_files_take_no_stack() {
        assert_eq!(package(&format!("@A{}{} package deep;", "(".repeat(200_000), ")".repeat(200_000))), "deep");
        assert_eq!(package(&format!("{} package far;", "/**/".repeat(100_000))), "far");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(source in any::<String>()) {
            declared_package(&source);
        }

        #[test]
        fn nor_does_text_that_looks_like_java(source in "(package|@|/\\*|\\*/|//|\\n|\"|'|\\\\|\\\\u0070|[a-z.;() ]){0,60}") {
            declared_package(&source);
        }

        #[test]
        fn a_declaration_is_found_behind_any_comments(
            parts in prop::collection::vec("[a-z][a-z0-9_]{0,5}", 1..5), comment in "[a-z ;.\"']{0,20}",
        ) {
            let source = format!("/*{comment}*/ //{comment}\n package {} ; class A {{}}", parts.join(&format!(" . /*{comment}*/")));
            prop_assert_eq!(declared_package(&source), parts);
        }
    }
}
