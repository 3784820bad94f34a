//! The session's cookie.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::CookieJar;

use crate::config::Config;

/// Its name.
pub const NAME: &str = "itr_session";

/// The token in a request's cookie.
pub fn read(headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(NAME).map(|cookie| cookie.value().to_owned())
}

/// Sets the cookie for as long as a session lasts.
pub fn set(token: &str, config: &Config) -> HeaderValue {
    write(token, i64::from(config.api.session_days) * 24 * 3600, config)
}

/// Takes the cookie away.
pub fn clear(config: &Config) -> HeaderValue {
    write("", 0, config)
}

fn write(token: &str, seconds: i64, config: &Config) -> HeaderValue {
    let secure = if config.is_dev() { "" } else { "; Secure" };
    let text = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    // Tokens are base64url: they are always valid in a header.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
