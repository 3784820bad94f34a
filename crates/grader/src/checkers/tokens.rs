//! Word by word, by the rules of the Kattis package format's default output validator. `docs/CHECKERS.md` has them, with what
//! they were taken from; the table of [`super::table`] has an example of each.

use super::show::quoted;

/// How far numbers may be apart; either suffices. Without one, numbers are words.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tolerance {
    pub(super) absolute: Option<f64>,
    pub(super) relative: Option<f64>,
}

/// What matters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) tolerance: Tolerance,
    /// Whether case does.
    pub(super) case: bool,
    /// Whether the blanks between, before and behind the words do.
    pub(super) space: bool,
}

pub(super) fn compare(expected: &[u8], actual: &[u8], rules: Rules) -> Option<String> {
    let (mut left, mut right) = (Words::of(expected), Words::of(actual));
    let mut number = 1_usize;
    loop {
        let (e, a) = (left.next(), right.next());
        if rules.space && e.blanks != a.blanks {
            let (e, a) = (quoted(e.blanks), quoted(a.blanks));
            return Some(format!(
                "line {}, before word {number} of the output: expected the blanks {e}, got {a}",
                right.line
            ));
        }
        if e.word.is_empty() && a.word.is_empty() {
            return None;
        }
        if a.word.is_empty() {
            let before = number - 1;
            return Some(format!("the output ends after {before} words, where {} is expected", quoted(e.word)));
        }
        if e.word.is_empty() {
            let (line, word) = (right.line, quoted(a.word));
            return Some(format!("the output goes on in line {line} with {word}, where its end is expected"));
        }
        if !same(e.word, a.word, rules) {
            return Some(format!(
                "line {}, word {number} of the output: expected {}, got {}",
                right.line,
                quoted(e.word),
                quoted(a.word)
            ));
        }
        number += 1;
    }
}

fn same(expected: &[u8], actual: &[u8], rules: Rules) -> bool {
    if expected == actual || (!rules.case && expected.eq_ignore_ascii_case(actual)) {
        return true;
    }
    let Tolerance { absolute, relative } = rules.tolerance;
    if absolute.is_none() && relative.is_none() {
        return false;
    }
    let (Some(e), Some(a)) = (number(expected), number(actual)) else { return false };
    let apart = (e - a).abs();
    absolute.is_some_and(|t| apart <= t) || relative.is_some_and(|t| apart <= t * e.abs())
}

/// The longest word that may be a number, in bytes: the format asks for 30 digits on either side of the point.
const NUMBER_BYTES: usize = 400;

/// A finite decimal number; `nan`, `inf` and hexadecimal are words.
fn number(word: &[u8]) -> Option<f64> {
    let decimal = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
    if word.len() > NUMBER_BYTES || !word.iter().all(decimal) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// A word and the blanks before it; the last one is empty and has what is behind all words.
struct Word<'a> {
    blanks: &'a [u8],
    word: &'a [u8],
}

/// Words one after another.
struct Words<'a> {
    rest: &'a [u8],
    /// In which line the last one is, from 1.
    line: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self { rest: text, line: 1 }
    }

    fn next(&mut self) -> Word<'a> {
        let blanks = self.take(is_blank);
        self.line += blanks.split(|b| *b == b'\n').count() - 1;
        Word { blanks, word: self.take(|b| !is_blank(b)) }
    }

    fn take(&mut self, of: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|b| !of(*b)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// The six of the format. Rust's own five leave the vertical tab out.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(absolute: Option<f64>, relative: Option<f64>, expected: &str, actual: &str) -> bool {
        let rules = Rules { tolerance: Tolerance { absolute, relative }, case: true, space: false };
        compare(expected.as_bytes(), actual.as_bytes(), rules).is_none()
    }

    #[test]
    fn either_tolerance_suffices() {
        assert!(close(Some(1e-3), None, "3.1415", "3.1416"));
        assert!(!close(Some(1e-5), None, "3.1415", "3.1416"));
        assert!(close(None, Some(1e-3), "1000000", "1000999"));
        assert!(!close(None, Some(1e-3), "1000000", "1001001"));
        assert!(close(Some(1e-9), Some(1e-3), "1000000", "1000999"));
        assert!(close(Some(1e-3), None, "1e3", "1000.0001"));
        assert!(close(Some(1e-3), None, "-0.0", "0"));
    }

    #[test]
    fn what_is_no_finite_number_is_a_word() {
        for (e, a) in
            [("nan", "NaN"), ("inf", "infinity"), ("1e999", "2e999"), ("1", "0x1"), ("1", "one"), ("1", "nan")]
        {
            assert!(!close(Some(1e9), Some(1e9), e, a), "{e} {a}");
        }
        assert!(close(Some(1e-3), None, "nan x", "nan x"));
    }

    #[test]
    fn a_difference_has_its_place_and_case_matters_only_if_asked() {
        let plain = Rules { case: true, ..Rules::default() };
        assert_eq!(
            compare(b"1 2\n3", b"1 2\n\n4", plain).as_deref(),
            Some("line 3, word 3 of the output: expected «3», got «4»")
        );
        assert_eq!(compare(b"YES", b"yes", Rules::default()), None);
        assert_eq!(
            compare(b"a b", b"a", plain).as_deref(),
            Some("the output ends after 1 words, where «b» is expected")
        );
        assert_eq!(
            compare(b"a b\n", b"a  b\n", Rules { space: true, ..plain }).as_deref(),
            Some("line 1, before word 2 of the output: expected the blanks « », got «  »")
        );
    }
}
