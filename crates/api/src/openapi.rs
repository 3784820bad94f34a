//! The OpenAPI document, generated from the handlers, and a page to browse it.

mod answers;
mod parameters;
mod unions;

use axum::{
    Router,
    http::header,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{
    auth::{cookie, scope},
    live::{CompileEvent, StatusEvent, TestEvent},
    problem::Problem,
    state::AppState,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Iteratione",
        description = "An online judge for programming courses. Errors are `application/problem+json` with a stable \
            `code`; lists are `{items, next}`; every POST that creates takes `Idempotency-Key`. Each answer carries \
            `X-Request-Id`, the client's own if it sent one of up to 64 letters, digits, `-`, `_` and `.`.",
    ),
    // Those of live events are named by nothing: a stream's data is text.
    components(schemas(Problem, StatusEvent, CompileEvent, TestEvent)),
    modifiers(&Security),
    security(("session" = []), ("token" = [])),
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let session = ApiKey::Cookie(ApiKeyValue::with_description(
            cookie::NAME,
            "A browser's session, by `POST /auth/login`. Unsafe requests must come from our own origin.",
        ));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("itr_…")
            .description(Some(
                "An API token, by `POST /me/tokens`. Where scopes are named, a token that has scopes needs one of them.",
            ))
            .build();
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// What holds for the whole document.
pub fn base() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Adds what holds for every operation, so that no endpoint has to say it, or can forget it.
pub fn finish(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    document.info.license = None;
    if let Some(components) = &mut document.components {
        unions::close(&mut components.schemas);
    }
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_id(method, path));
            parameters::complete(operation);
            answers::complete(method, path, operation);
            let below = path.strip_prefix("/api/v1").unwrap_or(path);
            operation.security = Some(scope::requirements(&method.to_ascii_uppercase(), below));
        }
    }
    document
}

/// Unique, unlike handlers' names: `get_courses_course_members`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").split(['/', '{', '}', '.', '-']).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// The document and its page.
pub fn routes(document: &utoipa::openapi::OpenApi) -> anyhow::Result<Router<AppState>> {
    let json: bytes::Bytes = serde_json::to_vec(document)?.into();
    let json = move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json).into_response() }
    };
    Ok(Router::new()
        .route("/api/v1/openapi.json", get(json))
        .route("/", get(async || Redirect::temporary("/docs")))
        .route("/docs", get(async || file("text/html; charset=utf-8", include_str!("openapi/docs.html"))))
        .route("/docs/docs.js", get(async || file("text/javascript; charset=utf-8", include_str!("openapi/docs.js"))))
        .route("/docs/docs.css", get(async || file("text/css; charset=utf-8", include_str!("openapi/docs.css"))))
        // Of the pages that the API itself makes.
        .route("/docs/report.css", get(async || file("text/css; charset=utf-8", include_str!("openapi/report.css")))))
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
