//! Java source as the characters that its lexer sees: unicode escapes translated (JLS §3.2, §3.3).

use std::str::Chars;

/// The translated characters of a source. Each costs constant time, whatever the source is.
///
/// A backslash begins an escape only after an even number of backslashes; any number of `u` may follow; two escapes
/// may be the halves of one character. An escape that is broken, or half a character without its other half, becomes
/// U+FFFD: javac refuses it, and no name can contain it.
#[derive(Debug, Clone)]
pub(super) struct Characters<'a> {
    rest: Chars<'a>,
    /// The last character was a backslash that a further one would join to a pair.
    after_backslash: bool,
    /// The last character came from an escape: as javac has it, a raw backslash after it may begin another.
    after_escape: bool,
}

enum Escape {
    None,
    Broken,
    Unit(u16),
}

impl<'a> Characters<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { rest: source.chars(), after_backslash: false, after_escape: false }
    }

    /// An escape whose backslash has just been read.
    fn escape(&mut self) -> Escape {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('u') {
            return Escape::None;
        }
        let mut digit = ahead.next();
        while digit == Some('u') {
            digit = ahead.next();
        }
        let mut unit = 0_u32;
        for i in 0..4 {
            if i > 0 {
                digit = ahead.next();
            }
            let Some(value) = digit.and_then(|c| c.to_digit(16)) else {
                return Escape::Broken;
            };
            unit = unit * 16 + value;
        }
        self.rest = ahead;
        u16::try_from(unit).map_or(Escape::Broken, Escape::Unit)
    }

    /// The second half of a character, if an escape with one comes next.
    fn low_half(&mut self) -> Option<u16> {
        let mut ahead = self.clone();
        if ahead.rest.next() != Some('\\') {
            return None;
        }
        match ahead.escape() {
            Escape::Unit(unit @ 0xDC00..=0xDFFF) => {
                *self = ahead;
                Some(unit)
            }
            _ => None,
        }
    }
}

impl Iterator for Characters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        let may_escape = c == '\\' && (!self.after_backslash || self.after_escape);
        if !may_escape {
            (self.after_backslash, self.after_escape) = (false, false);
            return Some(c);
        }
        match self.escape() {
            Escape::None => {
                self.after_backslash = !self.after_backslash;
                self.after_escape = false;
                Some(c)
            }
            Escape::Broken => {
                (self.after_backslash, self.after_escape) = (false, false);
                Some(char::REPLACEMENT_CHARACTER)
            }
            Escape::Unit(unit) => {
                self.after_backslash = unit == u16::from(b'\\') && !self.after_backslash;
                self.after_escape = true;
                let mut units = vec![unit];
                if (0xD800..0xDC00).contains(&unit) {
                    units.extend(self.low_half());
                }
                char::decode_utf16(units).next().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn translated(source: &str) -> String {
        Characters::new(source).collect()
    }

    #[test]
    fn escapes_are_translated_as_the_language_says() {
        for (source, expected) in [
            (r"\u0041", "A"),
            (r"\uuuu0041", "A"),
            (r"\\u0041", r"\\u0041"),
            (r"\\\u0041", r"\\A"),
            (r"\\\\u0041", r"\\\\u0041"),
            // What an escape makes is not part of another one.
            (r"\u005cu0041", r"\u0041"),
            (r"\u005c\u005c", r"\\"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ude00", "\u{fffd}"),
            (r"\u004", "\u{fffd}u004"),
            (r"\u", "\u{fffd}u"),
            (r"\", r"\"),
            (r"\n", r"\n"),
            ("é😀", "é😀"),
        ] {
            assert_eq!(translated(source), expected, "{source}");
        }
    }

    #[test]
    fn a_long_row_of_us_takes_no_more_than_its_length() {
        // Quadratic time would take minutes.
        let source = format!(r"\{}", "u".repeat(2_000_000));
        assert_eq!(translated(&source).chars().count(), source.len());
    }

    proptest! {
        #[test]
        fn anything_is_translated_and_text_without_backslashes_stays(source in any::<String>()) {
            let out = translated(&source);
            if !source.contains('\\') {
                prop_assert_eq!(out, source);
            }
        }

        #[test]
        fn rows_of_backslashes_and_escapes_never_confuse_it(source in r"(\\|u|0|4|1|d|8|3|e|c|5){0,40}") {
            prop_assert!(translated(&source).chars().count() <= source.chars().count());
        }
    }
}
