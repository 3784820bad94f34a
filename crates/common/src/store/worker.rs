//! Table `worker`: the graders that are alive. It tells how many slots there are, and by which settings jobs are
//! dispatched and given up: those of the graders, so that no other service has to know them.

use sqlx::PgExecutor;

use crate::ids::WorkerId;

/// What a grader says about itself.
#[derive(Debug, Clone)]
pub struct Worker {
    /// New at each start.
    pub id: WorkerId,
    /// Where it runs, for people.
    pub host: String,
    /// Jobs it runs at once.
    pub slots: i32,
    /// Live jobs that each account may have, however few slots there are.
    pub per_account: i32,
    /// Tries of a job before it is given up.
    pub max_attempts: i32,
}

/// Says that the grader is alive; to be repeated every few seconds. It counts for 20 s.
pub async fn beat(db: impl PgExecutor<'_>, worker: &Worker) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into worker (worker_id, host, slots, per_account, max_attempts) values ($1, $2, $3, $4, $5)
         on conflict (worker_id) do update set seen_at = now(), slots = excluded.slots",
        worker.id as _,
        worker.host,
        worker.slots,
        worker.per_account,
        worker.max_attempts
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The grader takes nothing more: dispatchers stop counting its slots.
pub async fn leave(db: impl PgExecutor<'_>, id: WorkerId) -> sqlx::Result<()> {
    sqlx::query!("delete from worker where worker_id = $1", id as _).execute(db).await?;
    Ok(())
}

/// Removes graders that have said nothing for a minute; returns how many.
pub async fn forget_dead(db: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from worker where seen_at < now() - interval '1 minute'").execute(db).await?;
    Ok(done.rows_affected())
}
