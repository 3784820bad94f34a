//! Random tokens. 256 bits need no slow hash: what is stored is their SHA-256.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// API tokens begin with this, so that scanners of leaked secrets know them.
pub const TOKEN_PREFIX: &str = "itr_";

/// Easily read aloud: no 0/o, 1/i/l, u/v.
const CODE_ALPHABET: &[u8; 30] = b"23456789abcdefghjkmnpqrstvwxyz";
const CODE_LENGTH: usize = 10;

/// A new session's token.
pub fn session_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A new API token.
pub fn api_token() -> String {
    format!("{TOKEN_PREFIX}{}", session_token())
}

/// A new join code: 49 bits, and guesses are limited.
pub fn join_code() -> String {
    (0..CODE_LENGTH).map(|_| char::from(CODE_ALPHABET[rand::random_range(0..CODE_ALPHABET.len())])).collect()
}

/// A join code as people type it, with capitals, blanks and hyphens.
pub fn normal_join_code(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// What is stored of a token.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, two) = (api_token(), api_token());
        assert_ne!(one, two);
        assert_eq!(one.len(), 4 + 43);
        assert!(one.starts_with("itr_"));
    }

    #[test]
    fn a_join_code_is_known_again_however_it_is_typed() {
        let code = join_code();
        assert_eq!(code.len(), 10);
        let typed = format!(" {}-{} ", code[..5].to_uppercase(), &code[5..]);
        assert_eq!(normal_join_code(&typed), code);
    }
}
