//! Comparing output with what is expected, outside the jail, as bytes. A failure says in one sentence where it begins.

use iteratione_common::lab::Checker;

mod lines;
mod pattern;
#[cfg(test)]
mod properties;
mod show;
#[cfg(test)]
mod table;
mod tokens;

/// What a checker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// Right.
    Pass,
    /// Wrong, and why, for people. It may quote the expected output.
    Fail(String),
}

impl Opinion {
    fn from_difference(difference: Option<String>) -> Self {
        difference.map_or(Self::Pass, Self::Fail)
    }
}

/// Compares a program's output with what is expected.
///
/// The error is ours or the instructor's: a pattern that cannot be used. Documents with such patterns are not stored.
pub fn check(checker: &Checker, expected: &[u8], actual: &[u8]) -> anyhow::Result<Opinion> {
    Ok(match checker {
        Checker::Exact {} => Opinion::from_difference(lines::exact(expected, actual)),
        Checker::Lines {} => Opinion::from_difference(lines::in_order(expected, actual)),
        Checker::UnorderedLines {} => Opinion::from_difference(lines::in_any_order(expected, actual)),
        Checker::Tokens { float_abs, float_rel, case_sensitive, space_sensitive } => {
            let tolerance = tokens::Tolerance { absolute: *float_abs, relative: *float_rel };
            let rules = tokens::Rules { tolerance, case: *case_sensitive, space: *space_sensitive };
            Opinion::from_difference(tokens::compare(expected, actual, rules))
        }
        Checker::Regex {} => Opinion::from_difference(pattern::matches(expected, actual)?),
        Checker::Program(_) => anyhow::bail!("a program is no function of the grader's"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    // By name: the macros below take braces for their own.
    const EXACT: Checker = Checker::Exact {};
    const LINES: Checker = Checker::Lines {};
    const UNORDERED: Checker = Checker::UnorderedLines {};

    use super::*;

    const TOKENS: Checker =
        Checker::Tokens { float_abs: None, float_rel: None, case_sensitive: true, space_sensitive: false };

    fn passes(checker: &Checker, expected: &str, actual: &str) -> bool {
        check(checker, expected.as_bytes(), actual.as_bytes()).expect("usable") == Opinion::Pass
    }

    #[test]
    fn each_checker_forgives_what_it_says_and_no_more() {
        for (checker, expected, actual, right) in [
            (Checker::Exact {}, "a\n", "a\n", true),
            (Checker::Exact {}, "a\n", "a", false),
            (Checker::Exact {}, "a\n", "a\r\n", false),
            (Checker::Lines {}, "a\nb\n", "a  \nb\n\n\n", true),
            (Checker::Lines {}, "a\nb\n", "a\r\nb", true),
            (Checker::Lines {}, "a\nb\n", " a\nb\n", false),
            (Checker::Lines {}, "a\nb\n", "a\n\nb\n", false),
            (Checker::Lines {}, "", "\n", true),
            (TOKENS, "1 2\n3", " 1\t2 3\n", true),
            (TOKENS, "12", "1 2", false),
            (TOKENS, "1 2", "1 2 3", false),
            (TOKENS, "Yes", "yes", false),
            (TOKENS, "1.0", "1.00", false),
            (Checker::UnorderedLines {}, "a\nb\nb\n", "b\na \nb\n", true),
            (Checker::UnorderedLines {}, "a\nb\nb\n", "b\na\na\n", false),
            (Checker::UnorderedLines {}, "a\n", "a\na\n", false),
            (Checker::Regex {}, "[0-9]+ ms", "17 ms\n", true),
            (Checker::Regex {}, "[0-9]+ ms", "about 17 ms\n", false),
            (Checker::Regex {}, "a|b", "a or b", false),
        ] {
            assert_eq!(passes(&checker, expected, actual), right, "{checker:?} {expected:?} {actual:?}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_not_the_students_fault() {
        assert!(check(&Checker::Regex {}, b"(", b"x").is_err());
        assert!(check(&Checker::Regex {}, b"(a{1000}){1000}", b"x").is_err());
        assert!(check(&Checker::Regex {}, b"\xff", b"x").is_err());
    }

    proptest! {
        #[test]
        fn what_is_exact_is_the_same_lines_and_what_is_the_same_lines_is_the_same_words(
            expected in "[ab \\n\\t]{0,12}", actual in "[ab \\n\\t]{0,12}",
        ) {
            if passes(&EXACT, &expected, &actual) { prop_assert!(passes(&LINES, &expected, &actual)); }
            if passes(&Checker::Lines {}, &expected, &actual) {
                prop_assert!(passes(&TOKENS, &expected, &actual));
                prop_assert!(passes(&UNORDERED, &expected, &actual));
            }
        }

        #[test]
        fn any_bytes_equal_themselves_and_every_complaint_is_short(
            expected in prop::collection::vec(any::<u8>(), 0..300), actual in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            for checker in [Checker::Exact {}, Checker::Lines {}, TOKENS, Checker::UnorderedLines {}] {
                prop_assert_eq!(check(&checker, &expected, &expected).expect("usable"), Opinion::Pass);
                if let Opinion::Fail(message) = check(&checker, &expected, &actual).expect("usable") {
                    prop_assert!(message.chars().count() < 400 && !message.is_empty(), "{}", message);
                }
            }
        }
    }

    #[test]
    fn one_very_long_line_is_compared_and_quoted_in_part() {
        let long = vec![b'x'; 50 << 20];
        for checker in [Checker::Exact {}, Checker::Lines {}, TOKENS, Checker::UnorderedLines {}] {
            let Opinion::Fail(message) = check(&checker, b"y", &long).expect("usable") else { panic!("differs") };
            assert!(message.len() < 1000, "{checker:?}: {} bytes", message.len());
        }
    }
}
