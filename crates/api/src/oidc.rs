//! Single sign-on by OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! What is believed: an ID token that came from the provider's token endpoint, for our code and verifier, signed with one
//! of its published keys (RS256 or ES256, nothing else), for us, now, and with the nonce of this browser's sign-in.

mod claims;
mod jws;
mod pending;
mod provider;

pub use self::{
    claims::{Claims, Expected},
    jws::{Keys, Unsigned},
    pending::{Pending, is_local_path},
    provider::Provider,
};

/// Why a sign-in failed: a stable code, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct NotSignedIn {
    /// Stable machine name.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl NotSignedIn {
    /// With this code and sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
