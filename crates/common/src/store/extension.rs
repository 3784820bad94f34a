//! Table `extension`: a single student's own dates and attempts.

use jiff::Timestamp;
use sqlx::PgExecutor;

use super::Time;
use crate::ids::{LabId, UserId};

/// What a student is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Instead of the lab's `available_from`.
    pub available_from: Option<Timestamp>,
    /// Instead of the lab's `due_at`.
    pub due_at: Option<Timestamp>,
    /// On top of the lab's `attempts.max`.
    pub extra_attempts: u32,
    /// For the staff.
    pub note: Option<String>,
}

/// A grant and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionRow {
    /// The student.
    pub account: UserId,
    /// Normalised address.
    pub email: String,
    /// For people.
    pub name: String,
    /// What is granted.
    pub grant: Grant,
    /// Who granted it.
    pub granted_by: UserId,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

struct Raw {
    account: UserId,
    email: String,
    name: String,
    available_from: Option<Time>,
    due_at: Option<Time>,
    extra_attempts: i32,
    note: Option<String>,
    granted_by: UserId,
    updated_at: Time,
}

impl From<Raw> for ExtensionRow {
    fn from(raw: Raw) -> Self {
        Self {
            account: raw.account,
            email: raw.email,
            name: raw.name,
            grant: Grant {
                available_from: raw.available_from.map(Time::to_jiff),
                due_at: raw.due_at.map(Time::to_jiff),
                extra_attempts: u32::try_from(raw.extra_attempts).unwrap_or_default(),
                note: raw.note,
            },
            granted_by: raw.granted_by,
            updated_at: raw.updated_at.to_jiff(),
        }
    }
}

/// Grants, instead of what was granted before. Whether there was nothing before.
pub async fn put(
    db: impl PgExecutor<'_>,
    lab: LabId,
    account: UserId,
    grant: &Grant,
    granted_by: UserId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"insert into extension (lab_id, account_id, available_from, due_at, extra_attempts, note, granted_by)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (lab_id, account_id) do update
              set available_from = excluded.available_from, due_at = excluded.due_at,
                  extra_attempts = excluded.extra_attempts, note = excluded.note, granted_by = excluded.granted_by,
                  updated_at = now()
           returning (xmax = 0) as "created!""#,
        lab as _,
        account as _,
        grant.available_from.map(Time::from) as _,
        grant.due_at.map(Time::from) as _,
        i32::try_from(grant.extra_attempts).unwrap_or(i32::MAX),
        grant.note,
        granted_by as _
    )
    .fetch_one(db)
    .await
}

/// Takes back what was granted. `false` if nothing was.
pub async fn delete(db: impl PgExecutor<'_>, lab: LabId, account: UserId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from extension where lab_id = $1 and account_id = $2", lab as _, account as _)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// What a student is granted; nothing, most of the time.
pub async fn grant(db: impl PgExecutor<'_>, lab: LabId, account: UserId) -> sqlx::Result<Grant> {
    Ok(get(db, lab, account).await?.map(|row| row.grant).unwrap_or_default())
}

/// One extension.
pub async fn get(db: impl PgExecutor<'_>, lab: LabId, account: UserId) -> sqlx::Result<Option<ExtensionRow>> {
    let raw = sqlx::query_as!(
        Raw,
        r#"select e.account_id as "account: UserId", a.email, a.name, e.available_from as "available_from: Time",
                  e.due_at as "due_at: Time", e.extra_attempts, e.note, e.granted_by as "granted_by: UserId",
                  e.updated_at as "updated_at: Time"
             from extension e join account a using (account_id)
            where e.lab_id = $1 and e.account_id = $2"#,
        lab as _,
        account as _
    )
    .fetch_optional(db)
    .await?;
    Ok(raw.map(Into::into))
}

/// A lab's extensions in the order in which the accounts were made, those after `after`.
pub async fn page(
    db: impl PgExecutor<'_>,
    lab: LabId,
    after: Option<UserId>,
    limit: i64,
) -> sqlx::Result<Vec<ExtensionRow>> {
    let raw = sqlx::query_as!(
        Raw,
        r#"select e.account_id as "account: UserId", a.email, a.name, e.available_from as "available_from: Time",
                  e.due_at as "due_at: Time", e.extra_attempts, e.note, e.granted_by as "granted_by: UserId",
                  e.updated_at as "updated_at: Time"
             from extension e join account a using (account_id)
            where e.lab_id = $1 and ($2::uuid is null or e.account_id > $2)
            order by e.account_id limit $3"#,
        lab as _,
        after.map(UserId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(raw.into_iter().map(Into::into).collect())
}
