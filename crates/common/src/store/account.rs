//! Accounts.

use super::{AccountRole, PgExecutor, Time};
use crate::ids::UserId;

/// An account, without its password.
#[derive(Debug, Clone)]
pub struct AccountRow {
    /// Id.
    pub account_id: UserId,
    /// Normalised address.
    pub email: String,
    /// For people.
    pub name: String,
    /// What it may do outside courses.
    pub role: AccountRole,
    /// When it was made.
    pub created_at: Time,
}

/// What a login needs.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Id.
    pub account_id: UserId,
    /// argon2id in PHC string form.
    pub password_hash: String,
}

/// An account that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    /// Id.
    pub id: UserId,
    /// Normalised address.
    pub email: &'a str,
    /// For people.
    pub name: &'a str,
    /// argon2id in PHC string form.
    pub password_hash: &'a str,
    /// What it may do outside courses.
    pub role: AccountRole,
}

/// The unique index on addresses.
pub const EMAIL_CONSTRAINT: &str = "account_email";

/// Adds an account; a second one with the same address breaks [`EMAIL_CONSTRAINT`]. It is at once a student of the courses
/// that it is invited to.
pub async fn insert(db: impl PgExecutor<'_>, new: &NewAccount<'_>) -> sqlx::Result<AccountRow> {
    sqlx::query_as!(
        AccountRow,
        "with new as (
           insert into account (account_id, email, name, password_hash, role) values ($1, $2, $3, $4, $5)
           returning account_id, email, name, role, created_at),
         invited as (
           delete from course_invitation i using new where i.email = lower(new.email) returning i.course_id),
         joined as (
           insert into course_member (course_id, account_id, role) select i.course_id, new.account_id, 'student' from invited i, new)
         select account_id, email, name, role, created_at from new",
        new.id as UserId,
        new.email,
        new.name,
        new.password_hash,
        new.role as AccountRole,
    )
    .fetch_one(db)
    .await
}

/// Adds an account with a role and password, or gives an existing one with that address this name, role and password.
pub async fn upsert(db: impl PgExecutor<'_>, new: &NewAccount<'_>) -> sqlx::Result<AccountRow> {
    sqlx::query_as!(
        AccountRow,
        "insert into account (account_id, email, name, password_hash, role) values ($1, $2, $3, $4, $5)
         on conflict (lower(email)) do update
         set name = excluded.name, role = excluded.role, password_hash = excluded.password_hash
         returning account_id, email, name, role, created_at",
        new.id as UserId,
        new.email,
        new.name,
        new.password_hash,
        new.role as AccountRole,
    )
    .fetch_one(db)
    .await
}

/// The account of this address.
pub async fn by_email(db: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<AccountRow>> {
    sqlx::query_as!(
        AccountRow,
        "select account_id, email, name, role, created_at from account where lower(email) = lower($1)",
        email
    )
    .fetch_optional(db)
    .await
}

/// The account of this id.
pub async fn get(db: impl PgExecutor<'_>, id: UserId) -> sqlx::Result<Option<AccountRow>> {
    sqlx::query_as!(
        AccountRow,
        "select account_id, email, name, role, created_at from account where account_id = $1",
        id as UserId
    )
    .fetch_optional(db)
    .await
}

/// What a login with this address must match.
pub async fn credentials(db: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as!(Credentials, "select account_id, password_hash from account where lower(email) = lower($1)", email)
        .fetch_optional(db)
        .await
}
