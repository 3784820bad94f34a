//! The published rules of the default output validator, case by case. What each rule says and where it is from stands in
//! `docs/CHECKERS.md` under the same name.

use std::collections::BTreeMap;

use iteratione_common::lab::Checker;

use super::{Opinion, check};

/// The rules in words.
const RULES: &str = include_str!("../../../../docs/CHECKERS.md");

/// A rule, the validator's arguments, what is expected, outputs that are accepted and outputs that are not.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const TABLE: &[Row] = &[
    // --- tokens
    ("tokens", "", "1 2 3", &["1 2 3", "1 2 3\n", "1\n2\n3"], &["1 2", "1 2 3 4", "123", "1 23", "3 2 1", "1 2 4"]),
    ("tokens", "", "hello", &["hello"], &["hell", "helloo", "hello hello", "h ello", "world", "hello,"]),
    ("tokens", "", "a", &["a"], &["b", "aa", "a a", "\"a\"", "á"]),
    ("tokens", "", "-1", &["-1"], &["- 1", "1", "−1", "--1"]),
    ("tokens", "case_sensitive", "Yes no", &["Yes no"], &["Yesno", "Yes", "no Yes"]),
    // --- empty
    ("empty", "", "", &["", " ", "\n", "\r\n\r\n", "\t \u{b}\u{c}"], &["x", "0", "\0", "\n\n."]),
    ("empty", "", " \n", &["", "\n"], &["a"]),
    ("empty", "", "x", &["x"], &["", " ", "\n\n\n"]),
    ("empty", "float_tolerance 1e-6", "", &["", "\n"], &["0", "0.0"]),
    ("empty", "float_tolerance 1e-6", "0", &["0"], &["", "\n"]),
    // --- blanks
    (
        "blanks",
        "",
        "a b",
        &["a  b", "a\tb", "a\nb", "a\r\nb", "a\u{b}b", "a\u{c}b", "  a b  ", "\n\na\n\nb\n\n"],
        &["ab", "a\0b"],
    ),
    ("blanks", "", "a\u{b}b", &["a b", "a\nb"], &["ab"]),
    ("blanks", "", "a\u{a0}b", &["a\u{a0}b"], &["a b", "a\u{2003}b", "ab"]),
    ("blanks", "", "a\u{85}b", &["a\u{85}b"], &["a\nb", "a b"]),
    ("blanks", "", "a b\n", &["a b", "a b\n\n\n", "a b \n \n", "\ta b"], &["a_b", "a-b"]),
    // --- blanks that matter
    (
        "space",
        "space_change_sensitive",
        "a b\n",
        &["a b\n"],
        &["a  b\n", "a b", "a b\n\n", " a b\n", "a b \n", "a\tb\n", "a\nb\n", "a b\r\n"],
    ),
    ("space", "space_change_sensitive", "a\n\nb", &["a\n\nb"], &["a\nb", "a\n \nb", "a\n\nb\n", "a\n\n b"]),
    ("space", "space_change_sensitive", "", &[""], &[" ", "\n"]),
    ("space", "space_change_sensitive", "\n", &["\n"], &["", " ", "\n\n"]),
    ("space", "space_change_sensitive", "A b", &["a B", "A b"], &["a  B", "ab"]),
    (
        "space",
        "space_change_sensitive float_tolerance 0.1",
        "1.0 2.0\n",
        &["1 2\n", "1.05 1.95\n"],
        &["1  2\n", "1 2", "1.5 2\n"],
    ),
    ("space", "space_change_sensitive", " x", &[" x"], &["x", "  x", "\tx"]),
    // --- case
    ("case", "", "Hello World", &["hello world", "HELLO WORLD", "hElLo wOrLd"], &["hello worl", "hallo world"]),
    ("case", "", "YES", &["yes", "Yes", "yEs", "YES"], &["no", "ye", "yess"]),
    ("case", "", "zZaA", &["ZZAA", "zzaa"], &["zza", "yzaa"]),
    ("case", "", "É", &["É"], &["é", "E"]),
    ("case", "", "ß", &["ß"], &["SS", "ss", "ẞ"]),
    ("case", "", "[", &["["], &["{"]),
    ("case", "", "@", &["@"], &["`"]),
    ("case", "case_sensitive", "Yes", &["Yes", " Yes\n"], &["yes", "YES", "yEs"]),
    ("case", "case_sensitive", "a B c", &["a B c"], &["A B c", "a b c", "a B C"]),
    // --- numbers without a tolerance are words
    ("words", "", "1.0", &["1.0"], &["1", "1.00", "01.0", "+1.0", "1.", "10e-1"]),
    ("words", "", "100", &["100"], &["1e2", "100.0", "+100", "0100", "1E2"]),
    ("words", "", "1E5", &["1e5", "1E5"], &["100000", "1e05"]),
    ("words", "case_sensitive", "1E5", &["1E5"], &["1e5"]),
    ("words", "", "0x1F", &["0x1f", "0X1F"], &["31"]),
    ("words", "", "-0", &["-0"], &["0", "+0"]),
    ("words", "", "nan", &["nan", "NaN", "NAN"], &["inf", "-nan"]),
    // --- what is a number
    (
        "number",
        "float_tolerance 1e-9",
        "12.5",
        &["12.5", "+12.5", "12.50", "012.5", "1.25e1", "1.25E+1", "125e-1", "0.125e2", "1250.E-2"],
        &["12,5", "1.25e", "1.25e1.0", "12.5f", "12.5.0", "++12.5", "12.5e+", "twelve"],
    ),
    (
        "number",
        "float_tolerance 1e-9",
        "0.5",
        &[".5", "0.5", "+.5", "5e-1", "00.5", ".5e0", "0.5e-0", "0.5E+00"],
        &[".", "-.5", "5", "0.5e", "+", "e-1"],
    ),
    (
        "number",
        "float_tolerance 1e-9",
        "3",
        &["3", "3.", "3.0", "+3", "0003", "30e-1", "3.e0"],
        &["3e", "III", "3-", "3+0", "1+2"],
    ),
    ("number", "float_tolerance 1e-9", "16", &["16", "1.6e1"], &["0x10", "0X10", "0x1p4", "0b10000", "020x", "1_6"]),
    (
        "number",
        "float_tolerance 1e-9",
        "1000",
        &["1e3", "1E3", "1e+3", "1e03"],
        &["1,000", "1'000", "1 000", "10^3", "1k", "1d3"],
    ),
    (
        "number",
        "float_tolerance 1e-9",
        "-2.5",
        &["-2.5", "-25e-1", "-02.50"],
        &["2.5", "- 2.5", "−2.5", "(2.5)", "--2.5", "+-2.5"],
    ),
    (
        "number",
        "float_tolerance 1e-9",
        "0",
        &["0", "-0", "+0", "0.0", "-0.0", "0e5", "0.", ".0", "0e-999"],
        &["1", "-", "o", "zero"],
    ),
    (
        "number",
        "float_tolerance 1e-9",
        "1",
        &[
            "0.99999999999999999999999999999999999999",
            "1.0000000000000000000000000000000000001",
            "1.000000000000000000000000000000e+000000000",
        ],
        &["1.1", "0.9", "one", "true"],
    ),
    (
        "number",
        "float_tolerance 1e-9",
        "123456789012345678901234567890.123456789012345678901234567890",
        &["123456789012345678901234567890", "1.2345678901234567890e29"],
        &["123456799012345678901234567890", "x"],
    ),
    // --- inf and nan are no numbers
    (
        "no-number",
        "float_tolerance 1e9",
        "inf",
        &["inf", "INF", "Inf"],
        &["infinity", "+inf", "1e999", "-inf", "9e307", "nan"],
    ),
    ("no-number", "float_tolerance 1e9", "nan", &["nan", "NaN"], &["-nan", "0", "nan(1)", "inf"]),
    ("no-number", "float_tolerance 1e9", "5", &["5", "6"], &["inf", "nan", "infinity", "-inf", "NaN", "five"]),
    ("no-number", "float_tolerance 1e9", "1e999", &["1e999", "1E999"], &["inf", "2e999", "1e998"]),
    ("no-number", "float_tolerance 1e9", "0x10", &["0x10", "0X10"], &["16", "0x11"]),
    ("no-number", "case_sensitive float_tolerance 1e9", "inf", &["inf"], &["INF", "Inf"]),
    // --- the answer decides what is compared as a number
    (
        "answer",
        "float_tolerance 0.1",
        "x 1.0 y",
        &["x 1 y", "X 1.05 Y", "x 0.95 y"],
        &["x 1.2 y", "x one y", "z 1 y", "x 1", "1.0 x y"],
    ),
    ("answer", "float_tolerance 0.1", "abc", &["abc", "ABC"], &["1.0", "0", "abd"]),
    ("answer", "float_tolerance 0.1", "1", &["1", "1.0999", "0.9001", "1.05"], &["a", "1a", "1.2", "1..0", "0.8"]),
    (
        "answer",
        "case_sensitive float_tolerance 0.1",
        "Case 1: 2.5",
        &["Case 1: 2.55"],
        &["case 1: 2.5", "Case 1: 2.8", "Case 1 : 2.5", "Case 2: 2.5", "Case 1:2.5"],
    ),
    ("answer", "float_tolerance 1e-6", "1.5x", &["1.5x", "1.5X"], &["1.50x", "1.5"]),
    // --- absolute tolerance
    (
        "absolute",
        "float_absolute_tolerance 0.01",
        "1.00",
        &["1.00", "1.0099", "0.9901", "1", "1.005"],
        &["1.02", "0.98", "1.011", "2", "-1"],
    ),
    (
        "absolute",
        "float_absolute_tolerance 0.5",
        "1000000",
        &["1000000.5", "999999.5", "1e6"],
        &["1000001", "999999", "1000000.6"],
    ),
    ("absolute", "float_absolute_tolerance 0.5", "0", &["0.5", "-0.5", "0", "-0"], &["0.51", "-0.51", "1"]),
    ("absolute", "float_absolute_tolerance 0", "2.5", &["2.5", "2.50", "25e-1"], &["2.5000001", "2.4999999"]),
    (
        "absolute",
        "float_absolute_tolerance 1e-9",
        "0.000000001",
        &["0", "1e-9", "0.000000002"],
        &["0.0000000021", "-0.0000000001"],
    ),
    // --- relative tolerance
    (
        "relative",
        "float_relative_tolerance 0.01",
        "100",
        &["100", "101", "99", "100.5"],
        &["102", "98", "101.1", "-100", "0"],
    ),
    ("relative", "float_relative_tolerance 0.01", "-100", &["-101", "-99", "-1e2"], &["-102", "100", "-98.9"]),
    ("relative", "float_relative_tolerance 0.5", "0", &["0", "0.0", "-0", "0e9"], &["0.0001", "-1e-300", "1"]),
    (
        "relative",
        "float_relative_tolerance 1e-3",
        "1e300",
        &["1.0005e300", "0.9995e300"],
        &["1.002e300", "1e299", "1e301"],
    ),
    ("relative", "float_relative_tolerance 1e-3", "1e-300", &["1.0005e-300"], &["0", "1.002e-300", "2e-300"]),
    // Of the answer, not of the output: 90.9 is within 10 % of itself, 110 of 100.
    ("relative", "float_relative_tolerance 0.1", "100", &["110", "90"], &["111", "89", "90e1"]),
    // --- both
    (
        "either",
        "float_absolute_tolerance 1 float_relative_tolerance 0.01",
        "10",
        &["11", "9", "10.1"],
        &["11.1", "8.9"],
    ),
    (
        "either",
        "float_absolute_tolerance 1 float_relative_tolerance 0.01",
        "1000",
        &["1010", "990", "1001"],
        &["1011", "989"],
    ),
    ("either", "float_tolerance 0.01", "0.5", &["0.5099", "0.4901"], &["0.52", "0.48"]),
    ("either", "float_tolerance 0.01", "500", &["505", "495"], &["506", "494"]),
    (
        "either",
        "float_tolerance 1e-6",
        "3.14159265358979",
        &["3.1415926", "3.141592653589793", "3.14159e0"],
        &["3.1415", "3.1416", "22/7"],
    ),
    ("integers", "float_tolerance 0.01", "1000 7", &["1001 7", "1000.0 7.00", "1010 7"], &["1011 7", "1000 8"]),
    // --- bytes
    ("bytes", "", "a\0b", &["a\0b"], &["a", "a\0", "ab", "a\0c", "a b"]),
    ("bytes", "", "\u{feff}1", &["\u{feff}1"], &["1"]),
    ("bytes", "", "日本 語", &["日本\n語"], &["日 本語", "日本語", "?? ?"]),
    ("bytes", "", "\u{1b}[1mx", &["\u{1b}[1mX"], &["x"]),
];

