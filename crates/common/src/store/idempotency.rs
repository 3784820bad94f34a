//! Answers to requests that a client may send twice. A key lives in the transaction of what it guards: if the work is
//! rolled back, so is the key.

use super::{PgExecutor, PgTransaction};
use crate::ids::UserId;

/// How long a key is remembered.
pub const KEPT_HOURS: i32 = 24;

/// A stored answer.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// SHA-256 of the request that it answers.
    pub request_hash: Vec<u8>,
    /// HTTP status; 0 while the work is under way in the transaction that reads this.
    pub status: i16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body.
    pub body: serde_json::Value,
}

/// Takes the key for this transaction: `None` means it is ours, otherwise the answer that was stored under it.
///
/// A twin that is still at work holds the row; this waits for it to end, at most `wait_ms`, and then fails with
/// PostgreSQL's `lock_not_available` (55P03).
pub async fn claim(
    tx: &mut PgTransaction<'_>,
    account: UserId,
    key: &str,
    request_hash: &[u8],
    wait_ms: u32,
) -> sqlx::Result<Option<StoredAnswer>> {
    sqlx::query!("select set_config('lock_timeout', $1, true)", format!("{wait_ms}ms")).fetch_one(&mut **tx).await?;
    let ours = sqlx::query!(
        "insert into idempotency_key (account_id, key, request_hash, status, body) values ($1, $2, $3, 0, 'null')
         on conflict do nothing",
        account as UserId,
        key,
        request_hash
    )
    .execute(&mut **tx)
    .await?
    .rows_affected()
        == 1;
    sqlx::query!("select set_config('lock_timeout', '0', true)").fetch_one(&mut **tx).await?;
    if ours {
        return Ok(None);
    }
    get(&mut **tx, account, key).await
}

/// The answer stored under a key.
pub async fn get(db: impl PgExecutor<'_>, account: UserId, key: &str) -> sqlx::Result<Option<StoredAnswer>> {
    sqlx::query_as!(
        StoredAnswer,
        "select request_hash, status, location, body from idempotency_key where account_id = $1 and key = $2",
        account as UserId,
        key
    )
    .fetch_optional(db)
    .await
}

/// Stores the answer under a key that this transaction has claimed.
pub async fn store(
    tx: &mut PgTransaction<'_>,
    account: UserId,
    key: &str,
    status: i16,
    location: Option<&str>,
    body: &serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update idempotency_key set status = $3, location = $4, body = $5 where account_id = $1 and key = $2",
        account as UserId,
        key,
        status,
        location,
        body
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets keys older than [`KEPT_HOURS`]; how many.
pub async fn sweep(db: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from idempotency_key where created_at < now() - make_interval(hours => $1)", KEPT_HOURS)
            .execute(db)
            .await?;
    Ok(done.rows_affected())
}
