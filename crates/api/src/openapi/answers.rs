//! The answers that any operation may give, and what headers and bodies they have.
//!
//! An endpoint names its successes, and refusals of its own where there is something to say about them. What layers and
//! extractors refuse is added here, by what the operation takes: a body can be too large, a path can lead nowhere.

use utoipa::openapi::{
    Content, Header, Ref, RefOr, Response,
    path::{Operation, ParameterIn},
    schema::{ObjectBuilder, SchemaFormat, Type},
};

use super::parameters;

const PROBLEM: &str = "application/problem+json";

/// Adds them all.
pub(super) fn complete(method: &str, path: &str, operation: &mut Operation) {
    let shared = shared(method, path, operation);
    let replays = parameters::takes_key(operation);
    let responses = &mut operation.responses.responses;
    for status in shared {
        responses.entry(status.to_owned()).or_insert_with(|| Response::new("").into());
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5']) {
            refusal(status, response);
        } else if status.starts_with('2') {
            success(response, replays);
        }
    }
}

/// What may become of a request before its handler has it, or by our fault.
fn shared(method: &str, path: &str, operation: &Operation) -> Vec<&'static str> {
    let changes = method != "get";
    let body = operation.request_body.is_some();
    let query = parameters::has(operation, &ParameterIn::Query);
    let key = parameters::takes_key(operation);
    let named = path.contains('{');
    let account = !is_public(operation);
    [
        ("400", body || query || key || named),
        ("401", account),
        // Of a token that may only read, or of a page of another site.
        ("403", account || changes),
        ("404", named),
        ("409", key),
        ("413", body),
        ("415", body),
        ("422", body || query || key),
        ("429", changes),
        ("500", true),
        ("503", true),
    ]
    .into_iter()
    .filter_map(|(status, may)| may.then_some(status))
    .collect()
}

/// Whether an operation asks nobody who they are.
fn is_public(operation: &Operation) -> bool {
    let nobody = || serde_json::json!({});
    operation
        .security
        .as_ref()
        .is_some_and(|ways| ways.iter().any(|way| serde_json::to_value(way).is_ok_and(|way| way == nobody())))
}

/// Every refusal is a problem document.
fn refusal(status: &str, response: &mut Response) {
    response.content.clear();
    let problem = Content::new(Some(Ref::from_schema_name("ProblemDocument")));
    response.content.insert(PROBLEM.to_owned(), problem.into());
    if response.description.is_empty() {
        description(status).clone_into(&mut response.description);
    }
    if matches!(status, "429" | "503") {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        header(response, "Retry-After", "Seconds after which to try again", seconds);
    }
    if status == "401" {
        let scheme = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["Bearer"]));
        header(response, "WWW-Authenticate", "Except for a wrong password", scheme);
    }
}

fn description(status: &str) -> &'static str {
    match status {
        "400" => "The path, the query, a header or the body cannot be read",
        "401" => "Nobody is signed in, or the token is not valid",
        "403" => "Not allowed: for this account, this token, or a page of another site",
        "404" => "There is no such thing, or none that the account may know of",
        "409" => "At odds with what is there; `idempotency_key_in_use`: the same request is still at work",
        "413" => "The body is too large",
        "415" => "The body is of another type than is taken here",
        "422" => "All that is wrong with the request, in `errors`",
        "429" => "Too often",
        "500" => "Our fault; the log knows more, by the request's id",
        "503" => "Something that is needed is away for a moment, or it took too long",
        _ => "Refused",
    }
}

/// A description that names `Location` promises the header.
fn success(response: &mut Response, replays: bool) {
    if response.description.is_empty() {
        "Done".clone_into(&mut response.description);
    }
    if response.description.contains("`Location`") {
        let format = SchemaFormat::Custom("uri-reference".to_owned());
        let path = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        header(response, "Location", "Where it is: a path on this origin", path);
    }
    if replays {
        let yes = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"]));
        header(response, "Idempotent-Replayed", "This answer was given before, to the request with this key", yes);
    }
}

fn header(response: &mut Response, name: &str, description: &str, schema: ObjectBuilder) {
    let mut header = Header::new(schema);
    header.description = Some(description.to_owned());
    response.headers.entry(name.to_owned()).or_insert_with(|| header.into());
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::app;

    fn operations() -> Vec<(String, Value)> {
        let document = serde_json::to_value(app::document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths").clone();
        let of = |(path, item): (String, Value)| {
            let methods = item.as_object().expect("an item").clone();
            methods.into_iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        };
        paths.into_iter().flat_map(of).collect()
    }

    #[test]
    fn every_operation_names_each_answer_and_every_refusal_is_a_problem_document() {
        for (name, operation) in operations() {
            let responses = operation["responses"].as_object().expect("responses");
            assert!(!responses.contains_key("default"), "{name} says “and others”");
            assert!(responses.contains_key("500") && responses.contains_key("503"), "{name}");
            assert!(responses.keys().any(|status| status.starts_with('2')), "{name} cannot succeed");
            for (status, response) in responses {
                assert!(response["description"].as_str().is_some_and(|d| !d.is_empty()), "{name}: {status}");
                if status.starts_with(['4', '5']) {
                    let types: Vec<_> = response["content"].as_object().expect("content").keys().collect();
                    assert_eq!(types, ["application/problem+json"], "{name}: {status}");
                }
                if matches!(status.as_str(), "429" | "503") {
                    assert!(response["headers"]["Retry-After"].is_object(), "{name}: {status}");
                }
            }
        }
    }

    #[test]
    fn what_is_promised_of_an_answer_follows_from_what_the_operation_takes() {
        let operations: std::collections::BTreeMap<_, _> = operations().into_iter().collect();
        let create = &operations["post /api/v1/courses"]["responses"];
        for status in ["400", "401", "403", "409", "413", "415", "422", "429"] {
            assert!(create[status].is_object(), "{status}");
        }
        let headers = &create["201"]["headers"];
        assert!(headers["Location"].is_object() && headers["Idempotent-Replayed"].is_object(), "{headers}");
        let languages = operations["get /api/v1/languages"]["responses"].as_object().expect("responses");
        assert_eq!(languages.keys().collect::<Vec<_>>(), ["200", "500", "503"]);
    }

    #[test]
    fn no_parameter_may_be_null() {
        for (name, operation) in operations() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(!parameter["schema"].to_string().contains("null"), "{name}: {parameter}");
            }
        }
    }
}
