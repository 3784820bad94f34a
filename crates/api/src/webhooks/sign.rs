//! Signatures in the manner of Standard Webhooks: HMAC-SHA256 over id, time and body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// How secrets begin, as the libraries of Standard Webhooks want them.
const PREFIX: &str = "whsec_";

/// What signs the messages to one webhook: 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// What is stored.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the receiver is given, once.
    pub fn shown(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }
}

/// The value of `webhook-signature`.
pub fn signature(secret: &[u8], id: &str, at: i64, body: &[u8]) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_published_example() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_shown_with_its_prefix_and_never_by_debugging() {
        let secret = Secret::random();
        assert_eq!(STANDARD.decode(&secret.shown()[6..]).expect("base64"), secret.bytes());
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_ne!(secret, Secret::random());
    }
}
