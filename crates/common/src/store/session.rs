//! Browser sessions. The database's clock decides when one has ended.

use super::{AccountRole, PgExecutor, Time};
use crate::ids::{SessionId, UserId};

/// A live session and whose it is.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// Id.
    pub session_id: SessionId,
    /// Whose.
    pub account_id: UserId,
    /// Normalised address.
    pub email: String,
    /// For people.
    pub name: String,
    /// What the account may do outside courses.
    pub role: AccountRole,
    /// When it ends unless it is renewed.
    pub expires_at: Time,
}

/// Starts a session of `days` days. `token_hash` is the SHA-256 of the cookie's token.
pub async fn insert(
    db: impl PgExecutor<'_>,
    id: SessionId,
    account: UserId,
    token_hash: &[u8],
    days: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into session (session_id, account_id, token_hash, expires_at)
         values ($1, $2, $3, now() + make_interval(days => $4))",
        id as SessionId,
        account as UserId,
        token_hash,
        days
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session of this token, if it has not ended.
pub async fn live(db: impl PgExecutor<'_>, token_hash: &[u8]) -> sqlx::Result<Option<LiveSession>> {
    sqlx::query_as!(
        LiveSession,
        "select s.session_id, s.account_id, a.email, a.name, a.role, s.expires_at
         from session s join account a on a.account_id = s.account_id
         where s.token_hash = $1 and s.expires_at > now()",
        token_hash
    )
    .fetch_optional(db)
    .await
}

/// Lets a session that has less than half of `days` left last `days` from now on.
pub async fn renew(db: impl PgExecutor<'_>, id: SessionId, days: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update session set expires_at = now() + make_interval(days => $2)
         where session_id = $1 and expires_at < now() + make_interval(days => $2) / 2",
        id as SessionId,
        days
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends the session of this token.
pub async fn delete(db: impl PgExecutor<'_>, token_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from session where token_hash = $1", token_hash).execute(db).await?;
    Ok(())
}

/// Forgets sessions that have ended; how many.
pub async fn sweep(db: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from session where expires_at < now()").execute(db).await?.rows_affected())
}
