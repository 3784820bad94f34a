//! Requests that change something must not come from another site: its pages can make a browser send our cookie.
//!
//! Browsers say where a request comes from, in `Sec-Fetch-Site` and, for everything but GET and HEAD, in `Origin`. A
//! request with neither is not from a browser. Requests with `Authorization` cannot be forged by a page and pass. The
//! check holds for all others, with a cookie or without: a login from another site's page is an attack too.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{config::origin_of, error::ApiError, state::AppState};

/// Middleware.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !request.method().is_safe()
        && !headers.contains_key(header::AUTHORIZATION)
        && !from_here(headers, request.uri().authority(), &state.config.api.public_url)
    {
        return ApiError::CrossSite.into_response();
    }
    next.run(request).await
}

/// Whether a request is from a page of ours, or from no browser. `authority` is the one in the request's URI, if any.
pub(crate) fn from_here(headers: &HeaderMap, authority: Option<&Authority>, public_url: &str) -> bool {
    let text = |name| headers.get(name).map(|v: &axum::http::HeaderValue| v.to_str().unwrap_or_default());
    let origin = text(header::ORIGIN);
    match (text(header::HeaderName::from_static("sec-fetch-site")), origin) {
        (Some("same-origin" | "none"), _) | (None, None) => true,
        (Some(_), None) => false,
        (_, Some(origin)) => is_ours(origin, text(header::HOST).or(authority.map(Authority::as_str)), public_url),
    }
}

fn is_ours(origin: &str, host: Option<&str>, public_url: &str) -> bool {
    let Ok(origin) = origin_of(origin) else { return false };
    if !public_url.is_empty() {
        return origin_of(public_url).is_ok_and(|ours| ours == origin);
    }
    let Some(host) = host else { return false };
    ["http", "https"].iter().any(|scheme| origin_of(&format!("{scheme}://{host}")).is_ok_and(|ours| ours == origin))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn verdict(pairs: &[(&'static str, &'static str)], public_url: &str) -> bool {
        let headers = pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
        from_here(&headers, None, public_url)
    }

    #[test]
    fn a_page_of_ours_may_and_a_page_of_others_may_not() {
        let here = ("host", "judge.test");
        for (pairs, public_url, expected) in [
            (vec![here], "", true),
            (vec![here, ("origin", "https://judge.test")], "", true),
            (vec![here, ("origin", "http://judge.test")], "https://judge.test", false),
            (vec![("host", "10.0.0.7:8080"), ("origin", "https://judge.test")], "https://judge.test/", true),
            (vec![here, ("origin", "https://evil.test")], "", false),
            (vec![here, ("origin", "https://judge.test.evil.test")], "", false),
            (vec![here, ("origin", "https://judge.test:444")], "", false),
            (vec![here, ("origin", "null")], "", false),
            (vec![here, ("origin", "")], "", false),
            (vec![here, ("sec-fetch-site", "same-origin")], "", true),
            (vec![here, ("sec-fetch-site", "none")], "", true),
            (vec![here, ("sec-fetch-site", "cross-site")], "", false),
            (vec![here, ("sec-fetch-site", "same-site"), ("origin", "https://other.judge.test")], "", false),
        ] {
            assert_eq!(verdict(&pairs, public_url), expected, "{pairs:?} {public_url}");
        }
    }
}
