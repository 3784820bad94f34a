//! Courses.

use super::{CourseRole, PgExecutor, Time};
use crate::ids::{CourseId, UserId};

/// A course.
#[derive(Debug, Clone)]
pub struct CourseRow {
    /// Id.
    pub course_id: CourseId,
    /// Short name in addresses.
    pub slug: String,
    /// For people.
    pub title: String,
    /// Lets any account become a student of it.
    pub join_code: String,
    /// IANA zone in which people see its times.
    pub time_zone: String,
    /// When it was made.
    pub created_at: Time,
}

/// A course and one account's role in it.
#[derive(Debug, Clone)]
pub struct CourseOf {
    /// The course.
    pub course: CourseRow,
    /// `None`: not a member.
    pub role: Option<CourseRole>,
}

/// The unique constraint on slugs.
pub const SLUG_CONSTRAINT: &str = "course_slug";
/// The unique constraint on join codes.
pub const JOIN_CODE_CONSTRAINT: &str = "course_join_code";

/// A course that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct NewCourse<'a> {
    /// Id.
    pub id: CourseId,
    /// Short name in addresses.
    pub slug: &'a str,
    /// For people.
    pub title: &'a str,
    /// Lets any account become a student of it.
    pub join_code: &'a str,
    /// IANA zone in which people see its times.
    pub time_zone: &'a str,
    /// Who makes it.
    pub created_by: UserId,
}

/// Adds a course; the caller adds its first instructor in the same transaction.
pub async fn insert(db: impl PgExecutor<'_>, new: &NewCourse<'_>) -> sqlx::Result<CourseRow> {
    sqlx::query_as!(
        CourseRow,
        "insert into course (course_id, slug, title, join_code, time_zone, created_by) values ($1, $2, $3, $4, $5, $6)
         returning course_id, slug, title, join_code, time_zone, created_at",
        new.id as CourseId,
        new.slug,
        new.title,
        new.join_code,
        new.time_zone,
        new.created_by as UserId,
    )
    .fetch_one(db)
    .await
}

struct Joined {
    course_id: CourseId,
    slug: String,
    title: String,
    join_code: String,
    time_zone: String,
    created_at: Time,
    role: Option<CourseRole>,
}

impl From<Joined> for CourseOf {
    fn from(row: Joined) -> Self {
        let Joined { course_id, slug, title, join_code, time_zone, created_at, role } = row;
        Self { course: CourseRow { course_id, slug, title, join_code, time_zone, created_at }, role }
    }
}

/// The course of this id, as this account is in it.
pub async fn by_id(db: impl PgExecutor<'_>, id: CourseId, account: UserId) -> sqlx::Result<Option<CourseOf>> {
    let row = sqlx::query_as!(
        Joined,
        r#"select c.course_id, c.slug, c.title, c.join_code, c.time_zone, c.created_at,
                  m.role as "role?: CourseRole"
           from course c left join course_member m on m.course_id = c.course_id and m.account_id = $2
           where c.course_id = $1"#,
        id as CourseId,
        account as UserId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// The course of this slug, as this account is in it.
pub async fn by_slug(db: impl PgExecutor<'_>, slug: &str, account: UserId) -> sqlx::Result<Option<CourseOf>> {
    let row = sqlx::query_as!(
        Joined,
        r#"select c.course_id, c.slug, c.title, c.join_code, c.time_zone, c.created_at,
                  m.role as "role?: CourseRole"
           from course c left join course_member m on m.course_id = c.course_id and m.account_id = $2
           where c.slug = $1"#,
        slug,
        account as UserId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// The course of this join code, as this account is in it.
pub async fn by_join_code(db: impl PgExecutor<'_>, code: &str, account: UserId) -> sqlx::Result<Option<CourseOf>> {
    let row = sqlx::query_as!(
        Joined,
        r#"select c.course_id, c.slug, c.title, c.join_code, c.time_zone, c.created_at,
                  m.role as "role?: CourseRole"
           from course c left join course_member m on m.course_id = c.course_id and m.account_id = $2
           where c.join_code = $1"#,
        code,
        account as UserId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// The courses that this account is in, or all of them, newest first, from after `after` on.
pub async fn page(
    db: impl PgExecutor<'_>,
    account: UserId,
    all: bool,
    after: Option<CourseId>,
    limit: i64,
) -> sqlx::Result<Vec<CourseOf>> {
    let rows = sqlx::query_as!(
        Joined,
        r#"select c.course_id, c.slug, c.title, c.join_code, c.time_zone, c.created_at,
                  m.role as "role?: CourseRole"
           from course c left join course_member m on m.course_id = c.course_id and m.account_id = $1
           where ($2 or m.role is not null) and ($3::uuid is null or c.course_id < $3)
           order by c.course_id desc limit $4"#,
        account as UserId,
        all,
        after as Option<CourseId>,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What changes in a course; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    /// For people.
    pub title: Option<&'a str>,
    /// IANA zone.
    pub time_zone: Option<&'a str>,
    /// Lets any account become a student of it.
    pub join_code: Option<&'a str>,
}

/// Changes a course.
pub async fn update(db: impl PgExecutor<'_>, id: CourseId, change: Change<'_>) -> sqlx::Result<CourseRow> {
    sqlx::query_as!(
        CourseRow,
        "update course set title = coalesce($2, title), time_zone = coalesce($3, time_zone),
                join_code = coalesce($4, join_code)
         where course_id = $1
         returning course_id, slug, title, join_code, time_zone, created_at",
        id as CourseId,
        change.title,
        change.time_zone,
        change.join_code
    )
    .fetch_one(db)
    .await
}

/// Keeps the course's members still until the transaction ends: who counts instructors must not be overtaken.
pub async fn lock(db: impl PgExecutor<'_>, id: CourseId) -> sqlx::Result<()> {
    sqlx::query!("select 1 as one from course where course_id = $1 for update", id as CourseId).fetch_one(db).await?;
    Ok(())
}
