//! The ticket that lets a browser open a terminal: made by the API, honoured by the runner.
//!
//! A browser cannot send `Authorization` with a WebSocket and the runner knows no accounts, so a signed-in client asks
//! the API for a ticket and puts it into the socket's address. It names the account, is signed with the key that both
//! services have, and ends after half a minute. That it is used only once is the runner's business: it remembers the
//! [`Ticket::id`] in Redis.
//!
//! As text it is `id (16) ‖ account (16) ‖ end in ms (8, big-endian) ‖ HMAC-SHA256 (32)` in base64url: 96 characters, none
//! of which needs escaping in an address, and one way only to write each ticket.

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use uuid::Uuid;

use crate::{config::Environment, ids::UserId};

/// The key on developers' machines. It stands in public, so it is refused everywhere else.
const DEV_KEY: &str = "a key for developers' machines: everybody knows it";
/// Bytes of the shortest key outside dev.
const KEY_LEAST: usize = 32;
/// Goes into every signature: what is signed with the same key for another purpose is no ticket.
const PURPOSE: &[u8] = b"iteratione run ticket 1\0";
/// Bytes that are signed.
const CLAIMS: usize = 16 + 16 + 8;
/// Bytes of a signature.
const SIGNATURE: usize = 32;

/// What the API signs tickets with and the runner checks them by: setting `ticket_key`, the same for both.
#[derive(Clone)]
pub struct TicketKey(Hmac<Sha256>);

/// Leave to open one terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Its own id, to be used once.
    pub id: Uuid,
    /// Whose terminal it is.
    pub account: UserId,
    /// It is valid before this moment.
    pub expires_at: Timestamp,
}

/// Why a ticket is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Not the shape of a ticket.
    #[error("this is no ticket")]
    Malformed,
    /// Not signed with this key.
    #[error("the ticket's signature is wrong")]
    Forged,
    /// Genuine, but too old.
    #[error("the ticket has expired")]
    Expired,
}

impl TicketKey {
    /// The key of the setting `ticket_key`. In dev an empty one stands for a key that everybody knows; elsewhere that
    /// one, none, and a short one are refused.
    pub fn from_setting(setting: &SecretString, environment: Environment) -> anyhow::Result<Self> {
        let key = setting.expose_secret();
        if environment == Environment::Dev {
            return Self::new(if key.is_empty() { DEV_KEY } else { key });
        }
        ensure!(
            !key.is_empty(),
            "ticket_key is not set: give ITERATIONE_TICKET_KEY, the same random text to the API and to every runner, \
             for example of `openssl rand -base64 32`"
        );
        ensure!(
            key != DEV_KEY,
            "ticket_key is the one for developers' machines, which everybody knows: choose another"
        );
        ensure!(key.len() >= KEY_LEAST, "ticket_key has {} bytes: it must have at least {KEY_LEAST}", key.len());
        Self::new(key)
    }

    fn new(key: &str) -> anyhow::Result<Self> {
        Ok(Self(Hmac::new_from_slice(key.as_bytes())?))
    }

    /// A new ticket of an account, and its text. `expires_at` is rounded down to a millisecond.
    pub fn issue(&self, account: UserId, expires_at: Timestamp) -> (Ticket, String) {
        let millis = expires_at.as_millisecond();
        let id = Uuid::now_v7();
        let mut bytes = Vec::with_capacity(CLAIMS + SIGNATURE);
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(account.uuid().as_bytes());
        bytes.extend_from_slice(&millis.to_be_bytes());
        let signature = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&signature);
        let expires_at = Timestamp::from_millisecond(millis).unwrap_or(expires_at);
        (Ticket { id, account, expires_at }, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The ticket that a text is, if it is genuine and `now` is before its end. Whether it was used already, the caller
    /// must find out.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Ticket, TicketError> {
        // Before decoding: the text is a stranger's and may be long.
        if text.len() != (CLAIMS + SIGNATURE) / 3 * 4 {
            return Err(TicketError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TicketError::Malformed)?;
        let (claims, signature) = bytes.split_at_checked(CLAIMS).ok_or(TicketError::Malformed)?;
        // Takes as long for a signature that is nearly right as for any other.
        self.mac(claims).verify_slice(signature).map_err(|_| TicketError::Forged)?;
        let ticket = read(claims).ok_or(TicketError::Malformed)?;
        if now < ticket.expires_at { Ok(ticket) } else { Err(TicketError::Expired) }
    }

    fn mac(&self, claims: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(PURPOSE).chain_update(claims)
    }
}

fn read(claims: &[u8]) -> Option<Ticket> {
    let (id, rest) = claims.split_first_chunk::<16>()?;
    let (account, end) = rest.split_first_chunk::<16>()?;
    let millis = i64::from_be_bytes(end.try_into().ok()?);
    Some(Ticket {
        id: Uuid::from_bytes(*id),
        account: Uuid::from_bytes(*account).into(),
        expires_at: Timestamp::from_millisecond(millis).ok()?,
    })
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> TicketKey {
        TicketKey::new(text).expect("any length")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).expect("in range")
    }

