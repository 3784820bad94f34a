//! How a compiler's output is read: by a reader that is built in, or by patterns that `language.toml` gives.

use std::fmt;

use anyhow::{Context as _, bail, ensure};
use regex::{Regex, RegexBuilder};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor, value},
};

use crate::diagnostic::Severity;

/// Lines that one pattern may look at.
pub const MOST_LINES: usize = 12;
/// Patterns of one language.
const MOST_PATTERNS: usize = 16;
/// Memory of one compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;
/// Groups that mean something.
const GROUPS: [&str; 6] = ["file", "line", "column", "caret", "severity", "message"];

/// How the compiler's output is read.
#[derive(Debug, Clone)]
pub enum Diagnostics {
    /// `diagnostics = "gcc"`
    BuiltIn(DiagnosticFormat),
    /// `[[diagnostics]]`: the first one that fits at a line is taken.
    Patterns(Vec<DiagnosticPattern>),
}

/// Readers that know more of their compilers than a pattern can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiagnosticFormat {
    /// `File.java:3: error: …`, the source line, a caret.
    Javac,
    /// `file.c:3:5: error: …`.
    Gcc,
    /// `  File "x.py", line 3`.
    Python,
}

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnUnit {
    /// Unicode characters.
    #[default]
    Characters,
    /// Bytes of UTF-8.
    Bytes,
}

/// One message of a compiler, found by a regular expression.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub struct DiagnosticPattern {
    /// Matches at the beginning of a line only; `$` is the end of a line.
    pub regex: Regex,
    /// So many lines are looked at together.
    pub lines: usize,
    /// When no group says it.
    pub severity: Severity,
    /// What `column` counts.
    pub columns: ColumnUnit,
    /// What `column` says of the first one: 0 or 1.
    pub first_column: u32,
    /// Lines behind the match that belong to its message.
    pub continued: Option<Regex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    pattern: String,
    #[serde(default = "one_line")]
    lines: usize,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    columns: ColumnUnit,
    #[serde(default = "from_one")]
    first_column: u32,
    #[serde(default)]
    continued: Option<String>,
}

fn one_line() -> usize {
    1
}

fn from_one() -> u32 {
    1
}

impl DiagnosticPattern {
    /// How bad a word of a compiler is; what is not known to be harmless is an error.
    pub fn severity_of(word: &str) -> Severity {
        let word = word.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|p| word.contains(p));
        if has(&["warn", "deprecated"]) {
            Severity::Warning
        } else if has(&["note", "hint", "info", "help", "remark"]) {
            Severity::Note
        } else {
            Severity::Error
        }
    }
}

impl TryFrom<Raw> for DiagnosticPattern {
    type Error = anyhow::Error;

    fn try_from(raw: Raw) -> anyhow::Result<Self> {
        let regex = compiled(&raw.pattern)?;
        let groups: Vec<_> = regex.capture_names().flatten().collect();
        for group in &groups {
            ensure!(
                GROUPS.contains(group),
                "a pattern of diagnostics has the group {group}; there are {}",
                GROUPS.join(", ")
            );
        }
        for needed in ["file", "message"] {
            ensure!(groups.contains(&needed), "the pattern {:?} has no group (?<{needed}>…)", raw.pattern);
        }
        if groups.contains(&"column") && groups.contains(&"caret") {
            bail!("the pattern {:?} has both column and caret", raw.pattern);
        }
        if groups.contains(&"severity") && raw.severity.is_some() {
            bail!("the pattern {:?} has the group severity, and severity is set beside it", raw.pattern);
        }
        ensure!((1..=MOST_LINES).contains(&raw.lines), "lines of a pattern must be 1 to {MOST_LINES}");
        ensure!(raw.first_column <= 1, "first_column must be 0 or 1");
        Ok(Self {
            regex,
            lines: raw.lines,
            severity: raw.severity.unwrap_or(Severity::Error),
            columns: raw.columns,
            first_column: raw.first_column,
            continued: raw.continued.as_deref().map(compiled).transpose()?,
        })
    }
}

