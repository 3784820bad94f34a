//! Bounds on guessing: token buckets in this process's memory.
//!
//! Only failures cost: somebody who knows their password is never turned away, however often they sign in. A bucket is
//! taken from before the guess is checked and filled again when it was right, so that many guesses at once do not get
//! through together. With several API processes each keeps count for itself; that multiplies the bounds, no more.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use iteratione_common::ids::UserId;
use tokio::time::Instant;

use crate::{config::LimitsConfig, error::ApiError};

/// Buckets in one limiter. Full ones are forgotten; beyond this, the whole limiter is: a flood from so many addresses
/// is not held off by counting them.
const MOST_BUCKETS: usize = 100_000;

/// A limiter by some key.
#[derive(Debug)]
pub struct Attempts<K> {
    code: &'static str,
    burst: f64,
    per_second: f64,
    buckets: Arc<Mutex<HashMap<K, Bucket>>>,
}

impl<K> Clone for Attempts<K> {
    fn clone(&self) -> Self {
        Self { buckets: self.buckets.clone(), ..*self }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Hash + Eq> Attempts<K> {
    /// `burst` at once, then `per_hour`; who has no more gets 429 with `code`.
    pub fn new(code: &'static str, burst: u32, per_hour: u32) -> Self {
        Self { code, burst: f64::from(burst), per_second: f64::from(per_hour) / 3600.0, buckets: Arc::default() }
    }

    /// Takes an attempt, or says when there will be one.
    pub fn take(&self, key: K) -> Result<(), ApiError> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, b| self.filled(*b, now) < self.burst);
            if buckets.len() >= MOST_BUCKETS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: self.burst, at: now });
        *bucket = Bucket { tokens: self.filled(*bucket, now), at: now };
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let seconds = ((1.0 - bucket.tokens) / self.per_second).min(3600.0);
        Err(ApiError::TooMany { code: self.code, retry_after: Duration::from_secs_f64(seconds) })
    }

    /// Gives an attempt back: it was right.
    pub fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.burst);
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        (bucket.tokens + now.duration_since(bucket.at).as_secs_f64() * self.per_second).min(self.burst)
    }
}

/// All limiters of the service.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Wrong passwords of one account from one address.
    /// By SHA-256 of the address typed: what is typed can be long.
    pub login: Attempts<([u8; 32], IpAddr)>,
    /// Wrong passwords from one address.
    pub login_address: Attempts<IpAddr>,
    /// New accounts from one address.
    pub register: Attempts<IpAddr>,
    /// Wrong join codes of one account.
    pub join: Attempts<UserId>,
}

impl Limits {
    /// As the settings say.
    pub fn new(config: &LimitsConfig) -> Self {
        Self {
            login: Attempts::new("too_many_logins", config.login_burst, config.login_per_hour),
            login_address: Attempts::new("too_many_logins", config.login_address_burst, config.login_address_per_hour),
            register: Attempts::new("too_many_registrations", config.register_burst, config.register_per_hour),
            join: Attempts::new("too_many_join_codes", config.join_burst, config.join_per_hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_attempts_come_back_with_time() {
        let limit = Attempts::new("x", 2, 3600);
        assert!(limit.take("a").is_ok() && limit.take("a").is_ok());
        let Err(ApiError::TooMany { retry_after, .. }) = limit.take("a") else { panic!("a third at once") };
        assert_eq!(retry_after, Duration::from_secs(1));
        assert!(limit.take("b").is_ok(), "others are not affected");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(limit.take("a").is_ok());
        assert!(limit.take("a").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_that_were_right_cost_nothing() {
        let limit = Attempts::new("x", 2, 1);
        for _ in 0..100 {
            limit.take("a").expect("left");
            limit.give_back(&"a");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn its_memory_is_bounded() {
        let limit = Attempts::new("x", 2, 1);
        for key in 0..MOST_BUCKETS * 2 + 10 {
            limit.take(key).expect("first of its key");
        }
        assert!(limit.buckets.lock().expect("lock").len() <= MOST_BUCKETS);
    }
}