    const NOON: i64 = 1_800_000_000_000;

    #[test]
    fn a_ticket_is_honoured_until_its_end_and_names_its_account() {
        let (key, account, end) = (key("k"), UserId::new(), at(NOON) + 30.seconds());
        let (ticket, text) = key.issue(account, end + 900.microseconds());
        assert_eq!((ticket.account, ticket.expires_at), (account, end));
        assert_eq!(text.len(), 96);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        assert_eq!(key.verify(&text, at(NOON)), Ok(ticket));
        assert_eq!(key.verify(&text, end - 1.millisecond()), Ok(ticket));
        assert_eq!(key.verify(&text, end), Err(TicketError::Expired));
        assert_eq!(key.verify(&text, end + 10.hours()), Err(TicketError::Expired));
    }

    #[test]
    fn two_tickets_of_one_account_are_two() {
        let (key, account) = (key("k"), UserId::new());
        let ((a, text_a), (b, text_b)) = (key.issue(account, at(NOON)), key.issue(account, at(NOON)));
        assert!(a.id != b.id && text_a != text_b);
    }

    #[test]
    fn nothing_in_a_ticket_can_be_changed() {
        let key = key("k");
        let (_, text) = key.issue(UserId::new(), at(NOON));
        for i in 0..text.len() {
            for other in ["A", "B", "_"] {
                let mut changed = text.clone();
                changed.replace_range(i..=i, other);
                if changed != text {
                    assert_eq!(key.verify(&changed, at(0)), Err(TicketError::Forged), "character {i}");
                }
            }
        }
    }

    #[test]
    fn a_ticket_of_another_installation_is_forged_also_if_its_key_begins_alike() {
        let (_, text) = key("the same beginning, 1").issue(UserId::new(), at(NOON));
        for other in ["the same beginning, 2", "the same beginning", ""] {
            assert_eq!(key(other).verify(&text, at(0)), Err(TicketError::Forged));
        }
    }

    proptest! {
        #[test]
        fn no_text_but_a_ticket_is_one(text in "\\PC{0,120}|[A-Za-z0-9_-]{96}|[A-Za-z0-9+/=]{96}") {
            prop_assert!(key("k").verify(&text, at(0)).is_err());
        }
    }

    #[test]
    fn outside_dev_a_key_must_be_there_long_and_not_the_known_one() {
        let load = |key: &str, environment| TicketKey::from_setting(&key.into(), environment);
        for (key, says) in [("", "ITERATIONE_TICKET_KEY"), (DEV_KEY, "everybody"), (&"x".repeat(31), "31 bytes")] {
            let error = load(key, Environment::Production).expect_err(key).to_string();
            assert!(error.contains("ticket_key") && error.contains(says), "{error}");
            load(key, Environment::Dev).expect("in dev");
        }
        load(&"x".repeat(32), Environment::Production).expect("long enough");
    }

    #[test]
    fn in_dev_services_without_a_key_understand_each_other() {
        let dev = || TicketKey::from_setting(&"".into(), Environment::Dev).expect("dev");
        let (ticket, text) = dev().issue(UserId::new(), at(NOON));
        assert_eq!(dev().verify(&text, at(0)), Ok(ticket));
    }

    #[test]
    fn a_key_does_not_print_itself() {
        assert_eq!(format!("{:?}", key("s3cret")), "TicketKey(***)");
    }
}