/// At the beginning of a line only. This engine's time grows with the text and never explodes.
fn compiled(pattern: &str) -> anyhow::Result<Regex> {
    let whole = format!(r"\A(?:{pattern})");
    let built = RegexBuilder::new(&whole).multi_line(true).size_limit(PATTERN_BYTES).build();
    let regex = built.with_context(|| format!("the pattern {pattern:?} of diagnostics is not valid"))?;
    ensure!(!regex.is_match(""), "the pattern {pattern:?} of diagnostics fits everywhere");
    Ok(regex)
}

impl<'de> Deserialize<'de> for Diagnostics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Diagnostics;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a reader, or [[diagnostics]] tables with a pattern")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
                DiagnosticFormat::deserialize(value::StrDeserializer::new(name)).map(Diagnostics::BuiltIn)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut tables: A) -> Result<Self::Value, A::Error> {
                let mut patterns = Vec::new();
                while let Some(pattern) = tables.next_element()? {
                    patterns.push(pattern);
                }
                if patterns.is_empty() || patterns.len() > MOST_PATTERNS {
                    return Err(serde::de::Error::custom(format!("there must be 1 to {MOST_PATTERNS} diagnostics")));
                }
                Ok(Diagnostics::Patterns(patterns))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        diagnostics: Diagnostics,
    }

    fn parse(text: &str) -> Result<Diagnostics, String> {
        // As errors are shown: with their causes.
        toml::from_str::<Sample>(text).map(|s| s.diagnostics).map_err(|e| e.to_string())
    }

    #[test]
    fn a_reader_is_named_or_patterns_are_given() {
        assert!(matches!(parse("diagnostics = \"gcc\""), Ok(Diagnostics::BuiltIn(DiagnosticFormat::Gcc))));
        let text = "[[diagnostics]]\npattern = '(?<file>.+):(?<line>\\d+): (?<message>.*)$'\n[[diagnostics]]\n\
                    pattern = '(?<file>\\S+) (?<message>.*)'\nlines = 3\nseverity = \"warning\"\ncolumns = \"bytes\"\n\
                    first_column = 0\ncontinued = '    '";
        let Ok(Diagnostics::Patterns(patterns)) = parse(text) else { panic!("{:?}", parse(text)) };
        assert_eq!((patterns[0].lines, patterns[0].first_column, patterns[0].severity), (1, 1, Severity::Error));
        assert_eq!((patterns[1].lines, patterns[1].first_column, patterns[1].severity), (3, 0, Severity::Warning));
        assert!(patterns[1].continued.is_some() && patterns[1].columns == ColumnUnit::Bytes);
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_reason() {
        let pattern = |p: &str, more: &str| parse(&format!("[[diagnostics]]\npattern = '{p}'\n{more}"));
        for (result, word) in [
            (parse("diagnostics = \"clang\""), "clang"),
            (parse("diagnostics = []"), "1 to 16"),
            (pattern("(?<file>x", ""), "not valid"),
            (pattern("(?<file>x)", ""), "(?<message>"),
            (pattern("(?<message>x)", ""), "(?<file>"),
            (pattern("(?<file>x)(?<message>y)(?<row>z)", ""), "row"),
            (pattern("(?<file>x)(?<message>y)(?<column>z)(?<caret>z)", ""), "both"),
            (pattern("(?<file>x)(?<message>y)(?<severity>z)", "severity = \"note\""), "beside"),
            (pattern("(?<file>x*)(?<message>y*)", ""), "everywhere"),
            (pattern("(?<file>x)(?<message>y)", "lines = 13"), "1 to 12"),
            (pattern("(?<file>x)(?<message>y)", "first_column = 2"), "0 or 1"),
            (pattern("(?<file>x)(?<message>y)", "colums = 2"), "colums"),
            (pattern("(?<file>x)(?<message>(\\w{90}){90}{90})", ""), "not valid"),
        ] {
            let error = result.expect_err(word);
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn the_words_of_compilers_are_known() {
        for (word, severity) in [
            ("error", Severity::Error),
            ("Fatal", Severity::Error),
            ("Fatal error", Severity::Error),
            ("Warning", Severity::Warning),
            ("warning[E1]", Severity::Warning),
            ("PHP Deprecated", Severity::Warning),
            ("note", Severity::Note),
            ("Hint", Severity::Note),
            ("", Severity::Error),
        ] {
            assert_eq!(DiagnosticPattern::severity_of(word), severity, "{word}");
        }
    }
}
