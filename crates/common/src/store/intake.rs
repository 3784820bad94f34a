//! How much one account has under way, over all labs.

use sqlx::{PgExecutor, PgTransaction};

use crate::ids::UserId;

/// Makes this transaction the only one that hands in for this account: what it counts stays true until it commits.
/// Taken before [`super::submission::lock`], never after it.
pub async fn lock(tx: &mut PgTransaction<'_>, account: UserId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('intake' || $1::text, 0))", account.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Hand-ins of an account that are not graded yet; validations are not hand-ins.
pub async fn under_way(db: impl PgExecutor<'_>, account: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "n!" from grading_job j join submission s using (submission_id)
           where j.account_id = $1 and j.state in ('queued', 'dispatched', 'running') and s.kind = 'student'"#,
        account.uuid()
    )
    .fetch_one(db)
    .await
}
