//! Word by word. With a tolerance, words that both are finite decimal numbers are compared as numbers.

use super::show::quoted;

/// How far numbers may be apart; either suffices. Without one, numbers are words.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tolerance {
    pub(super) absolute: Option<f64>,
    pub(super) relative: Option<f64>,
}

pub(super) fn compare(expected: &[u8], actual: &[u8], tolerance: Tolerance, case_sensitive: bool) -> Option<String> {
    let (mut left, mut right) = (words(expected), words(actual));
    let mut number = 1_usize;
    loop {
        match (left.next(), right.next()) {
            (None, None) => return None,
            (Some((_, e)), Some((_, a))) if same(e, a, tolerance, case_sensitive) => {}
            (Some((_, e)), Some((line, a))) => {
                return Some(format!(
                    "line {line}, word {number} of the output: expected {}, got {}",
                    quoted(e),
                    quoted(a)
                ));
            }
            (Some((_, e)), None) => {
                return Some(format!("the output ends after {} words, where {} is expected", number - 1, quoted(e)));
            }
            (None, Some((line, a))) => {
                return Some(format!(
                    "the output goes on in line {line} with {}, where its end is expected",
                    quoted(a)
                ));
            }
        }
        number += 1;
    }
}

fn same(expected: &[u8], actual: &[u8], tolerance: Tolerance, case_sensitive: bool) -> bool {
    if expected == actual || (!case_sensitive && expected.eq_ignore_ascii_case(actual)) {
        return true;
    }
    if tolerance.absolute.is_none() && tolerance.relative.is_none() {
        return false;
    }
    let (Some(e), Some(a)) = (number(expected), number(actual)) else { return false };
    let apart = (e - a).abs();
    tolerance.absolute.is_some_and(|t| apart <= t) || tolerance.relative.is_some_and(|t| apart <= t * e.abs())
}

/// A finite decimal number; `nan`, `inf` and hexadecimal are words.
fn number(word: &[u8]) -> Option<f64> {
    let decimal = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
    if word.len() > 400 || !word.iter().all(decimal) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// Words with the line they stand in, from 1.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (1_usize..)
        .zip(text.split(|b| *b == b'\n'))
        .flat_map(|(line, text)| text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).map(move |w| (line, w)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(absolute: Option<f64>, relative: Option<f64>, expected: &str, actual: &str) -> bool {
        compare(expected.as_bytes(), actual.as_bytes(), Tolerance { absolute, relative }, true).is_none()
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
        let plain = Tolerance::default();
        assert_eq!(
            compare(b"1 2\n3", b"1 2\n\n4", plain, true).as_deref(),
            Some("line 3, word 3 of the output: expected «3», got «4»")
        );
        assert_eq!(compare(b"YES", b"yes", plain, false), None);
        assert_eq!(
            compare(b"a b", b"a", plain, true).as_deref(),
            Some("the output ends after 1 words, where «b» is expected")
        );
    }
}
