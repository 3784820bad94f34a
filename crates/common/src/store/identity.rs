//! Accounts as a provider of single sign-on knows them.

use super::{PgExecutor, PgTransaction};
use crate::{
    ids::UserId,
    store::{AccountRole, account::AccountRow},
};

/// The account of a provider's subject.
pub async fn account(db: impl PgExecutor<'_>, issuer: &str, subject: &str) -> sqlx::Result<Option<AccountRow>> {
    sqlx::query_as!(
        AccountRow,
        "select a.account_id, a.email, a.name, a.role, a.created_at
         from identity i join account a on a.account_id = i.account_id
         where i.issuer = $1 and i.subject = $2",
        issuer,
        subject
    )
    .fetch_optional(db)
    .await
}

/// The primary key of identities.
pub const IDENTITY_CONSTRAINT: &str = "identity_pkey";

/// Ties a provider's subject to an account; a second one for the same subject breaks [`IDENTITY_CONSTRAINT`].
pub async fn insert(db: impl PgExecutor<'_>, issuer: &str, subject: &str, account: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identity (issuer, subject, account_id) values ($1, $2, $3)",
        issuer,
        subject,
        account as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether an account is tied to some subject of the provider.
pub async fn is_tied(db: impl PgExecutor<'_>, issuer: &str, account: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from identity where issuer = $1 and account_id = $2) as "tied!""#,
        issuer,
        account as UserId
    )
    .fetch_one(db)
    .await
}

/// Ends every other way into an account: its password becomes `password_hash`, sessions and tokens end.
pub async fn take_over(tx: &mut PgTransaction<'_>, account: UserId, password_hash: &str) -> sqlx::Result<()> {
    sqlx::query!("update account set password_hash = $2 where account_id = $1", account as UserId, password_hash)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("delete from session where account_id = $1", account as UserId).execute(&mut **tx).await?;
    sqlx::query!("delete from api_token where account_id = $1", account as UserId).execute(&mut **tx).await?;
    Ok(())
}

/// Gives an account a role.
pub async fn set_role(db: impl PgExecutor<'_>, account: UserId, role: AccountRole) -> sqlx::Result<()> {
    sqlx::query!("update account set role = $2 where account_id = $1", account as UserId, role as AccountRole)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that a sign-in came back; `false`: it had come back before.
pub async fn use_state(db: impl PgExecutor<'_>, hash: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!("insert into sign_in_state (state_hash) values ($1) on conflict do nothing", hash)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets sign-ins whose cookies have ended long ago; how many.
pub async fn sweep(db: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from sign_in_state where used_at < now() - interval '1 day'").execute(db).await?;
    Ok(done.rows_affected())
}
