//! A sign-in that is under way, kept in the browser: in a cookie that only we can write, for ten minutes.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::CookieJar;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::{auth::secret, config::Config};

const NAME: &str = "itr_sign_in";
const PATH: &str = "/api/v1/auth/oidc";
const SECONDS: i64 = 600;
/// The longest path to go back to.
const PATH_MOST: usize = 500;

/// What must come back with the browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    /// Comes back with the browser, in the address.
    pub state: String,
    /// Comes back with the token.
    pub nonce: String,
    /// Proves to the provider that who has the code began the sign-in.
    pub verifier: String,
    /// Where the browser wanted to go.
    pub return_to: String,
    ends: i64,
}

impl Pending {
    /// A new one.
    pub fn begin(return_to: String, now: Timestamp) -> Self {
        Self {
            state: secret::session_token(),
            nonce: secret::session_token(),
            verifier: secret::session_token(),
            return_to,
            ends: now.as_second() + SECONDS,
        }
    }

    /// What the provider is told of the verifier (PKCE, S256).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    /// As a cookie.
    pub fn cookie(&self, config: &Config) -> anyhow::Result<HeaderValue> {
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?);
        let tag = URL_SAFE_NO_PAD.encode(mac(&text, config)?.finalize().into_bytes());
        Ok(HeaderValue::from_str(&cookie(&format!("{text}.{tag}"), SECONDS, config))?)
    }

    /// Takes the cookie away.
    pub fn clear(config: &Config) -> HeaderValue {
        HeaderValue::from_str(&cookie("", 0, config)).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// From a request's cookie, if it is ours and has not ended.
    pub fn read(headers: &HeaderMap, config: &Config, now: Timestamp) -> Option<Self> {
        let jar = CookieJar::from_headers(headers);
        let (text, tag) = jar.get(NAME)?.value().split_once('.')?;
        mac(text, config).ok()?.verify_slice(&URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        let pending: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (pending.ends > now.as_second()).then_some(pending)
    }
}

fn mac(text: &str, config: &Config) -> anyhow::Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&config.cookie_key())?;
    mac.update(text.as_bytes());
    Ok(mac)
}

fn cookie(value: &str, seconds: i64, config: &Config) -> String {
    let secure = if config.is_dev() { "" } else { "; Secure" };
    // Lax: the browser comes back from another site, by a link.
    format!("{NAME}={value}; Path={PATH}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// Whether a text is a path of this site, for every browser, and not one of the API.
pub fn is_local_path(text: &str) -> bool {
    let plain = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= PATH_MOST
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let base = "https://here.invalid";
    plain
        && Url::parse(base).and_then(|base| base.join(text)).is_ok_and(|url| {
            url.origin().ascii_serialization() == base
                && !url.path().starts_with("//")
                && !url.path().starts_with("/api/")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        for good in ["/", "/courses/c", "/labs/1?tab=files#line-3", "/a//b", "/%2f%2fevil.test"] {
            assert!(is_local_path(good), "{good}");
        }
        for bad in [
            "",
            "courses",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "https://evil.test/",
            "/\t/evil.test",
            "/\n/evil.test",
            " /",
            "javascript:alert(1)",
            "/é",
            "/.//evil.test",
            "/a/..//evil.test",
            "/api/v1/auth/oidc/login",
            "/./api/v1/me",
        ] {
            assert!(!is_local_path(bad), "{bad}");
        }
        assert!(!is_local_path(&format!("/{}", "a".repeat(PATH_MOST))));
    }
}
