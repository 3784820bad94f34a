//! Courses and who is in them.

/// Whether a text can be a slug: 1 to 64 lower-case letters, digits and inner hyphens.
pub fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