fn checker(arguments: &str) -> Checker {
    Checker::of_default_validator(arguments.split_ascii_whitespace()).expect("arguments of the default validator")
}

fn right(arguments: &str, expected: &[u8], actual: &[u8]) -> bool {
    check(&checker(arguments), expected, actual).expect("usable") == Opinion::Pass
}

#[test]
fn every_case_of_the_table_is_judged_by_the_published_rule() {
    let mut cases = 0;
    let mut of_rule: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (rule, arguments, expected, accepted, rejected) in TABLE {
        let outputs = accepted.iter().map(|o| (o, true)).chain(rejected.iter().map(|o| (o, false)));
        for (output, accept) in outputs {
            cases += 1;
            if right(arguments, expected.as_bytes(), output.as_bytes()) != accept {
                wrong.push(format!("{rule} [{arguments}]: {expected:?} against {output:?} should be {accept}"));
            }
        }
        let counts = of_rule.entry(rule).or_default();
        *counts = (counts.0 + accepted.len(), counts.1 + rejected.len());
        assert!(RULES.contains(&format!("| `{rule}` |")), "docs/CHECKERS.md says nothing of the rule {rule}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(of_rule.values().all(|(accepted, rejected)| *accepted > 0 && *rejected > 0), "{of_rule:?}");
    assert!(cases >= 400, "{cases} cases");
}

/// Not every byte is text: all 256 as a token of their own, against themselves and their neighbours.
#[test]
fn tokens_are_bytes_and_six_of_them_are_blanks() {
    for byte in 0..=u8::MAX {
        let blank = matches!(byte, b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | b' ');
        let around = [b"a".as_slice(), &[byte], b"b"].concat();
        assert!(right("case_sensitive", &around, &around), "{byte:#04x}");
        assert_eq!(right("case_sensitive", b"a b", &around), blank, "{byte:#04x}");
        assert_eq!(right("space_change_sensitive", b"a b", &around), byte == b' ', "{byte:#04x}");
        let next = [b"a".as_slice(), &[byte.wrapping_add(1)], b"b"].concat();
        let both_blank = blank && matches!(byte.wrapping_add(1), 0x0a..=0x0d);
        assert_eq!(right("case_sensitive", &around, &next), both_blank, "{byte:#04x}");
        if byte.is_ascii_uppercase() {
            assert!(right("", &[byte], &[byte + 32]) && !right("case_sensitive", &[byte], &[byte + 32]));
        } else if !blank && !byte.is_ascii_lowercase() {
            assert!(!right("", &[byte], &[byte ^ 0x20]) || !(byte ^ 0x20).is_ascii_graphic(), "{byte:#04x}");
        }
    }
}

#[test]
fn huge_outputs_are_compared_in_one_pass_and_told_of_in_a_sentence() {
    const WORDS: usize = 4_000_000;
    let expected = b"1234567.25 word\n".repeat(WORDS);
    assert!(right("float_tolerance 1e-6", &expected, &b"1234567.250 WORD ".repeat(WORDS)));
    let mut off = expected.clone();
    off.extend_from_slice(b"more");
    assert!(!right("", &expected, &off) && !right("", &off, &expected));
    let one = vec![b'x'; 64 << 20];
    let mut other = one.clone();
    other[(64 << 20) - 1] = b'y';
    let Opinion::Fail(message) = check(&checker(""), &one, &other).expect("usable") else { panic!("they differ") };
    assert!(message.len() < 2000, "{} bytes", message.len());
    let blanks = vec![b' '; 64 << 20];
    assert!(right("", b"", &blanks) && !right("space_change_sensitive", b"", &blanks));
    assert!(!right("float_tolerance 1e-6", b"1", &vec![b'1'; 64 << 20]), "no number is that long");
}
