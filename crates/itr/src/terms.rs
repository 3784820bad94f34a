//! What the judge says no with, in words that say what to do.

use iteratione_client::rest::Answer;
use serde_json::Value;

/// A problem document.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What was to be done: the rest of "cannot …".
    pub what: String,
    /// HTTP status.
    pub status: u16,
    /// The document; null if the answer was none.
    pub problem: Value,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// JSON pointer.
    pub pointer: String,
    /// For people.
    pub detail: String,
}

impl Refusal {
    /// Of an answer that is no success.
    pub fn new(what: impl Into<String>, answer: &Answer) -> Self {
        Self { what: what.into(), status: answer.status, problem: answer.json() }
    }

    /// Stable name of the kind of refusal; empty if there is none.
    pub fn code(&self) -> &str {
        self.problem["code"].as_str().unwrap_or_default()
    }

    /// What is wrong, one by one.
    pub fn flaws(&self) -> Vec<Flaw> {
        flaws(&self.problem["errors"])
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match (self.status, self.code()) {
            (_, "no_such_route") => "this judge is older than this itr: ask its operator to update it",
            (401, "invalid_credentials") => "look at the address and the password, and try again",
            (401, _) => "sign in: itr login URL",
            (403, "cross_site_request") => "look at the address: itr login URL",
            (403, _) => "ask an instructor of the course, or whoever runs the judge",
            (404, _) => "look at the names (itr courses lists yours), and whether you are a member of the course",
            (413, _) => "make it smaller, or ask the operator for a higher limit",
            (429 | 503, _) => "try again a little later",
            (500, _) => "tell the judge's operator the request's id",
            _ => return None,
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |field: &str| self.problem[field].as_str().filter(|text| !text.is_empty());
        let why = text("detail").or_else(|| text("title")).unwrap_or("the judge refused without a reason");
        write!(f, "cannot {}: {why}", self.what)?;
        for flaw in self.flaws() {
            write!(f, "\n  {} {}", flaw.pointer, flaw.detail)?;
        }
        if let Some(advice) = self.advice() {
            write!(f, "\n  {advice}")?;
        }
        let id = text("request_id").map(|id| format!(", request {id}")).unwrap_or_default();
        write!(f, "\n  (HTTP {}{id})", self.status)
    }
}

impl std::error::Error for Refusal {}

/// `errors` or `warnings` of an answer.
pub fn flaws(list: &Value) -> Vec<Flaw> {
    let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
    let of = |item: &Value| Flaw { pointer: text(item, "pointer"), detail: text(item, "detail") };
    list.as_array().into_iter().flatten().map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_what_why_and_what_to_do() {
        let problem = json!({"code": "not_found", "title": "Not found", "detail": "There is no such course.",
            "errors": [{"pointer": "/a", "detail": "is wrong"}], "request_id": "r1"});
        let refusal = Refusal { what: "list the labs of cs1".to_owned(), status: 404, problem };
        let text = refusal.to_string();
        assert!(text.starts_with("cannot list the labs of cs1: There is no such course.\n  /a is wrong\n"), "{text}");
        assert!(text.contains("itr courses") && text.ends_with("(HTTP 404, request r1)"), "{text}");
        let foreign = Refusal { what: "x".to_owned(), status: 502, problem: Value::Null };
        assert_eq!(foreign.to_string(), "cannot x: the judge refused without a reason\n  (HTTP 502)");
    }
}
