//! Checks of fields. Each adds to a list, so that a client hears of all its mistakes at once.

use std::ops::RangeInclusive;

use crate::error::FieldProblem;

/// Mistakes found so far.
pub type Problems = Vec<FieldProblem>;

/// A line of text for people: trimmed, without control characters, of so many characters.
pub fn line(problems: &mut Problems, pointer: &str, value: &str, length: RangeInclusive<usize>) -> String {
    let text = value.trim();
    let count = text.chars().count();
    if !length.contains(&count) {
        let detail = format!("must have {} to {} characters, not {count}", length.start(), length.end());
        problems.push(FieldProblem::new(pointer, detail));
    } else if text.chars().any(char::is_control) {
        problems.push(FieldProblem::new(pointer, "must not hold control characters"));
    }
    text.to_owned()
}

/// A password for a new account: long rather than strange.
pub fn password(problems: &mut Problems, pointer: &str, value: &str) {
    let count = value.chars().count();
    if !(10..=200).contains(&count) {
        problems.push(FieldProblem::new(pointer, "must have 10 to 200 characters"));
    }
}

/// An address in its normal form: trimmed, lower case.
pub fn email(problems: &mut Problems, pointer: &str, value: &str) -> String {
    normal_email(value).unwrap_or_else(|| {
        problems.push(FieldProblem::new(pointer, "is not an e-mail address"));
        String::new()
    })
}

/// The normal form of an address: trimmed, lower case; `None` if it is none. Whether mail arrives there is not asked.
/// ASCII only: two addresses that look the same must not be two accounts.
pub fn normal_email(value: &str) -> Option<String> {
    let email = value.trim().to_ascii_lowercase();
    let (local, domain) = email.split_once('@')?;
    let local_ok = (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
        && !local.starts_with('.')
        && !local.ends_with('.');
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let domain_ok = domain.contains('.') && domain.split('.').all(label_ok);
    (local_ok && domain_ok && email.len() <= 254).then_some(email)
}

/// Whether a text can be a slug: 1 to 64 lower-case letters, digits and inner hyphens.
pub fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_normal_form() {
        assert_eq!(normal_email(" Ada.Lovelace@Example.EDU ").as_deref(), Some("ada.lovelace@example.edu"));
        let long = format!("{}@example.edu", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a@b..c",
            "a@-b.c",
            "a b@c.d",
            "a@b@c.d",
            "é@b.c",
            "a@b.c\n x",
            ".a@b.c",
            "a\0@b.c",
            &long,
        ] {
            assert_eq!(normal_email(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_line_is_trimmed_and_bounded() {
        let mut problems = Vec::new();
        assert_eq!(line(&mut problems, "/name", "  Ada ", 1..=5), "Ada");
        assert!(problems.is_empty());
        for bad in ["", "   ", "abcdef", "a\tb", "a\u{1b}[0m"] {
            line(&mut problems, "/name", bad, 1..=5);
        }
        assert_eq!(problems.len(), 5, "{problems:?}");
    }

    proptest::proptest! {
        #[test]
        fn the_normal_form_of_a_normal_form_is_itself(text in "\\PC{0,20}@[a-zA-Z0-9.-]{1,20}") {
            if let Some(once) = normal_email(&text) {
                proptest::prop_assert_eq!(normal_email(&once), Some(once));
            }
        }
    }
}
