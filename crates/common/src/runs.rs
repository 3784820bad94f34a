//! What all runners know together, in Redis: which tickets were used, and how many sessions each account has.
//!
//! A session holds a [`Lease`] of one of its account's places: an entry in the account's sorted set that expires by itself
//! when its runner dies. Whoever holds one never loses it: what Redis forgot is written again by the next renewal. So for
//! some seconds after a loss an account may have more sessions than it should, and no session ends for Redis' sake.
//!
//! Tasks: one per [`Runs`], [`keeper::keep`], which renews what is held and gives back what was dropped; it gives back all
//! at the hard stop, and ends. And one per call of [`Runs::lease`], for as long as Redis takes.

mod keeper;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use redis::Script;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{ids::UserId, lifecycle::Lifecycle, queue::Redis};

static LEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("runs/lua/lease.lua")));

/// When silence is taken for loss.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a lease lives after it was last renewed: the sessions of a runner that was killed count for so long.
    pub life: Duration,
    /// How often leases are renewed.
    pub renew_every: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { life: Duration::from_secs(15), renew_every: Duration::from_secs(5) }
    }
}

/// The runners' end in Redis. Cheap to clone.
#[derive(Clone)]
pub struct Runs(Arc<Shared>);

struct Shared {
    redis: Redis,
    terms: Terms,
    leases: Mutex<Leases>,
    /// Something was dropped.
    dropped: Notify,
    lifecycle: Lifecycle,
}

/// The leases of this process.
#[derive(Default)]
struct Leases {
    held: HashMap<Uuid, UserId>,
    /// Ended, and Redis may not know it yet. After the life of a lease it has forgotten them by itself.
    ended: HashMap<Uuid, (UserId, Instant)>,
}

impl Runs {
    /// Checks the URL; connects when first used, so Redis may be down.
    pub fn connect(redis_url: &str, namespace: &str, terms: Terms, lifecycle: &Lifecycle) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            redis: Redis::new(redis_url, namespace)?,
            terms,
            leases: Mutex::default(),
            dropped: Notify::new(),
            lifecycle: lifecycle.clone(),
        });
        lifecycle.spawn(keeper::keep(Arc::clone(&shared), lifecycle.hard.clone()));
        Ok(Self(shared))
    }

    /// Uses a ticket: `true` the first time, `false` ever after. It is remembered for `life`, which must reach beyond the
    /// ticket's end. After an error the ticket may be used up.
    pub async fn redeem(&self, ticket: Uuid, life: Duration) -> anyhow::Result<bool> {
        let key = self.0.redis.key(format_args!("ticket:{ticket}"));
        let mut connection = self.0.redis.command().await?;
        let first: Option<String> = redis::cmd("SET")
            .arg(key)
            .arg("")
            .arg("NX")
            .arg("PX")
            .arg(millis(life).max(1))
            .query_async(&mut connection)
            .await?;
        Ok(first.is_some())
    }

    /// One of the `limit` places that an account has over all runners; `None` if all are taken.
    pub async fn lease(&self, account: UserId, session: Uuid, limit: u32) -> anyhow::Result<Option<Lease>> {
        // In a task of its own: who does not wait for the answer any more must not leave a place taken. The task gets to
        // know what was taken, and drops it.
        let asking = Arc::clone(&self.0).lease(account, session, limit);
        self.0.lifecycle.spawn(asking).await.context("asking for a place")?
    }

    /// Whether Redis answers; for health checks.
    pub async fn ping(&self) -> anyhow::Result<()> {
        let mut connection = self.0.redis.command().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(())
    }
}

impl Shared {
    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn lease(self: Arc<Self>, account: UserId, session: Uuid, limit: u32) -> anyhow::Result<Option<Lease>> {
        let mut connection = self.redis.command().await?;
        let mut call = LEASE.key(self.sessions_of(account));
        call.arg(session.to_string()).arg(limit).arg(millis(self.terms.life));
        // So that who ends a session can begin the next one at once.
        for ended in self.ended_of(account) {
            call.arg(ended.to_string());
        }
        // Made before Redis is asked: if its answer is lost, dropping it gives back what may have been taken.
        let mut lease = Lease { session, account, shared: Arc::clone(&self), mine: true };
        if call.invoke_async::<u32>(&mut connection).await? == 0 {
            lease.mine = false;
            return Ok(None);
        }
        self.leases().held.insert(session, account);
        Ok(Some(lease))
    }

    fn sessions_of(&self, account: UserId) -> String {
        self.redis.key(format_args!("runs:{account}"))
    }

    fn ended_of(&self, account: UserId) -> Vec<Uuid> {
        self.leases().ended.iter().filter(|(_, (of, _))| *of == account).map(|(session, _)| *session).collect()
    }
}

impl Leases {
    fn end(&mut self, session: Uuid, account: UserId) {
        self.held.remove(&session);
        self.ended.insert(session, (account, Instant::now()));
    }

    fn end_all(&mut self) {
        for (session, account) in std::mem::take(&mut self.held) {
            self.end(session, account);
        }
    }
}

/// One of an account's places, renewed until it is dropped; then it is given back in the background.
pub struct Lease {
    session: Uuid,
    account: UserId,
    shared: Arc<Shared>,
    /// Whether there may be something to give back.
    mine: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.mine {
            self.shared.leases().end(self.session, self.account);
            self.shared.dropped.notify_one();
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("session", &self.session).finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
