//! What counts: one submission of each student for each lab (view `counting_submission`).

use jiff::Timestamp;
use sqlx::{PgExecutor, types::Json};

use crate::{
    ids::{CourseId, LabId, SubmissionId, UserId},
    store::lab::Head,
    verdict::Verdict,
};

/// A published lab: a column of the gradebook.
#[derive(Debug, Clone)]
pub struct Column {
    /// The lab.
    pub lab: LabId,
    /// Its address in the course.
    pub slug: String,
    /// `best` or `last`.
    pub counting: String,
    /// The head of the published document.
    pub head: Head,
}

/// A course's published labs in the order in which they were made.
pub async fn columns(db: impl PgExecutor<'_>, course: CourseId, limit: i64) -> sqlx::Result<Vec<Column>> {
    let rows = sqlx::query!(
        r#"select l.lab_id, l.slug, r.counting as "counting!",
                  jsonb_build_object(
                    'title', r.document->'title', 'languages', r.document->'languages',
                    'available_from', r.document->'available_from', 'due_at', r.document->'due_at',
                    'max_score', (select coalesce(sum((g->>'points')::double precision), 0)
                                  from jsonb_array_elements(r.document->'groups') g)
                  ) as "head!: Json<Head>"
             from lab l join lab_revision r on r.revision_id = l.published_revision_id
            where l.course_id = $1 and l.deleted_at is null order by l.lab_id limit $2"#,
        course as _,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Column { lab: row.lab_id, slug: row.slug, counting: row.counting, head: row.head.0 })
        .collect())
}

/// A student: a row of the gradebook.
#[derive(Debug, Clone)]
pub struct Student {
    /// Account.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// For people.
    pub name: String,
}

/// A course's students in the order of their accounts: all of them or one, from after `after` on.
pub async fn students(
    db: impl PgExecutor<'_>,
    course: CourseId,
    only: Option<UserId>,
    after: Option<UserId>,
    limit: i64,
) -> sqlx::Result<Vec<Student>> {
    let rows = sqlx::query!(
        "select a.account_id, a.email, a.name from course_member m join account a using (account_id)
          where m.course_id = $1 and m.role = 'student' and ($2::uuid is null or m.account_id = $2)
            and ($3::uuid is null or m.account_id > $3)
          order by m.account_id limit $4",
        course as _,
        only as _,
        after as _,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| Student { id: row.account_id, email: row.email, name: row.name }).collect())
}

/// What counts of one student for one lab.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Whose.
    pub account: UserId,
    /// For which lab.
    pub lab: LabId,
    /// The submission that counts.
    pub submission: SubmissionId,
    /// Its verdict.
    pub verdict: Verdict,
    /// Points before the late factor.
    pub score: f64,
    /// Points that it could have had.
    pub max_score: f64,
    /// Multiplies the score.
    pub late_factor: f64,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When a rejudge replaced its grade.
    pub regraded_at: Option<Timestamp>,
}

/// What counts of these students for these labs.
pub async fn cells(db: impl PgExecutor<'_>, labs: &[LabId], accounts: &[UserId]) -> sqlx::Result<Vec<Cell>> {
    let labs: Vec<_> = labs.iter().map(|id| id.uuid()).collect();
    let accounts: Vec<_> = accounts.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select s.account_id, s.lab_id, s.submission_id, s.verdict as "verdict!", s.score as "score!",
                  s.max_score as "max_score!", s.late_factor, s.created_at, s.regraded_at
             from counting_submission c join submission s on s.submission_id = c.submission_id
            where c.lab_id = any($1) and c.account_id = any($2)"#,
        &labs,
        &accounts
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Cell {
            account: row.account_id,
            lab: row.lab_id,
            submission: row.submission_id,
            verdict: row.verdict,
            score: row.score,
            max_score: row.max_score,
            late_factor: row.late_factor,
            created_at: row.created_at.to_jiff(),
            regraded_at: row.regraded_at.map(super::Time::to_jiff),
        })
        .collect())
}
