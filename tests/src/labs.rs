//! Lab documents, put together.

use serde_json::{Value, json};

/// Wall limits that only a program which sleeps can break, however busy the machine is.
pub const PATIENT_MS: u64 = 30_000;

/// A lab with these groups, without a bound on attempts, whose limits are honest for any of the languages.
pub fn lab(languages: &[&str], groups: &Value) -> Value {
    json!({
        "title": "A test's lab",
        "languages": languages,
        "limits": {"cpu_ms": 1000, "wall_ms": PATIENT_MS, "memory_mb": 128, "output_kb": 64, "processes": 32},
        "groups": groups,
        "attempts": {"max": null, "per_hour": null},
    })
}

/// A group of one point per test, added up.
pub fn group(name: &str, tests: &[Value]) -> Value {
    json!({"name": name, "points": tests.len(), "tests": tests})
}

/// A visible test.
pub fn test(name: &str, stdin: &str, expected: &str) -> Value {
    json!({"name": name, "visibility": "visible", "stdin": stdin, "expected": expected})
}

/// The lab that the verdict programs of every language are for: 1 + 2 is 3.
pub fn sum(languages: &[&str]) -> Value {
    lab(languages, &json!([group("sums", &[test("one and two", "1 2\n", "3\n")])]))
}

/// The same document with another value somewhere, by its JSON pointer's parent and key.
#[must_use]
pub fn with(mut document: Value, parent: &str, key: &str, value: Value) -> Value {
    let at = document.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}"));
    at[key] = value;
    document
}
