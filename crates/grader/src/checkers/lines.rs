//! Line by line: exactly, ignoring blanks at ends, or in any order.

use std::collections::HashMap;

use super::show::quoted;

/// Byte for byte.
pub(super) fn exact(expected: &[u8], actual: &[u8]) -> Option<String> {
    if expected == actual {
        return None;
    }
    let difference = in_order(expected, actual);
    Some(difference.unwrap_or_else(|| "only blanks at line ends or empty lines at the end differ".to_owned()))
}

/// In order, blanks at line ends and empty lines at the end ignored.
pub(super) fn in_order(expected: &[u8], actual: &[u8]) -> Option<String> {
    let (expected, actual) = (significant(expected), significant(actual));
    let (mut left, mut right) = (lines(expected), lines(actual));
    let mut number = 1_usize;
    loop {
        match (left.next(), right.next()) {
            (None, None) => return None,
            (Some(e), Some(a)) if e == a => {}
            (Some(e), Some(a)) => {
                return Some(format!("{}: expected {}, got {}", place(number, e, a), tail(e, a), tail(a, e)));
            }
            (Some(e), None) => {
                return Some(format!("the output ends before line {number}, where {} is expected", quoted(e)));
            }
            (None, Some(a)) => {
                return Some(format!(
                    "the output goes on in line {number} with {}, where its end is expected",
                    quoted(a)
                ));
            }
        }
        number += 1;
    }
}

/// As a multiset of lines.
pub(super) fn in_any_order(expected: &[u8], actual: &[u8]) -> Option<String> {
    let mut wanted: HashMap<&[u8], i64> = HashMap::new();
    for line in lines(significant(expected)) {
        *wanted.entry(line).or_default() += 1;
    }
    for (number, line) in (1_usize..).zip(lines(significant(actual))) {
        match wanted.get_mut(line) {
            Some(left) if *left > 0 => *left -= 1,
            Some(_) => return Some(format!("line {number}, {}, is there more often than expected", quoted(line))),
            None => return Some(format!("line {number}, {}, is not expected", quoted(line))),
        }
    }
    // In the order of the expected output, so that the message is the same each time.
    lines(significant(expected))
        .find(|line| wanted[line] > 0)
        .map(|line| format!("the line {} is missing", quoted(line)))
}

/// Everything but blanks and line ends at the end.
fn significant(text: &[u8]) -> &[u8] {
    text.trim_ascii_end()
}

/// Lines without the blanks at their ends; an empty text has none.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let some = !text.is_empty();
    text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).filter(move |_| some)
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Where two lines part, in characters from 1.
fn place(number: usize, expected: &[u8], actual: &[u8]) -> String {
    let column = String::from_utf8_lossy(&actual[..common(expected, actual)]).chars().count() + 1;
    format!("line {number}, column {column}")
}

/// A line as it is quoted: whole, or from shortly before the difference when that lies far behind its beginning.
fn tail(line: &[u8], other: &[u8]) -> String {
    const NEAR: usize = 40;
    let at = common(line, other);
    if at <= NEAR {
        return quoted(line);
    }
    let mut start = at - 10;
    while start < line.len() && line[start] & 0xc0 == 0x80 {
        start += 1;
    }
    format!("…{}", quoted(&line[start.min(line.len())..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_place() {
        assert_eq!(in_order(b"a\nbcd\n", b"a\nbxd\n").as_deref(), Some("line 2, column 2: expected «bcd», got «bxd»"));
        assert_eq!(
            in_order("é1".as_bytes(), "é2".as_bytes()).as_deref(),
            Some("line 1, column 2: expected «é1», got «é2»")
        );
        assert_eq!(in_order(b"a\nb", b"a").as_deref(), Some("the output ends before line 2, where «b» is expected"));
        assert_eq!(
            in_order(b"", b"a").as_deref(),
            Some("the output goes on in line 1 with «a», where its end is expected")
        );
        assert_eq!(exact(b"a\n", b"a").as_deref(), Some("only blanks at line ends or empty lines at the end differ"));
    }

    #[test]
    fn any_order_says_what_is_missing_or_too_much() {
        assert_eq!(in_any_order(b"a\nb\n", b"b\n").as_deref(), Some("the line «a» is missing"));
        assert_eq!(in_any_order(b"a\n", b"a\na\n").as_deref(), Some("line 2, «a», is there more often than expected"));
        assert_eq!(in_any_order(b"a\n", b"c\n").as_deref(), Some("line 1, «c», is not expected"));
    }

    #[test]
    fn a_difference_far_in_a_line_is_quoted_from_near_it() {
        let (e, a) = ("x".repeat(500) + "1", "x".repeat(500) + "2");
        let message = in_order(e.as_bytes(), a.as_bytes()).expect("differs");
        assert!(message.contains("column 501") && message.contains("xx1»") && message.len() < 200, "{message}");
    }
}
