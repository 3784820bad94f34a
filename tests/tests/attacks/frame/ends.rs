//! Rows that are one program handed in to a lab with one test.

use serde_json::{Value, json};
use testkit::{labs, programs::Program};

use super::Row;

/// A wall limit that a program which burns breaks on no machine, however busy that is.
const PATIENT_MS: u64 = 100_000;

/// How a program must end, and under which limits it runs.
#[derive(Clone)]
pub struct Ends {
    verdicts: &'static [&'static str],
    limit: Option<&'static str>,
    says: Option<&'static str>,
    limits: Value,
    tests: Vec<Value>,
    more: fn(&Value),
}

/// With one of these verdicts.
pub fn ends(verdicts: &'static [&'static str]) -> Ends {
    Ends {
        verdicts,
        limit: None,
        says: None,
        limits: json!({"cpu_ms": 500, "wall_ms": PATIENT_MS, "memory_mb": 64, "output_kb": 64, "processes": 32}),
        tests: vec![labs::test("one and two", "1 2\n", "3\n")],
        more: |_| {},
    }
}

impl Ends {
    /// A TLE, of which limit: `cpu` or `wall`.
    #[must_use]
    pub fn by(mut self, limit: &'static str) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The first test's message contains this.
    #[must_use]
    pub fn saying(mut self, words: &'static str) -> Self {
        self.says = Some(words);
        self
    }

    /// Another limit than the short ones of most rows.
    #[must_use]
    pub fn limit(mut self, name: &str, value: u64) -> Self {
        self.limits[name] = json!(value);
        self
    }

    /// Other tests than "1 2" → "3". The verdict that is looked at is the whole submission's.
    #[must_use]
    pub fn tests(mut self, tests: &[Value]) -> Self {
        self.tests = tests.to_vec();
        self
    }

    /// Something more that must be true of the result as staff see it.
    #[must_use]
    pub fn and(mut self, more: fn(&Value)) -> Self {
        self.more = more;
        self
    }

    /// The lab's document.
    pub fn document(&self, language: &str) -> Value {
        let document = labs::lab(&[language], &json!([labs::group("all", &self.tests)]));
        labs::with(document, "", "limits", self.limits.clone())
    }

    /// Fails if a result is another; returns it in a few words.
    pub fn check(&self, result: &Value) -> String {
        let test = &result["tests"][0];
        let verdict = result["verdict"].as_str().unwrap_or("none");
        assert!(self.verdicts.contains(&verdict), "{verdict}, not {:?}: {result}", self.verdicts);
        for test in result["tests"].as_array().expect("tests").iter().filter(|t| t["verdict"] != "AC") {
            assert_eq!(test["points"], 0.0, "a point that was not earned: {result}");
        }
        assert_eq!(result["score"].as_f64(), Some(points(result)), "{result}");
        if let Some(limit) = self.limit {
            assert_eq!(test["limit"], limit, "{result}");
        }
        if let Some(words) = self.says {
            assert!(test["message"].as_str().is_some_and(|m| m.contains(words)), "{words:?} is not said: {result}");
        }
        (self.more)(result);
        let limit = test["limit"].as_str().map(|l| format!(" {l}")).unwrap_or_default();
        format!("{verdict}{limit}, cpu {} ms, wall {} ms, {} KiB", test["cpu_ms"], test["wall_ms"], test["memory_kb"])
    }
}

/// What the tests' points add up to.
fn points(result: &Value) -> f64 {
    result["tests"].as_array().expect("tests").iter().filter_map(|t| t["points"].as_f64()).sum()
}

impl Row {
    /// A program of one file below `tests/programs/attacks/`.
    pub fn program(id: &'static str, file: &str, ends: Ends) -> Self {
        let program = Program::single(&format!("attacks/{file}"));
        Self::submission(id, program, ends)
    }

    /// A program.
    pub fn submission(id: &'static str, program: Program, ends: Ends) -> Self {
        let language = super::LANGUAGES.into_iter().find(|l| *l == program.language).expect("a language");
        Self::new(id, language, async move |arena| {
            let result = arena.graded(&ends.document(language), &program).await;
            ends.check(&result)
        })
    }
}
