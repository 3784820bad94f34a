//! Who is in a course, and as what.

use super::{CourseRole, PgExecutor, Time};
use crate::ids::{CourseId, UserId};

/// A member of a course.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// Whose account.
    pub account_id: UserId,
    /// Normalised address.
    pub email: String,
    /// For people.
    pub name: String,
    /// As what.
    pub role: CourseRole,
    /// Since when.
    pub joined_at: Time,
}

/// Adds an account to a course unless it is in it; whether it was added.
pub async fn insert(
    db: impl PgExecutor<'_>,
    course: CourseId,
    account: UserId,
    role: CourseRole,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into course_member (course_id, account_id, role) values ($1, $2, $3) on conflict do nothing",
        course as CourseId,
        account as UserId,
        role as CourseRole,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An account that a roster names.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Whose account.
    pub account_id: UserId,
    /// Normalised address.
    pub email: String,
    /// As what it is in the course already.
    pub role: Option<CourseRole>,
}

/// The accounts of these normalised addresses, as they are in the course.
pub async fn candidates(db: impl PgExecutor<'_>, course: CourseId, emails: &[String]) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(
        Candidate,
        r#"select a.account_id, lower(a.email) as "email!", m.role as "role?: CourseRole"
           from account a left join course_member m on m.account_id = a.account_id and m.course_id = $1
           where lower(a.email) = any($2)"#,
        course as CourseId,
        emails
    )
    .fetch_all(db)
    .await
}

/// Gives accounts these roles in a course, as new members or existing ones. `accounts` and `roles` go in pairs.
pub async fn upsert(
    db: impl PgExecutor<'_>,
    course: CourseId,
    accounts: &[UserId],
    roles: &[CourseRole],
) -> sqlx::Result<()> {
    let accounts: Vec<uuid::Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let roles: Vec<String> = roles.iter().map(|r| r.as_str().to_owned()).collect();
    sqlx::query!(
        "insert into course_member (course_id, account_id, role)
         select $1, account_id, role::course_role from unnest($2::uuid[], $3::text[]) as row (account_id, role)
         on conflict (course_id, account_id) do update set role = excluded.role",
        course as CourseId,
        &accounts,
        &roles
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The account's role in a course.
pub async fn role(db: impl PgExecutor<'_>, course: CourseId, account: UserId) -> sqlx::Result<Option<CourseRole>> {
    sqlx::query_scalar!(
        r#"select role as "role: CourseRole" from course_member where course_id = $1 and account_id = $2"#,
        course as CourseId,
        account as UserId
    )
    .fetch_optional(db)
    .await
}

/// One member.
pub async fn get(db: impl PgExecutor<'_>, course: CourseId, account: UserId) -> sqlx::Result<Option<MemberRow>> {
    sqlx::query_as!(
        MemberRow,
        "select m.account_id, a.email, a.name, m.role, m.joined_at
         from course_member m join account a on a.account_id = m.account_id
         where m.course_id = $1 and m.account_id = $2",
        course as CourseId,
        account as UserId
    )
    .fetch_optional(db)
    .await
}

/// The course's members in the order of their accounts, from after `after` on.
pub async fn page(
    db: impl PgExecutor<'_>,
    course: CourseId,
    after: Option<UserId>,
    limit: i64,
) -> sqlx::Result<Vec<MemberRow>> {
    sqlx::query_as!(
        MemberRow,
        "select m.account_id, a.email, a.name, m.role, m.joined_at
         from course_member m join account a on a.account_id = m.account_id
         where m.course_id = $1 and ($2::uuid is null or m.account_id > $2)
         order by m.account_id limit $3",
        course as CourseId,
        after as Option<UserId>,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many instructors the course has.
pub async fn instructors(db: impl PgExecutor<'_>, course: CourseId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "n!" from course_member where course_id = $1 and role = 'instructor'"#,
        course as CourseId
    )
    .fetch_one(db)
    .await
}

/// Removes a member; what they have handed in stays.
pub async fn delete(db: impl PgExecutor<'_>, course: CourseId, account: UserId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from course_member where course_id = $1 and account_id = $2",
        course as CourseId,
        account as UserId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
