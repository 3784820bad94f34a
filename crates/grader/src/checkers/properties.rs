//! What must be true of every checker, whatever bytes a program prints and whatever an instructor expects.

use std::time::{Duration, Instant};

use iteratione_common::lab::Checker;
use proptest::prelude::*;

use super::{Opinion, check};

/// Far above what any of these inputs should take, on a machine that does a lot else.
const LONG: Duration = Duration::from_secs(20);

// By name: the macros below take braces for their own.
const REGEX: Checker = Checker::Regex {};
const UNORDERED: Checker = Checker::UnorderedLines {};

/// Bytes as programs print them: words, numbers of every kind, blanks, and whatever else.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|b| vec![b]),
        "[ \\t\\r\\n]{1,3}".prop_map(String::into_bytes),
        "[-+]?[0-9]{1,25}(\\.[0-9]{0,20})?([eE][-+]?[0-9]{1,4})?".prop_map(String::into_bytes),
        "nan|inf|-inf|1e999|-0|0x1p3|\\.|\\.e|1_000|١٢٣|NaN|infinity|1e-400|\\+|--1".prop_map(String::into_bytes),
        "[a-zA-Zé😀ß]{1,6}".prop_map(String::into_bytes),
        Just(vec![0xff, 0xfe]),
        Just(vec![0; 3]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn tolerance() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        Just(None),
        Just(Some(0.0)),
        (0.0..1.0_f64).prop_map(Some),
        // None of these is ever stored; a checker must stand them all the same.
        prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, f64::MAX, f64::MIN_POSITIVE])
            .prop_map(Some),
    ]
}

fn any_checker() -> impl Strategy<Value = Checker> {
    prop_oneof![
        Just(Checker::Exact {}),
        Just(Checker::Lines {}),
        Just(Checker::UnorderedLines {}),
        Just(Checker::Regex {}),
        (tolerance(), tolerance(), any::<bool>(), any::<bool>()).prop_map(
            |(float_abs, float_rel, case_sensitive, space_sensitive)| Checker::Tokens {
                float_abs,
                float_rel,
                case_sensitive,
                space_sensitive
            }
        ),
    ]
}

fn tokens(float_abs: Option<f64>, float_rel: Option<f64>, case_sensitive: bool) -> Checker {
    Checker::Tokens { float_abs, float_rel, case_sensitive, space_sensitive: false }
}

fn passes(checker: &Checker, expected: &[u8], actual: &[u8]) -> bool {
    check(checker, expected, actual).expect("usable") == Opinion::Pass
}

