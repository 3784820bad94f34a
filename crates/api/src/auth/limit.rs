//! Bounds on guessing: token buckets in this process's memory.
//!
//! Only failures cost: somebody who knows their password is never turned away, however often they sign in. An attempt
//! is taken from the bucket before it is known whether it is right, and given back if it was, so that many guesses at
//! once do not get through together; who finds the bucket empty only because others are still being checked waits for
//! them. With several API processes each keeps count for itself; that multiplies the bounds, no more.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iteratione_common::ids::UserId;
use tokio::{sync::Notify, time::Instant};

use crate::{config::LimitsConfig, error::ApiError};

/// Buckets in one limiter. Full ones are forgotten; beyond this, the whole limiter is: a flood from so many addresses
/// is not held off by counting them.
const MOST_BUCKETS: usize = 100_000;

/// A limiter by some key.
#[derive(Debug)]
pub struct Attempts<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    code: &'static str,
    burst: f64,
    per_second: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
    /// Somebody's attempt has ended.
    ended: Notify,
}

impl<K> Clone for Attempts<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
    /// Attempts that are being checked.
    open: u32,
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    /// `burst` at once, then `per_hour`; who has no more gets 429 with `code`.
    pub fn new(code: &'static str, burst: u32, per_hour: u32) -> Self {
        let (burst, per_second) = (f64::from(burst), f64::from(per_hour) / 3600.0);
        Self(Arc::new(Inner { code, burst, per_second, buckets: Mutex::default(), ended: Notify::new() }))
    }

    /// Takes an attempt, or says when there will be one. The attempt counts unless it is said to be
    /// [`Attempt::right`].
    pub async fn take(&self, key: K) -> Result<Attempt<K>, ApiError> {
        loop {
            // Made before the look, so that no end in between is missed.
            let ended = self.0.ended.notified();
            {
                let now = Instant::now();
                let mut buckets = self.0.buckets();
                self.0.make_room(&mut buckets, now);
                let bucket = buckets.entry(key.clone()).or_insert(Bucket { tokens: self.0.burst, at: now, open: 0 });
                *bucket = Bucket { tokens: self.0.filled(*bucket, now), at: now, ..*bucket };
                if bucket.tokens >= 1.0 {
                    bucket.tokens -= 1.0;
                    bucket.open += 1;
                    return Ok(Attempt { limiter: self.clone(), key, right: false });
                }
                if bucket.open == 0 {
                    let seconds = ((1.0 - bucket.tokens) / self.0.per_second).min(3600.0);
                    let retry_after = Duration::from_secs_f64(seconds);
                    return Err(ApiError::TooMany { code: self.0.code, retry_after });
                }
            }
            ended.await;
        }
    }
}

impl<K: Hash + Eq> Inner<K> {
    fn buckets(&self) -> MutexGuard<'_, HashMap<K, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_room(&self, buckets: &mut HashMap<K, Bucket>, now: Instant) {
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, b| b.open > 0 || self.filled(*b, now) < self.burst);
        }
        if buckets.len() >= MOST_BUCKETS {
            buckets.clear();
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        (bucket.tokens + now.duration_since(bucket.at).as_secs_f64() * self.per_second).min(self.burst)
    }
}

/// An attempt that is being checked; dropped, it was wrong.
#[derive(Debug)]
#[must_use]
pub struct Attempt<K: Hash + Eq> {
    limiter: Attempts<K>,
    key: K,
    right: bool,
}

impl<K: Hash + Eq> Attempt<K> {
    /// It was right and costs nothing.
    pub fn right(mut self) {
        self.right = true;
    }
}

impl<K: Hash + Eq> Drop for Attempt<K> {
    fn drop(&mut self) {
        let inner = &self.limiter.0;
        if let Some(bucket) = inner.buckets().get_mut(&self.key) {
            bucket.open = bucket.open.saturating_sub(1);
            if self.right {
                bucket.tokens = (bucket.tokens + 1.0).min(inner.burst);
            }
        }
        inner.ended.notify_waiters();
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
    /// Tickets for terminals of one account: all of them cost, for there is no right or wrong.
    pub run_ticket: Attempts<UserId>,
}

impl Limits {
    /// As the settings say.
    pub fn new(config: &LimitsConfig) -> Self {
        Self {
            login: Attempts::new("too_many_logins", config.login_burst, config.login_per_hour),
            login_address: Attempts::new("too_many_logins", config.login_address_burst, config.login_address_per_hour),
            register: Attempts::new("too_many_registrations", config.register_burst, config.register_per_hour),
            join: Attempts::new("too_many_join_codes", config.join_burst, config.join_per_hour),
            run_ticket: Attempts::new("too_many_run_tickets", config.run_ticket_burst, config.run_tickets_per_hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_attempts_come_back_with_time() {
        let limit = Attempts::new("x", 2, 3600);
        assert!(limit.take("a").await.is_ok() && limit.take("a").await.is_ok());
        let Err(ApiError::TooMany { retry_after, .. }) = limit.take("a").await else { panic!("a third at once") };
        assert_eq!(retry_after, Duration::from_secs(1));
        assert!(limit.take("b").await.is_ok(), "others are not affected");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(limit.take("a").await.is_ok());
        assert!(limit.take("a").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_that_were_right_cost_nothing() {
        let limit = Attempts::new("x", 2, 1);
        for _ in 0..100 {
            limit.take("a").await.expect("left").right();
        }
    }

    /// Twenty at once, each checked for a second: how many were let in.
    async fn at_once(right: bool) -> usize {
        let limit = Attempts::new("x", 3, 1);
        let attempts = (0..20).map(|_| async {
            let Ok(attempt) = limit.take("a").await else { return false };
            tokio::time::sleep(Duration::from_secs(1)).await;
            if right {
                attempt.right();
            }
            true
        });
        futures_util::future::join_all(attempts).await.into_iter().filter(|let_in| *let_in).count()
    }

    #[tokio::test(start_paused = true)]
    async fn many_right_ones_at_once_wait_for_each_other_and_many_wrong_ones_are_refused() {
        assert_eq!(at_once(true).await, 20);
        assert_eq!(at_once(false).await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn its_memory_is_bounded() {
        let limit = Attempts::new("x", 2, 1);
        for key in 0..MOST_BUCKETS * 2 + 10 {
            drop(limit.take(key).await.expect("first of its key"));
        }
        assert!(limit.0.buckets().len() <= MOST_BUCKETS);
    }
}
