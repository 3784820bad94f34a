//! What surrounds every handler. Outermost first: request id, access log, security headers, panics, time, origin,
//! size of the body, compression.

use std::{any::Any, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use tracing::Instrument as _;

use crate::{
    auth::origin,
    error::{ApiError, Cause},
    request_id,
    state::AppState,
};

/// Puts all layers around the routes.
pub fn around(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn(request_id::layer))
            .layer(from_fn(access_log))
            .layer(from_fn_with_state(state.clone(), security_headers))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(state.clone(), timeout))
            .layer(from_fn_with_state(state.clone(), origin::layer))
            .layer(DefaultBodyLimit::max(state.config.api.limits.body_bytes))
            // Leaves server-sent events alone by default.
            .layer(CompressionLayer::new()),
    )
}

/// One line and one measurement per request; the cause of a failure is logged here and nowhere else.
async fn access_log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // The template, not the path: a path can hold what must not be logged, and labels must be few.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let id = request_id::current().unwrap_or_default();
    let span = tracing::info_span!("api.request", request.id = %id, http.method = %method, http.route = %route);
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let took = begun.elapsed();
    let status = response.status();
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.as_u16().to_string())];
    metrics::counter!("iteratione_http_requests_total", &labels).increment(1);
    metrics::histogram!("iteratione_http_request_seconds", "route" => route.clone()).record(took.as_secs_f64());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let cause = response.extensions().get::<Cause>().map(|c| c.0.clone());
    span.in_scope(|| match cause {
        Some(cause) if status == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(http.status = status.as_u16(), duration_ms, error = %cause, "failed");
        }
        Some(cause) => tracing::warn!(http.status = status.as_u16(), duration_ms, error = %cause, "unavailable"),
        None if matches!(route.as_str(), "/livez" | "/readyz") => {
            tracing::debug!(http.status = status.as_u16(), duration_ms, "answered");
        }
        None => tracing::info!(http.status = status.as_u16(), duration_ms, "answered"),
    });
    response
}

async fn security_headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::X_FRAME_OPTIONS, "DENY");
    add(header::REFERRER_POLICY, "same-origin");
    add(header::CACHE_CONTROL, "no-store");
    add(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    add(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if !state.config.is_dev() && state.config.api.public_url.starts_with("https://") {
        add(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Bounds the time until the head of the response; a stream of events goes on for as long as it likes.
async fn timeout(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(state.config.request_timeout(), next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Timeout.into_response(),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    ApiError::Internal(anyhow::anyhow!("panic: {what}")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use iteratione_common::store::PgPool;
    use tower::ServiceExt as _;

    use super::*;
    use crate::testing::TestApp;

    #[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
    async fn a_panic_is_a_500_that_says_nothing_of_it_and_others_are_served_on(pg: PgPool) {
        let app = TestApp::new(pg);
        let explode = async || -> &'static str { panic!("secret {}", 42) };
        let routes = Router::new().route("/panic", get(explode)).route("/", get(async || "fine"));
        let router = around(routes, &app.state).with_state(app.state.clone());
        let get = async |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).expect("request");
            router.clone().oneshot(request).await.expect("never fails")
        };
        let response = get("/panic").await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (500, &HeaderValue::from_static("application/problem+json"))
        );
        assert_eq!(&*response.extensions().get::<Cause>().expect("a cause").0, "panic: secret 42");
        let body = axum::body::to_bytes(response.into_body(), 4096).await.expect("body");
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
        assert_eq!(get("/").await.status(), 200);
    }
}
