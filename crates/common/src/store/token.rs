//! API tokens. Only their SHA-256 is stored.

use super::{AccountRole, PgExecutor, Time};
use crate::ids::{TokenId, UserId};

/// A token, without what it is.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Id.
    pub token_id: TokenId,
    /// For people.
    pub name: String,
    /// What it may do; empty for all.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When it was last used, to within a minute.
    pub last_used_at: Option<Time>,
}

/// A live token and whose it is.
#[derive(Debug, Clone)]
pub struct LiveToken {
    /// Id.
    pub token_id: TokenId,
    /// Whose.
    pub account_id: UserId,
    /// Normalised address.
    pub email: String,
    /// For people.
    pub name: String,
    /// What the account may do outside courses.
    pub role: AccountRole,
    /// What the token may do; empty for all.
    pub scopes: Vec<String>,
    /// When it was last used, to within a minute.
    pub last_used_at: Option<Time>,
}

/// A token that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// Id.
    pub id: TokenId,
    /// Whose.
    pub account: UserId,
    /// For people.
    pub name: &'a str,
    /// SHA-256 of the token.
    pub hash: &'a [u8],
    /// What it may do; empty for all.
    pub scopes: &'a [String],
    /// When it ends.
    pub expires_at: Option<Time>,
}

/// Adds a token.
pub async fn insert(db: impl PgExecutor<'_>, new: &NewToken<'_>) -> sqlx::Result<TokenRow> {
    sqlx::query_as!(
        TokenRow,
        "insert into api_token (token_id, account_id, name, token_hash, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6)
         returning token_id, name, scopes, created_at, expires_at, last_used_at",
        new.id as TokenId,
        new.account as UserId,
        new.name,
        new.hash,
        new.scopes,
        new.expires_at as Option<Time>,
    )
    .fetch_one(db)
    .await
}

/// The token of this hash, if it has not ended.
pub async fn live(db: impl PgExecutor<'_>, hash: &[u8]) -> sqlx::Result<Option<LiveToken>> {
    sqlx::query_as!(
        LiveToken,
        "select t.token_id, t.account_id, a.email, a.name, a.role, t.scopes, t.last_used_at
         from api_token t join account a on a.account_id = t.account_id
         where t.token_hash = $1 and (t.expires_at is null or t.expires_at > now())",
        hash
    )
    .fetch_optional(db)
    .await
}

/// Notes that a token was used; writes at most once a minute.
pub async fn touch(db: impl PgExecutor<'_>, id: TokenId) -> sqlx::Result<()> {
    sqlx::query!(
        "update api_token set last_used_at = now()
         where token_id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')",
        id as TokenId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The account's tokens, newest first, from after `after` on.
pub async fn page(
    db: impl PgExecutor<'_>,
    account: UserId,
    after: Option<TokenId>,
    limit: i64,
) -> sqlx::Result<Vec<TokenRow>> {
    sqlx::query_as!(
        TokenRow,
        "select token_id, name, scopes, created_at, expires_at, last_used_at from api_token
         where account_id = $1 and ($2::uuid is null or token_id < $2)
         order by token_id desc limit $3",
        account as UserId,
        after as Option<TokenId>,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many tokens the account has.
pub async fn count(db: impl PgExecutor<'_>, account: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "n!" from api_token where account_id = $1"#, account as UserId)
        .fetch_one(db)
        .await
}

/// Ends a token of the account; whether there was one.
pub async fn delete(db: impl PgExecutor<'_>, account: UserId, id: TokenId) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("delete from api_token where account_id = $1 and token_id = $2", account as UserId, id as TokenId)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}
