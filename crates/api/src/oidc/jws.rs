//! Signatures of ID tokens: RS256 and ES256, whatever else a token may say about itself.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// Keys of a provider that are looked at.
const KEYS_MOST: usize = 50;
/// The longest token.
const TOKEN_MOST: usize = 32 << 10;

/// The keys that a provider has published.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point of P-256.
    P256(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

/// Why a token's signature is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// The key is not among the published ones: they may have changed.
    #[error("it is signed with a key that the provider does not publish")]
    UnknownKey,
    /// It is wrong, and stays so.
    #[error("{0}")]
    Refused(&'static str),
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl Keys {
    /// Reads a published set; keys of other kinds and for other uses are left out.
    pub fn read(json: &[u8]) -> serde_json::Result<Self> {
        let published: Published = serde_json::from_slice(json)?;
        let keys = published.keys.into_iter().take(KEYS_MOST);
        Ok(Self(keys.filter_map(|key| Key::of(serde_json::from_value(key).ok()?)).collect()))
    }

    /// The payload of a token, if its signature is one of these keys'.
    pub fn payload(&self, token: &str) -> Result<Vec<u8>, Unsigned> {
        const FORM: Unsigned = Unsigned::Refused("it is not a signed token");
        if token.len() > TOKEN_MOST {
            return Err(FORM);
        }
        let mut parts = token.split('.');
        let (Some(head), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FORM);
        };
        let header: Header = serde_json::from_slice(&decoded(head).ok_or(FORM)?).map_err(|_| FORM)?;
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return Err(Unsigned::Refused("it is not signed with RS256 or ES256")),
        };
        if header.crit.is_some() {
            return Err(Unsigned::Refused("it wants something to be understood that is not"));
        }
        let signature = decoded(signature).ok_or(FORM)?;
        let signed = &token.as_bytes()[..head.len() + 1 + payload.len()];
        let fits = |key: &&Key| key.algorithm() == algorithm && (header.kid.is_none() || key.id == header.kid);
        let mut candidates = self.0.iter().filter(fits).peekable();
        if candidates.peek().is_none() {
            return Err(Unsigned::UnknownKey);
        }
        if candidates.any(|key| key.has_signed(signed, &signature)) {
            decoded(payload).ok_or(FORM)
        } else {
            Err(Unsigned::Refused("its signature is wrong"))
        }
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        if jwk.r#use.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: decoded(&jwk.n?)?, e: decoded(&jwk.e?)? },
            ("EC", Some("P-256")) => {
                let (x, y) = (decoded(&jwk.x?)?, decoded(&jwk.y?)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                Material::P256([&[4], x.as_slice(), y.as_slice()].concat())
            }
            _ => return None,
        };
        let key = Self { id: jwk.kid, material };
        let named = match key.algorithm() {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        };
        jwk.alg.is_none_or(|alg| alg == named).then_some(key)
    }

    fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
        }
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Material::P256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
