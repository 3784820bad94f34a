//! Tokens of Java source (JLS §3): enough of each to tell code from comments and literals.

use std::{iter::Peekable, sync::LazyLock};

use regex::Regex;

use super::characters::Characters;

/// A token. Keywords are identifiers here: which are, depends on the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or keyword, without the characters that identifiers ignore.
    Name(String),
    /// A string, character, text block or number.
    Literal,
    /// Any other character.
    Other(char),
}

/// The tokens of a source, comments and blanks left out. It ends with the source, whatever is unclosed then.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    characters: Peekable<Characters<'a>>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { characters: Characters::new(source).peekable() }
    }

    fn line_comment(&mut self) {
        for c in self.characters.by_ref() {
            if matches!(c, '\n' | '\r') {
                return;
            }
        }
    }

    /// After `/*`.
    fn block_comment(&mut self) {
        let mut star = false;
        for c in self.characters.by_ref() {
            if star && c == '/' {
                return;
            }
            star = c == '*';
        }
    }

    /// After the first quote: to the next one that no backslash escapes, or to the end of the line.
    fn quoted(&mut self, quote: char) {
        let mut escaped = false;
        while let Some(&c) = self.characters.peek() {
            if matches!(c, '\n' | '\r') {
                return;
            }
            self.characters.next();
            if c == quote && !escaped {
                return;
            }
            escaped = c == '\\' && !escaped;
        }
    }

    /// After one `"`: a string, an empty string or a text block.
    fn string(&mut self) {
        if self.characters.peek() != Some(&'"') {
            return self.quoted('"');
        }
        self.characters.next();
        if self.characters.next_if_eq(&'"').is_none() {
            return;
        }
        let (mut quotes, mut escaped) = (0, false);
        for c in self.characters.by_ref() {
            if escaped {
                escaped = false;
                quotes = 0;
            } else if c == '"' {
                quotes += 1;
                if quotes == 3 {
                    return;
                }
            } else {
                quotes = 0;
                escaped = c == '\\';
            }
        }
    }

    fn name(&mut self, first: char) -> String {
        let mut name = String::from(first);
        while let Some(&c) = self.characters.peek() {
            if is_ignorable(c) {
                self.characters.next();
            } else if is_part(c) {
                name.push(c);
                self.characters.next();
            } else {
                break;
            }
        }
        name
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let c = self.characters.next()?;
            let token = match c {
                ' ' | '\t' | '\u{c}' | '\n' | '\r' => continue,
                // Control-Z may end a source.
                '\u{1a}' if self.characters.peek().is_none() => return None,
                '/' if self.characters.next_if_eq(&'/').is_some() => {
                    self.line_comment();
                    continue;
                }
                '/' if self.characters.next_if_eq(&'*').is_some() => {
                    self.block_comment();
                    continue;
                }
                '"' => {
                    self.string();
                    Token::Literal
                }
                '\'' => {
                    self.quoted('\'');
                    Token::Literal
                }
                c if c.is_ascii_digit() => {
                    self.name(c);
                    Token::Literal
                }
                c if is_start(c) => Token::Name(self.name(c)),
                c => Token::Other(c),
            };
            return Some(token);
        }
    }
}

/// `Character.isJavaIdentifierStart`.
pub(super) fn is_start(c: char) -> bool {
    static OTHERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nl}\p{Sc}\p{Pc}]$").ok());
    if c.is_ascii() { c.is_ascii_alphabetic() || matches!(c, '_' | '$') } else { matches(&OTHERS, c) }
}

/// `Character.isJavaIdentifierPart`, without those that are ignored.
fn is_part(c: char) -> bool {
    static OTHERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{Nd}\p{Mn}\p{Mc}]$").ok());
    is_start(c) || if c.is_ascii() { c.is_ascii_digit() } else { matches(&OTHERS, c) }
}

/// `Character.isIdentifierIgnorable`: may stand in an identifier and is no part of its name.
fn is_ignorable(c: char) -> bool {
    static FORMAT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Cf}$").ok());
    match c {
        '\0'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}'..='\u{9f}' => true,
        c => !c.is_ascii() && matches(&FORMAT, c),
    }
}

fn matches(class: &LazyLock<Option<Regex>>, c: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(source: &str) -> Vec<String> {
        Lexer::new(source)
            .map(|token| match token {
                Token::Name(name) => name,
                Token::Literal => "#".to_owned(),
                Token::Other(c) => c.to_string(),
            })
            .collect()
    }

    #[test]
    fn comments_and_literals_hide_what_is_in_them() {
        for (source, expected) in [
            ("a /* b */ c // d\n e", "a c e"),
            ("a // b\r c", "a c"),
            ("/* * / ** // */ a", "a"),
            ("/**/a/*/ b */c", "a c"),
            (r#"x = "a // \" /* "; y"#, "x = # ; y"),
            (r#""" a"#, "# a"),
            ("\"\"\"\n a \"b\" \"\" \\\"\"\" c\"\"\" d", "# d"),
            ("\"\"\"\n \\\\\"\"\" d", "# d"),
            (r"'\'' '\\' a '/' '*' b", "# # a # # b"),
            ("\"open\n a", "# a"),
            (r"/\u002a hidden \u002a/ a", "a"),
            (r"// hidden \u000a a", "a"),
            ("\\u0022 hidden \\u0022 a", "# a"),
            // \u005c is a backslash to the string: the quote after it is escaped.
            ("\" \\u005c\" hidden \" a", "# a"),
            ("1.5e3f 0xFFL a1", "# . # # a1"),
            ("a\u{1a}", "a"),
            ("\u{1a}a", "\u{1a} a"),
        ] {
            assert_eq!(tokens(source).join(" "), expected, "{source}");
        }
    }

    #[test]
    fn identifiers_are_those_of_java() {
        for name in ["été", "課題", "_", "$x", "€", "x1", "ℵ", "Ⅷ", "𝒳", "a\u{301}"] {
            assert_eq!(tokens(name), [name], "{name}");
        }
        assert_eq!(tokens("a\u{200b}b"), ["ab"], "ignorable characters are not part of the name");
        assert_eq!(tokens(r"\u0061\u0062"), ["ab"]);
        for other in ["№", "°", "\u{feff}", "\u{301}", "½", "😀"] {
            assert_eq!(Lexer::new(other).next(), Some(Token::Other(other.chars().next().expect("one"))), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_split(source in any::<String>()) {
            prop_assert!(Lexer::new(&source).count() <= source.chars().count());
        }

        #[test]
        fn any_mixture_of_what_begins_and_ends_things_is_split(
            parts in prop::collection::vec(
                prop::sample::select(vec!["\"", "'", "\\", "/*", "*/", "//", "\n", "\"\"\"", "\\u002a", "\\u005c", "a", "@", "("]),
                0..60,
            )
        ) {
            prop_assert!(Lexer::new(&parts.concat()).count() <= parts.concat().len());
        }
    }
}
