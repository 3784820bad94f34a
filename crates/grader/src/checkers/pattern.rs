//! The whole output against a regular expression. The engine takes time linear in the output, whatever the pattern.

use anyhow::Context as _;
use regex::bytes::RegexBuilder;

use super::show::quoted;

/// Bytes of a compiled pattern; documents with larger ones are refused.
const SIZE: usize = 2 << 20;

pub(super) fn matches(pattern: &[u8], actual: &[u8]) -> anyhow::Result<Option<String>> {
    let pattern = std::str::from_utf8(pattern).context("the pattern is not UTF-8")?.trim_end();
    let regex = RegexBuilder::new(&format!("\\A(?:{pattern})\\z")).size_limit(SIZE).build();
    let regex = regex.context("the pattern cannot be used")?;
    let output = actual.trim_ascii_end();
    Ok((!regex.is_match(output)).then(|| format!("the output {} does not match the pattern", quoted(output))))
}
