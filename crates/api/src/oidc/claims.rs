//! What an ID token says, and whether it is meant for us, now.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::NotSignedIn;

/// Clocks may differ by so many seconds.
const SKEW: f64 = 60.0;
/// A token that was made longer ago is not of this sign-in.
const AGE_MOST: f64 = 900.0;
/// The longest subject, as the specification has it.
const SUBJECT_MOST: usize = 255;

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// What it calls us.
    pub client: &'a str,
    /// Of this sign-in.
    pub nonce: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// What is known of who signs in.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Who, for the provider.
    pub subject: String,
    all: Map<String, Value>,
}

#[derive(Deserialize)]
struct Required {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    /// Reads the payload of a token whose signature is right, or says what is wrong with it.
    pub fn read(payload: &[u8], expected: &Expected<'_>) -> Result<Self, NotSignedIn> {
        let refused = |why: &str| Err(NotSignedIn::new("id_token_refused", format!("The provider's answer {why}.")));
        let Ok(all) = serde_json::from_slice::<Map<String, Value>>(payload) else {
            return refused("holds no claims");
        };
        let Ok(said) = serde_json::from_value::<Required>(Value::Object(all.clone())) else {
            return refused("lacks a claim that it must have");
        };
        let audience = match said.aud {
            Audience::One(one) => vec![one],
            Audience::Many(many) => many,
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds of this era are exact")]
        let now = expected.now.as_second() as f64;
        if said.iss != expected.issuer {
            return refused("is of another provider");
        }
        if !audience.iter().any(|a| a == expected.client) {
            return refused("is for somebody else");
        }
        // Who is one of several must be named as the one who asked; who is named must be us.
        match &said.azp {
            Some(azp) if azp != expected.client => return refused("was asked for by somebody else"),
            None if audience.len() > 1 => return refused("does not say who asked for it"),
            _ => {}
        }
        if said.exp <= now - SKEW {
            return refused("is too old");
        }
        if !(now - AGE_MOST..=now + SKEW).contains(&said.iat) {
            return refused("was not made just now");
        }
        if said.nonce.as_deref() != Some(expected.nonce) {
            return refused("is of another sign-in");
        }
        if said.sub.is_empty() || said.sub.len() > SUBJECT_MOST {
            return refused("names nobody");
        }
        Ok(Self { subject: said.sub, all })
    }

    /// Adds what the provider tells beside the token. The token's word counts more.
    pub fn complete(&mut self, told: Map<String, Value>) -> Result<(), NotSignedIn> {
        if told.get("sub").and_then(Value::as_str) != Some(&self.subject) {
            return Err(NotSignedIn::new("id_token_refused", "The provider tells of somebody else."));
        }
        // An address and whether it is verified belong together.
        let own_email = self.all.contains_key("email");
        for (name, value) in told {
            if !(own_email && name.starts_with("email")) {
                self.all.entry(name).or_insert(value);
            }
        }
        Ok(())
    }

    /// Whether there is such a claim.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The address, and whether the provider has verified it.
    pub fn email(&self) -> Option<(&str, bool)> {
        // Some providers write booleans as text.
        let verified = match self.all.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        Some((self.all.get("email")?.as_str()?, verified))
    }

    /// The name, for people.
    pub fn name(&self) -> Option<&str> {
        self.all.get("name")?.as_str()
    }

    /// Whether a claim, text or list, holds one of these values.
    pub fn holds(&self, name: &str, values: &[String]) -> bool {
        let is_one = |value: &Value| value.as_str().is_some_and(|text| values.iter().any(|v| v == text));
        match self.find(name) {
            Some(Value::Array(list)) => list.iter().any(is_one),
            Some(value) => is_one(value),
            None => false,
        }
    }

    /// A claim of this name, or at this path: `realm_access.roles`.
    fn find(&self, name: &str) -> Option<&Value> {
        self.all.get(name).or_else(|| {
            let mut path = name.split('.');
            let first = self.all.get(path.next()?)?;
            path.try_fold(first, |at, step| at.get(step))
        })
    }
}
