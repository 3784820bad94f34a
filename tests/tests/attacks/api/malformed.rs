//! A2: requests that are not what they should be, made from the API's own description of what they should be.
//!
//! For every endpoint that takes JSON an example is built from its schema. Then each value in it is replaced by values of
//! every other type, by numbers that are too large, too small or no numbers, by texts that are hostile; and the whole
//! body by bytes that are no JSON, or too much of it. Nothing of it may be our fault; whatever has the wrong type must
//! be refused.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Map, Value, json};
use testkit::labs;

use super::Raw;
use crate::frame::{Arena, Row, family};

const JSON: &str = "application/json";
/// Stands in a document for a number that JSON can write and no type can hold.
const RAW_NUMBER: &str = "@RAW@";

/// The id of nothing.
const NOTHING: &str = "01890000-0000-7000-8000-000000000000";

/// An endpoint that takes JSON.
struct Endpoint {
    method: Method,
    /// With its parameters filled in.
    path: String,
    example: Value,
    /// Wrong types of each place in the example, and whether they must be refused.
    schema: Value,
}

/// The description that the service gives of itself, and examples of it.
struct Description(Value);

impl Description {
    async fn of(raw: &Raw) -> Self {
        let reply = raw.send(Method::GET, "/openapi.json", "", "").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        Self(reply.body)
    }

    /// A schema with its reference followed.
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).expect("what is referred to is there"),
            None => schema,
        }
    }

    /// The schema of a value that is not null.
    fn inhabited<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let schema = self.resolved(schema);
        let choices = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[key].as_array());
        match choices.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
            Some(one) => self.inhabited(one),
            None => schema,
        }
    }

    /// A value with every field that there is.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        assert!(depth < 20, "a schema in itself");
        let schema = self.inhabited(schema);
        if let Some(value) = schema["enum"].get(0) {
            return value.clone();
        }
        match type_of(schema) {
            "string" if schema["format"] == "date-time" => json!("2030-01-01T00:00:00Z"),
            "string" => json!("word"),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            "array" => json!([self.example(&schema["items"], depth + 1)]),
            _ => {
                let mut object = Map::new();
                for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                    object.insert(name.clone(), self.example(field, depth + 1));
                }
                if schema["additionalProperties"].is_object() {
                    object.insert("java".to_owned(), self.example(&schema["additionalProperties"], depth + 1));
                }
                Value::Object(object)
            }
        }
    }

    /// Every endpoint with a JSON body.
    fn endpoints(&self, fill: impl Fn(&str) -> String) -> Vec<Endpoint> {
        let mut found = Vec::new();
        for (path, item) in self.0["paths"].as_object().expect("paths") {
            for (name, method) in [("post", Method::POST), ("put", Method::PUT), ("patch", Method::PATCH)] {
                let schema = &item[name]["requestBody"]["content"][JSON]["schema"];
                if schema.is_null() {
                    continue;
                }
                let path = fill(path.strip_prefix("/api/v1").expect("below /api/v1"));
                assert!(!path.contains('{'), "{path} has a parameter that is not filled in");
                found.push(Endpoint { method, path, example: self.example(schema, 0), schema: schema.clone() });
            }
        }
        found
    }

    /// Whether a schema takes a value's type. Serde takes a list of its fields for an object, and a lab's number may be
    /// written with a fraction of zero.
    fn takes(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.resolved(schema);
        let choices = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[key].as_array());
        if let Some(all) = choices {
            return all.iter().any(|one| self.takes(one, value));
        }
        let names: BTreeSet<&str> = match &schema["type"] {
            Value::String(one) => [one.as_str()].into(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        match value {
            Value::Null => names.contains("null"),
            Value::Bool(_) => names.contains("boolean"),
            Value::Number(_) => names.contains("number") || names.contains("integer"),
            Value::String(text) if text == RAW_NUMBER => names.contains("number") || names.contains("integer"),
            Value::String(_) => names.contains("string"),
            Value::Array(_) | Value::Object(_) => names.contains("array") || names.contains("object"),
        }
    }

    /// Places of an example, with their schemas.
    fn places(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
        found.push((at.to_owned(), schema.clone()));
        let inside = self.inhabited(schema).clone();
        match value {
            Value::Object(map) => {
                for (name, field) in map {
                    let known = inside["properties"].get(name).unwrap_or(&inside["additionalProperties"]);
                    self.places(known, field, &format!("{at}/{name}"), found);
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.places(&inside["items"], item, &format!("{at}/{i}"), found);
                }
            }
            _ => {}
        }
    }
}

fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("object"),
        other => other.as_str().unwrap_or("object"),
    }
}

/// Values of every type, among them those that somebody might not have thought of.
fn strange_values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(0.5),
        json!(1e308),
        json!(-1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("\u{0}"),
        json!("a\u{202e}b\u{feff}\u{fffe}"),
        json!("NaN"),
        json!("'; drop table lab; --"),
        json!("../../etc/passwd"),
        json!("x".repeat(20_000)),
        json!([]),
        json!([[[]]]),
        json!([null]),
        json!({}),
        json!({"": null, "\u{0}": 1}),
        json!({"type": "tokens", "float_abs": null}),
        json!(RAW_NUMBER),
    ];
    values.push((0..50).fold(json!(1), |inner, _| json!([inner])));
    values
}

/// The document as bytes; numbers that serde cannot write are put in by hand.
fn bytes(document: &Value) -> Vec<u8> {
    document.to_string().replace(&format!("\"{RAW_NUMBER}\""), "-1e999").into_bytes()
}

/// Bodies that are no JSON document, or not one that anybody means; all must be refused.
fn no_documents() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, times: usize| open.repeat(times).into_bytes();
    vec![
        ("nothing", Vec::new()),
        ("blanks", b" \n\t ".to_vec()),
        ("half", b"{\"title\":".to_vec()),
        ("words", b"title=x&name=y".to_vec()),
        ("NaN", b"NaN".to_vec()),
        ("infinity", b"-Infinity".to_vec()),
        ("a number", b"1e999".to_vec()),
        ("a text", b"\"x\"".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("a number in a list", b"[1]".to_vec()),
        ("more behind it", b"{} {}".to_vec()),
        ("a comma too many", b"{\"a\":1,}".to_vec()),
        ("a comment", b"/* x */ {}".to_vec()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("invalid UTF-8", b"{\"title\":\"\xff\xfe\"}".to_vec()),
        ("overlong UTF-8", b"{\"title\":\"\xc0\x80\"}".to_vec()),
        ("half a surrogate", b"{\"title\":\"\\ud800\"}".to_vec()),
        ("a bad escape", b"{\"title\":\"\\x41\"}".to_vec()),
        ("a raw control character", b"{\"title\":\"a\nb\"}".to_vec()),
        ("deep lists", deep("[", 60_000)),
        ("deep objects", deep("{\"a\":", 12_000)),
        ("deep and closed", [deep("[", 30_000), deep("]", 30_000)].concat()),
        (
            "many fields",
            format!("{{{}}}", (0..5000).map(|i| format!("\"f{i}\":1")).collect::<Vec<_>>().join(",")).into_bytes(),
        ),
        ("one field often", format!("{{{}}}", vec!["\"title\":\"x\""; 3000].join(",")).into_bytes()),
        ("a field that nobody knows", b"{\"__proto__\":{\"admin\":true}}".to_vec()),
        ("NUL bytes", vec![0; 1000]),
        ("a zip archive", b"PK\x03\x04".to_vec()),
    ]
}

async fn prepared(arena: &Arena<'_>) -> (Raw, Raw, Vec<Endpoint>, Description) {
    let staff = Raw::of(arena, &arena.class.instructor).await;
    let student = Raw::of(arena, arena.attacker()).await;
    let lab = arena.lab(&labs::sum(&crate::frame::LANGUAGES)).await;
    // A course of its own: some of the strange documents are allowed, and change it.
    let slug = "malformed";
    let course = arena.class.instructor.post("/courses", &json!({"slug": slug, "title": "x"})).await;
    let course = match course {
        Ok(made) => made["id"].as_str().expect("an id").to_owned(),
        Err(_) => arena.class.instructor.get(&format!("/courses/{slug}")).await.expect("it is there")["id"]
            .as_str()
            .expect("an id")
            .to_owned(),
    };
    // Nothing is ever graded in this course, so nothing is sent.
    let webhook = json!({"url": "https://1.1.1.1/", "active": false});
    let webhook =
        arena.class.instructor.post(&format!("/courses/{course}/webhooks"), &webhook).await.expect("a webhook");
    let webhook = webhook["id"].as_str().expect("an id").to_owned();
    let description = Description::of(&staff).await;
    let fill = |path: &str| {
        let path = path.replace("{course}", &course).replace("{lab}", &lab).replace("{slug}", "malformed");
        path.replace("{webhook}", &webhook).replace("{user}", NOTHING).replace("{submission}", NOTHING)
    };
    let endpoints = description.endpoints(fill);
    assert!(endpoints.len() >= 9, "{} endpoints take JSON", endpoints.len());
    (staff, student, endpoints, description)
}

/// Who may use an endpoint, so that its body is what is refused.
fn who<'a>(endpoint: &Endpoint, staff: &'a Raw, student: &'a Raw) -> &'a Raw {
    if endpoint.path.ends_with("/submissions") { student } else { staff }
}

fn no_json() -> Row {
    Row::new("A2_no_json", "python", async |arena| {
        let (staff, student, endpoints, _) = prepared(arena).await;
        let mut sent = 0;
        for endpoint in &endpoints {
            let raw = who(endpoint, &staff, &student);
            for (what, body) in no_documents() {
                let about = format!("{} {}: {what}", endpoint.method, endpoint.path);
                raw.send(endpoint.method.clone(), &endpoint.path, JSON, body).await.is_refused(&about);
                sent += 1;
            }
            let good = bytes(&endpoint.example);
            for content_type in [
                "",
                "text/plain",
                "application/xml",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
                "\u{7f}",
                "a/b/c",
            ] {
                let about = format!("{} {} as {content_type:?}", endpoint.method, endpoint.path);
                let content_type = if content_type == "\u{7f}" { "application/jso\u{e9}" } else { content_type };
                raw.send(endpoint.method.clone(), &endpoint.path, content_type, good.clone()).await.is_refused(&about);
                sent += 1;
            }
            // The refusal may come, and the connection be closed, before all of it is sent: then the client may not see it.
            let too_much = raw.try_send(endpoint.method.clone(), &endpoint.path, JSON, vec![b' '; 17 << 20]).await;
            if let Ok(reply) = too_much {
                reply.is_refused("17 MiB");
                // Tokens are made in browsers: who comes with a token is refused before the body is read.
                // So is what is about nothing that is there.
                let first =
                    [("/me/tokens", 403), (NOTHING, 404)].into_iter().find(|(part, _)| endpoint.path.contains(part));
                let before = first.is_some_and(|(_, status)| reply.status == status);
                assert!(before || reply.status == 413, "{reply:?}");
            }
            let packed = [("content-type", JSON.as_bytes()), ("content-encoding", b"gzip".as_slice())];
            let reply =
                raw.send_with(endpoint.method.clone(), &endpoint.path, &packed, b"\x1f\x8b\x08 no gzip".to_vec()).await;
            reply.is_refused("a body that says it is packed");
        }
        format!("{sent} bodies refused by {} endpoints", endpoints.len())
    })
}

fn wrong_types() -> Row {
    Row::new("A2_wrong_types", "python", async |arena| {
        let (staff, student, endpoints, description) = prepared(arena).await;
        let (mut sent, mut refused) = (0, 0);
        for endpoint in &endpoints {
            let raw = who(endpoint, &staff, &student);
            let mut places = Vec::new();
            description.places(&endpoint.schema, &endpoint.example, "", &mut places);
            for (place, schema) in &places {
                for value in strange_values() {
                    let mut body = endpoint.example.clone();
                    let must_fail = !description.takes(schema, &value);
                    *body.pointer_mut(place).expect("it was listed") = value.clone();
                    let shown: String = value.to_string().chars().take(60).collect();
                    let about = format!("{} {}: {place:?} is {shown}", endpoint.method, endpoint.path);
                    let reply = raw.send(endpoint.method.clone(), &endpoint.path, JSON, bytes(&body)).await;
                    if must_fail {
                        reply.is_refused(&about);
                    } else {
                        reply.is_no_fault(&about);
                    }
                    sent += 1;
                    refused += u32::from(reply.status >= 400);
                }
                // One more field than there is.
                let mut body = endpoint.example.clone();
                if let Some(object) = body.pointer_mut(place).and_then(Value::as_object_mut)
                    && schema["additionalProperties"].is_null()
                {
                    object.insert("a field that nobody knows".to_owned(), json!(1));
                    let reply = raw.send(endpoint.method.clone(), &endpoint.path, JSON, bytes(&body)).await;
                    reply.is_no_fault(&format!("{} {}: one more field in {place:?}", endpoint.method, endpoint.path));
                    sent += 1;
                }
            }
        }
        format!("{sent} documents, {refused} refused, none our fault")
    })
}

/// Numbers and texts that have the right type and make no sense in a lab.
fn senseless_labs() -> Row {
    Row::new("A2_senseless_labs", "python", async |arena| {
        let staff = Raw::of(arena, &arena.class.instructor).await;
        let path = format!("/courses/{}/labs/senseless", arena.class.course);
        let mut good = labs::sum(&["python"]);
        good["due_at"] = json!("2030-01-01T00:00:00Z");
        good["late"] = json!([{"until": "2030-01-02T00:00:00Z", "factor": 0.5}]);
        good["groups"][0]["tests"][0]["points"] = json!(1);
        good["groups"][0]["tests"][0]["args"] = json!([]);
        good["groups"][0]["tests"][0]["checker"] = json!({"type": "tokens", "float_abs": 0.1, "float_rel": 0.1});
        good["solutions"] =
            json!([{"language": "python", "files": [{"name": "main.py", "content": ""}], "expect": {"score": 1}}]);
        let checked = staff.send(Method::PUT, &format!("{path}?dry_run=true"), JSON, bytes(&good)).await;
        assert_eq!(checked.status, 200, "{checked:?}");
        let numbers = [
            "-1",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e308",
            "-1e308",
            "1e999",
            "-1e999",
            "\"1\"",
            "null",
            "-0.5",
            "18446744073709551616",
            "1e400",
            "[1]",
        ];
        let places = [
            "/limits/cpu_ms",
            "/limits/wall_ms",
            "/limits/memory_mb",
            "/limits/output_kb",
            "/limits/processes",
            "/groups/0/points",
            "/groups/0/tests/0/points",
            "/groups/0/tests/0/checker/float_abs",
            "/groups/0/tests/0/checker/float_rel",
            "/late/0/factor",
            "/solutions/0/expect/score",
        ];
        let mut sent = 0;
        for place in places {
            for number in numbers {
                // These may be left out.
                if number == "null" && (place.contains("float") || place.contains("score")) {
                    continue;
                }
                let mut body = good.clone();
                *body.pointer_mut(place).expect("a place") = json!(RAW_NUMBER);
                let body = body.to_string().replace(&format!("\"{RAW_NUMBER}\""), number);
                staff.send(Method::PUT, &path, JSON, body).await.is_refused(&format!("{place} is {number}"));
                sent += 1;
            }
        }
        for (place, value) in [
            ("/limits/cpu_ms", json!(0)),
            ("/limits/memory_mb", json!(1_000_000)),
            ("/limits/processes", json!(4_294_967_296_u64)),
            ("/groups", json!([])),
            ("/groups/0/tests", json!([])),
            ("/languages", json!([])),
            ("/languages", json!(["python", "python"])),
            ("/groups/0/points", json!(0)),
            ("/groups/0/tests/0/points", json!(0)),
            ("/title", json!("")),
            ("/title", json!("x".repeat(10_000))),
            ("/groups/0/tests/0/stdin", json!("\u{0}")),
            ("/groups/0/tests/0/args", json!(vec!["x"; 1000])),
            ("/groups/0/tests/0/checker", json!({"type": "program"})),
            ("/due_at", json!("9999-99-99T99:99:99Z")),
            ("/due_at", json!("+999999-01-01T00:00:00Z")),
            ("/late/0/until", json!("2029-01-01T00:00:00Z")),
            ("/attempts", json!({"max": 0})),
            ("/attempts", json!({"per_hour": -1})),
        ] {
            let mut body = good.clone();
            *body.pointer_mut(place).expect("a place") = value.clone();
            let shown: String = value.to_string().chars().take(60).collect();
            staff.send(Method::PUT, &path, JSON, bytes(&body)).await.is_refused(&format!("{place} is {shown}"));
            sent += 1;
        }
        let mut regex = good.clone();
        regex["groups"][0]["tests"][0]["checker"] = json!({"type": "regex"});
        for pattern in ["(", "(a{1000}){1000}", "[\\p{L}]{100000}", "a)|(b", "(?<x", &"(".repeat(50_000)] {
            regex["groups"][0]["tests"][0]["expected"] = json!(pattern);
            let shown: String = pattern.chars().take(30).collect();
            staff.send(Method::PUT, &path, JSON, bytes(&regex)).await.is_refused(&format!("the pattern {shown}"));
            sent += 1;
        }
        let stored =
            arena.class.instructor.get(&format!("/courses/{}/labs", arena.class.course)).await.expect("a list");
        assert!(!stored.to_string().contains("senseless"), "nothing of it was stored");
        format!("{sent} labs refused")
    })
}

/// Paths, queries and headers.
fn around_the_body() -> Row {
    Row::new("A2_paths_queries_headers", "python", async |arena| {
        let raw = Raw::of(arena, arena.attacker()).await;
        let course = &arena.class.course;
        let lab = arena.lab(&labs::sum(&crate::frame::LANGUAGES)).await;
        let junk = [
            "%00",
            "%ff%fe",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e",
            "-1",
            "0",
            "NaN",
            "'%20or%20'1'='1",
            "%E2%80%AE",
            "null",
            "{lab}",
            "%0d%0aX-A:%20b",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "00000000-0000-0000-0000-000000000000",
        ];
        let long = "a".repeat(6000);
        let mut sent = 0;
        for word in junk.iter().copied().chain([long.as_str()]) {
            for path in [
                format!("/courses/{word}"),
                format!("/courses/{word}/labs"),
                format!("/courses/{word}/members"),
                format!("/labs/{word}"),
                format!("/labs/{word}/submissions"),
                format!("/submissions/{word}"),
                format!("/submissions/{word}/files"),
                format!("/submissions/{word}/events"),
                format!("/{word}"),
            ] {
                raw.send(Method::GET, &path, "", "").await.is_refused(&path.chars().take(100).collect::<String>());
                sent += 1;
            }
            for path in
                [format!("/me/tokens/{word}"), format!("/labs/{word}"), format!("/courses/{course}/members/{word}")]
            {
                raw.send(Method::DELETE, &path, "", "").await.is_refused(&path.chars().take(100).collect::<String>());
                sent += 1;
            }
            for path in [
                format!("/courses?limit={word}"),
                format!("/courses?after={word}"),
                format!("/labs/{lab}/submissions?after={word}"),
                format!("/courses/{course}/labs?after={word}"),
            ] {
                let reply = raw.send(Method::GET, &path, "", "").await;
                // An identifier may be a cursor's text, and none is one's encoding.
                reply.is_refused(&path.chars().take(100).collect::<String>());
                sent += 1;
            }
            raw.send(Method::GET, &format!("/courses?nobody={word}&{word}={word}"), "", "")
                .await
                .is_no_fault("an unknown parameter");
        }
        let junk: [&[u8]; 8] =
            [b"x", b"\xff\xfe", b"-", b"1-1; drop", b"done-", b"18446744073709551616-0", b"0-0-0", &[b'9'; 4000]];
        for value in junk {
            for header in [
                "authorization",
                "cookie",
                "idempotency-key",
                "last-event-id",
                "x-forwarded-for",
                "x-request-id",
                "accept",
                "accept-encoding",
                "origin",
                "if-match",
                "range",
                "traceparent",
            ] {
                let reply = raw.send_with(Method::GET, "/courses", &[(header, value)], "").await;
                reply.is_no_fault(&format!("{header}: {}", String::from_utf8_lossy(value)));
                if header == "authorization" {
                    assert_eq!(reply.status, 401, "{reply:?}");
                }
                let headers = [(header, value), ("content-type", JSON.as_bytes())];
                let reply = raw.send_with(Method::POST, &format!("/labs/{lab}/submissions"), &headers, "{}").await;
                reply.is_refused(&format!("POST with {header}"));
                sent += 2;
            }
        }
        // Streams of events take any last id for none.
        let program = testkit::programs::Program::read("python/accepted");
        let result = arena.graded(&labs::sum(&crate::frame::LANGUAGES), &program).await;
        let events = format!("/submissions/{}/events", result["id"].as_str().expect("an id"));
        for value in junk {
            let reply = raw.send_with(Method::GET, &events, &[("last-event-id", value)], "").await;
            assert_eq!((reply.status, reply.content_type.as_str()), (200, "text/event-stream"), "{reply:?}");
            assert!(reply.body.as_str().is_some_and(|b| b.contains("event: done")), "{reply:?}");
            sent += 1;
        }
        for method in ["TRACE", "PROPFIND", "BREW", "CONNECTION"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            raw.send(method.clone(), "/courses", "", "").await.is_refused(method.as_str());
        }
        format!("{sent} requests refused or harmless")
    })
}

#[test]
fn whatever_is_malformed_is_refused_with_a_problem_document() {
    family([no_json(), wrong_types(), senseless_labs(), around_the_body()]);
}
