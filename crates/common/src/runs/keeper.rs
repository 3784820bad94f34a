//! The one task that keeps this process' leases, for all sessions together.
//!
//! All its calls come one after another, so that no renewal can overtake what gives back the same lease. A call that was
//! given up may still reach Redis later, which then believes in a session that is over until its lease expires.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use redis::Script;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Shared, millis};
use crate::ids::UserId;

static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/renew.lua")));

/// For the last words at the end.
const GOODBYE: Duration = Duration::from_secs(2);

pub(super) async fn keep(shared: Arc<Shared>, hard: CancellationToken) {
    let mut ticks = tokio::time::interval(shared.terms.renew_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let renew = tokio::select! {
            () = hard.cancelled() => break,
            _ = ticks.tick() => true,
            () = shared.dropped.notified() => false,
        };
        let pass = async {
            give_back(&shared).await?;
            if renew { renew_all(&shared).await } else { Ok(()) }
        };
        // Not raced against the stop: a renewal that is dropped on its way could overtake the last words.
        match pass.await {
            Ok(()) if std::mem::take(&mut failing) => tracing::info!("sessions are known to Redis again"),
            Ok(()) => {}
            Err(error) => {
                metrics::counter!("iteratione_runner_lease_errors_total").increment(1);
                if !failing {
                    tracing::warn!(error = %format!("{error:#}"), "cannot renew sessions in Redis, trying on");
                }
                failing = true;
            }
        }
    }
    shared.leases().end_all();
    if !matches!(tokio::time::timeout(GOODBYE, give_back(&shared)).await, Ok(Ok(()))) {
        tracing::warn!("sessions that have ended count for some seconds more");
    }
}

/// Tells Redis which sessions are over.
async fn give_back(shared: &Shared) -> anyhow::Result<()> {
    let now = Instant::now();
    let ended: Vec<(Uuid, UserId)> = {
        let mut leases = shared.leases();
        // Twice: the last renewal may have been on its way when the session ended.
        leases.ended.retain(|_, (_, at)| now.saturating_duration_since(*at) < 2 * shared.terms.life);
        leases.ended.iter().map(|(session, (account, _))| (*session, *account)).collect()
    };
    if ended.is_empty() {
        return Ok(());
    }
    let mut connection = shared.redis.command().await?;
    let mut pipe = redis::pipe();
    for (session, account) in &ended {
        pipe.zrem(shared.sessions_of(*account), session.to_string()).ignore();
    }
    pipe.query_async::<()>(&mut connection).await?;
    let mut leases = shared.leases();
    for (session, _) in &ended {
        leases.ended.remove(session);
    }
    Ok(())
}

/// Says that all held sessions live.
async fn renew_all(shared: &Shared) -> anyhow::Result<()> {
    let held: Vec<(Uuid, UserId)> = shared.leases().held.iter().map(|(s, a)| (*s, *a)).collect();
    if held.is_empty() {
        return Ok(());
    }
    let mut call = RENEW.arg(millis(shared.terms.life));
    for (session, account) in held {
        call.key(shared.sessions_of(account)).arg(session.to_string());
    }
    let mut connection = shared.redis.command().await?;
    call.invoke_async::<u64>(&mut connection).await?;
    Ok(())
}
