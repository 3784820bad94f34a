//! The whole output against a regular expression. The engine takes time linear in the output, whatever the pattern.

use anyhow::Context as _;
use regex::bytes::{Regex, RegexBuilder};

use super::show::quoted;

/// Bytes of a compiled pattern: twice of what a document's check allows, so that nothing passes there and fails here.
const SIZE: usize = 8 << 20;

/// The pattern must match the output from its beginning to its end, blanks at the end left out. A line end at the end of
/// the pattern is not part of it: editors put one there.
pub(super) fn matches(pattern: &[u8], actual: &[u8]) -> anyhow::Result<Option<String>> {
    let pattern = std::str::from_utf8(pattern).context("the pattern is not UTF-8")?;
    // The end of a pattern may also be an escaped blank: then it is taken as it is.
    let regex = whole(pattern.trim_end()).or_else(|_| whole(pattern)).context("the pattern cannot be used")?;
    let trimmed = actual.trim_ascii_end();
    // With its end as well: a pattern may ask for a line end by itself.
    let right = regex.is_match(trimmed) || regex.is_match(actual);
    Ok((!right).then(|| format!("the output {} does not match the pattern", quoted(trimmed))))
}

fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!(r"\A(?:{pattern})\s*\z")).size_limit(SIZE).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_output_must_match_but_for_blanks_at_its_end() {
        for (pattern, output, right) in [
            ("[0-9]+ ms\n", "17 ms", true),
            ("[0-9]+ ms", "17 ms \n\n", true),
            ("a\\ ", "a \n", true),
            ("a$", "a\n", true),
            (r"a\n", "a\n", true),
            ("a", "b\na\n", false),
            ("(?m)^a$", "b\na\n", false),
            ("(?s).*a", "b\na\n", true),
            ("(?x) a b # any comment", "ab", false),
            (".", "\u{e9}", true),
            ("", "", true),
        ] {
            let usable = matches(pattern.as_bytes(), output.as_bytes());
            // A comment would swallow what the checker puts behind the pattern; documents with it are not stored.
            let Ok(opinion) = usable else {
                assert!(pattern.contains('#'), "{pattern}");
                continue;
            };
            assert_eq!(opinion.is_none(), right, "{pattern:?} {output:?}");
        }
        assert!(matches(b"a.c", b"a\xffc").expect("usable").is_some(), "a byte that is no character");
    }

    #[test]
    fn nested_repetitions_take_no_longer_than_the_output_is_long() {
        let output = "a".repeat(2_000_000);
        assert!(matches(b"(a*)*(a|aa)*b", output.as_bytes()).expect("usable").is_some());
    }
}
