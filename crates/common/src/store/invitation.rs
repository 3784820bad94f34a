//! Table `course_invitation`: students of a roster who have no account yet. [`super::account::insert`] makes members of
//! them. Only students are invited: an address is not proof enough for more.

use super::{PgExecutor, Time};
use crate::ids::{CourseId, UserId};

/// Invites these normalised addresses; how many were not invited already.
pub async fn insert(db: impl PgExecutor<'_>, course: CourseId, emails: &[String], by: UserId) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "insert into course_invitation (course_id, email, invited_by) select $1, email, $3 from unnest($2::text[]) as row (email)
         on conflict do nothing",
        course as CourseId,
        emails,
        by as UserId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Somebody who is invited.
#[derive(Debug, Clone)]
pub struct InvitationRow {
    /// Normalised address.
    pub email: String,
    /// By whom.
    pub invited_by: UserId,
    /// Since when.
    pub invited_at: Time,
}

/// Who is invited to a course, by address, from after `after` on.
pub async fn page(
    db: impl PgExecutor<'_>,
    course: CourseId,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<InvitationRow>> {
    sqlx::query_as!(
        InvitationRow,
        "select email, invited_by, invited_at from course_invitation
          where course_id = $1 and ($2::text is null or email > $2) order by email limit $3",
        course as CourseId,
        after,
        limit
    )
    .fetch_all(db)
    .await
}

/// Takes an invitation back; whether there was one.
pub async fn delete(db: impl PgExecutor<'_>, course: CourseId, email: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("delete from course_invitation where course_id = $1 and email = $2", course as CourseId, email)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}