proptest! {
    #[test]
    fn no_bytes_make_a_checker_panic_take_long_or_complain_at_length(
        checker in any_checker(), expected in output(), actual in output(),
    ) {
        let begin = Instant::now();
        // A pattern that cannot be used is told to be one.
        if let Ok(Opinion::Fail(message)) = check(&checker, &expected, &actual) {
            prop_assert!(!message.is_empty() && message.len() < 2000, "{} bytes", message.len());
            prop_assert!(!message.contains(['\0', '\n', '\u{1b}']), "{message:?}");
        }
        prop_assert!(begin.elapsed() < LONG);
    }

    #[test]
    fn every_checker_but_a_pattern_takes_what_is_expected(checker in any_checker(), expected in output()) {
        prop_assume!(checker != Checker::Regex {});
        prop_assert!(passes(&checker, &expected, &expected));
    }

    #[test]
    fn escaped_text_is_a_pattern_of_itself_and_of_nothing_else(expected in "[ -~é\\n]{0,30}", actual in "[ -~é\\n]{0,30}") {
        let pattern = regex::escape(&expected);
        prop_assert!(passes(&REGEX, pattern.as_bytes(), expected.as_bytes()));
        let same = expected.trim_end() == actual.trim_end();
        prop_assert!(same || !passes(&REGEX, pattern.as_bytes(), actual.as_bytes()));
    }

    #[test]
    fn without_a_tolerance_words_are_the_same_exactly_when_they_are_written_the_same(expected in output(), actual in output()) {
        fn words(text: &[u8]) -> Vec<&[u8]> {
            text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect()
        }
        let same = words(&expected) == words(&actual);
        prop_assert_eq!(passes(&tokens(None, None, true), &expected, &actual), same);
        // Case is all that may be forgiven on top.
        let lower = words(&expected).iter().map(|w| w.to_ascii_lowercase()).eq(words(&actual).iter().map(|w| w.to_ascii_lowercase()));
        prop_assert_eq!(passes(&tokens(None, None, false), &expected, &actual), lower);
    }

    #[test]
    fn a_number_is_taken_exactly_as_far_off_as_was_declared(
        expected in -1e6..1e6_f64, off in -2.0..2.0_f64, absolute in prop::option::of(0.0..1.0_f64), relative in prop::option::of(0.0..1e-6_f64),
    ) {
        let actual = expected + off;
        let within = absolute.is_some_and(|t| (expected - actual).abs() <= t)
            || relative.is_some_and(|t| (expected - actual).abs() <= t * expected.abs());
        let (e, a) = (format!("{expected:?}"), format!("{actual:?}"));
        prop_assert_eq!(passes(&tokens(absolute, relative, true), e.as_bytes(), a.as_bytes()), within || e == a);
    }

    #[test]
    fn a_wider_tolerance_takes_whatever_a_narrower_one_takes(
        expected in output(), actual in output(), narrow in 0.0..1.0_f64, wider in 0.0..1e6_f64,
    ) {
        for make in [|t| tokens(Some(t), None, true), |t| tokens(None, Some(t), true), |t| tokens(Some(t), Some(t), true)] {
            if passes(&make(narrow), &expected, &actual) {
                prop_assert!(passes(&make(narrow + wider), &expected, &actual));
            }
        }
    }

    #[test]
    fn no_tolerance_makes_a_number_of_what_is_none(word in "nan|inf|-inf|1e999|0x1p3|NaN|infinity|abc|1_000|--1|", number in "-?[0-9]{1,5}(\\.[0-9]{1,3})?", tolerance in tolerance()) {
        prop_assume!(tolerance.is_none_or(f64::is_finite));
        prop_assert!(!passes(&tokens(tolerance, tolerance, true), number.as_bytes(), word.as_bytes()));
        prop_assert!(word.is_empty() || !passes(&tokens(tolerance, tolerance, true), word.as_bytes(), number.as_bytes()));
    }

    #[test]
    fn order_is_all_that_unordered_lines_forgive(
        lines in prop::collection::vec("[a-c]{1,3}", 0..8), other in prop::collection::vec("[a-c]{1,3}", 0..8), swap in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let join = |lines: &[String]| lines.iter().flat_map(|l| [l.as_str(), "\n"]).collect::<String>().into_bytes();
        let mut moved = lines.clone();
        if !moved.is_empty() {
            let (a, b) = (swap.0.index(moved.len()), swap.1.index(moved.len()));
            moved.swap(a, b);
        }
        prop_assert!(passes(&UNORDERED, &join(&lines), &join(&moved)));
        let sorted = |lines: &[String]| { let mut all = lines.to_vec(); all.sort(); all };
        prop_assert_eq!(passes(&UNORDERED, &join(&lines), &join(&other)), sorted(&lines) == sorted(&other));
    }
}

#[test]
fn large_outputs_are_compared_in_time() {
    let numbers: Vec<u8> = (0..400_000_u64).flat_map(|i| format!("{}.5 ", i * 7919 % 100_003).into_bytes()).collect();
    let same_lines: Vec<u8> = b"the same line\n".repeat(400_000);
    let digits = vec![b'9'; 8 << 20];
    let invalid = vec![0xff; 8 << 20];
    for (what, text) in [("numbers", numbers), ("one line often", same_lines), ("digits", digits), ("invalid", invalid)]
    {
        let mut other = text.clone();
        if let Some(last) = other.last_mut() {
            *last = b'x';
        }
        for checker in
            [Checker::Exact {}, Checker::Lines {}, Checker::UnorderedLines {}, tokens(Some(1e-9), Some(1e-9), false)]
        {
            let begin = Instant::now();
            assert!(passes(&checker, &text, &text), "{what}");
            assert!(!passes(&checker, &text, &other), "{what}: {checker:?}");
            assert!(begin.elapsed() < LONG, "{what}: {checker:?} took {:?}", begin.elapsed());
        }
    }
    let output = b"aab".repeat(500_000);
    for pattern in ["(a|a)*b", "(a*)*b", "(?:a|b|ab)*c", "(.*)(.*)(.*)(.*)x", "(?i)(x+x+)+y"] {
        let begin = Instant::now();
        check(&Checker::Regex {}, pattern.as_bytes(), &output).expect("usable");
        assert!(begin.elapsed() < LONG, "{pattern} took {:?}", begin.elapsed());
    }
}
