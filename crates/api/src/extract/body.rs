//! JSON bodies.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};

use super::objects::Objects;
use crate::error::ApiError;

/// A JSON body. An object is an object, not a list of its values; unknown fields are refused by the types themselves (`deny_unknown_fields`); a wrong field is named by
/// its JSON pointer; nesting is bounded by serde_json at 128 levels; a NUL character is refused, because PostgreSQL
/// cannot store one.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let bytes = read_body(request, state).await?;
        parse_json(&bytes).map(Self)
    }
}

/// Fails unless the request says that its body is JSON.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType("JSON (application/json)"))
    }
}

/// The whole body, as far as the route's limit lets it.
pub(crate) async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { ApiError::TooLarge } else { ApiError::UnreadableBody }
    })
}

/// The whole body, as far as `limit` bytes: for routes whose limit is a setting.
pub(crate) async fn read_body_up_to(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|e| {
        let too_large =
            std::error::Error::source(&e).is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if too_large { ApiError::TooLarge } else { ApiError::UnreadableBody }
    })
}

/// Reads JSON, or says where it is wrong.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|e| {
        let pointer = pointer_of(e.path());
        refusal(e.inner(), pointer)
    })?;
    reader.end().map_err(|e| refusal(&e, String::new()))?;
    if may_hold_nul(bytes) {
        refuse_nul(bytes)?;
    }
    Ok(value)
}

fn refusal(error: &serde_json::Error, pointer: String) -> ApiError {
    match error.classify() {
        Category::Data => ApiError::field(pointer, without_place(error)),
        Category::Syntax | Category::Eof | Category::Io => ApiError::MalformedJson(error.to_string()),
    }
}

/// serde_json's message without its ` at line 1 column 5`: the pointer says where.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// RFC 6901.
fn pointer_of(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { variant } => format!("/{}", escaped(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A NUL can only stand in valid JSON as `\u0000`. An escaped backslash before `u0000` gives false alarm, no harm.
fn may_hold_nul(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|w| w == br"\u0000")
}

fn refuse_nul(bytes: &[u8]) -> Result<(), ApiError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| ApiError::MalformedJson(e.to_string()))?;
    match nul_in(&value, String::new()) {
        Some(pointer) => Err(ApiError::field(pointer, "must not hold a NUL character")),
        None => Ok(()),
    }
}

/// The pointer of a text with a NUL. The recursion is as deep as the parser allowed.
fn nul_in(value: &Value, at: String) -> Option<String> {
    match value {
        Value::String(s) if s.contains('\0') => Some(at),
        Value::Array(items) => items.iter().enumerate().find_map(|(i, v)| nul_in(v, format!("{at}/{i}"))),
        Value::Object(map) => map.iter().find_map(|(k, v)| {
            if k.contains('\0') { Some(at.clone()) } else { nul_in(v, format!("{at}/{}", escaped(k))) }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::error::FieldProblem;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code, reason = "only parsed")]
        files: Vec<File>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[allow(dead_code, reason = "only parsed")]
        name: String,
    }

    fn problem(json: &str) -> FieldProblem {
        match parse_json::<Sample>(json.as_bytes()).expect_err("must be refused") {
            ApiError::Invalid(mut errors) => errors.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_field_is_named_by_its_pointer() {
        let wrong = problem(r#"{"files":[{"name":"a"},{"name":7}]}"#);
        assert_eq!(wrong.pointer, "/files/1/name");
        assert_eq!(wrong.detail, "invalid type: integer `7`, expected a string");
        assert_eq!(problem(r#"{"files":[{"nam":"a"}]}"#).pointer, "/files/0/nam");
        assert_eq!(problem("{}"), FieldProblem::new("", "missing field `files`"));
    }

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        assert_eq!(problem(r#"{"files":[{"name":"a"},{"name":"b\u0000"}]}"#).pointer, "/files/1/name");
        parse_json::<Sample>(br#"{"files":[{"name":"b\\u0000"}]}"#).expect("a backslash and letters, no NUL");
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let deep = "[".repeat(100_000);
        let texts: [&[u8]; 6] = [b"", b"{", b"{}x", b"\xff\xfe", br#"{"files":["\ud800"]}"#, deep.as_bytes()];
        for text in texts {
            let error = parse_json::<Value>(text).expect_err("must be refused");
            assert!(matches!(error, ApiError::MalformedJson(_)), "{error:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse_json::<Sample>(&bytes);
        }
    }
}
