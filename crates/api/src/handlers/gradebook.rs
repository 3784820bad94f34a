//! Grades of a course: the whole gradebook for staff, their own row for students.

mod all;
mod csv;
mod own;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use iteratione_common::{
    ids::{CourseId, LabId, SubmissionId, UserId},
    store::{
        self, PgPool,
        gradebook::{Cell, Column, Student},
    },
    verdict::Verdict,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{error::ApiError, state::AppState, visibility::late};

/// Labs in one gradebook.
const MOST_LABS: i64 = 300;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(all::get_gradebook)).routes(routes!(own::get_own_grades))
}

/// A published lab, which is a column.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GradebookLab {
    /// Its id.
    pub id: LabId,
    /// Its address in the course.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Points that can be had.
    pub max_score: f64,
    /// `best` or `last`: which submission counts.
    pub counting: String,
    /// Deadline.
    pub due_at: Option<Timestamp>,
}

/// What counts of a student for a lab.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct GradeCell {
    /// The lab.
    pub lab: LabId,
    /// Points after the late factor; null without a submission that counts.
    pub score: Option<f64>,
    /// Points before it.
    pub raw_score: Option<f64>,
    /// Points that could be had by the submission.
    pub max_score: Option<f64>,
    /// The submission that counts.
    pub submission: Option<SubmissionId>,
    /// Its verdict.
    pub verdict: Option<Verdict>,
    /// When it was handed in.
    pub submitted_at: Option<Timestamp>,
    /// Whether lateness cost points.
    pub late: Option<bool>,
    /// What lateness leaves of the points.
    pub late_factor: Option<f64>,
    /// When a rejudge last replaced its grade.
    pub regraded_at: Option<Timestamp>,
}

/// A student, who is a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GradebookRow {
    /// Account.
    pub user: UserId,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// One per lab, in the order of the labs.
    pub labs: Vec<GradeCell>,
    /// Sum of the scores.
    pub total: f64,
    /// Sum of what can be had.
    pub max_total: f64,
}

/// The columns of a course.
async fn labs(pg: &PgPool, course: CourseId) -> Result<Vec<GradebookLab>, ApiError> {
    let columns = store::gradebook::columns(pg, course, MOST_LABS).await?;
    let lab = |Column { lab, slug, counting, head }: Column| GradebookLab {
        id: lab,
        slug,
        title: head.title,
        max_score: head.max_score,
        counting,
        due_at: head.due_at,
    };
    Ok(columns.into_iter().map(lab).collect())
}

/// The rows of some students.
async fn rows(pg: &PgPool, labs: &[GradebookLab], students: Vec<Student>) -> Result<Vec<GradebookRow>, ApiError> {
    let ids: Vec<LabId> = labs.iter().map(|lab| lab.id).collect();
    let accounts: Vec<UserId> = students.iter().map(|student| student.id).collect();
    let cells = store::gradebook::cells(pg, &ids, &accounts).await?;
    let cells: HashMap<(UserId, LabId), Cell> =
        cells.into_iter().map(|cell| ((cell.account, cell.lab), cell)).collect();
    Ok(students.into_iter().map(|student| row(student, labs, &cells)).collect())
}

fn row(student: Student, labs: &[GradebookLab], cells: &HashMap<(UserId, LabId), Cell>) -> GradebookRow {
    let cell = |lab: &GradebookLab| {
        let counted = cells.get(&(student.id, lab.id));
        GradeCell {
            lab: lab.id,
            score: counted.map(|c| late(c.score, c.late_factor)),
            raw_score: counted.map(|c| c.score),
            max_score: counted.map(|c| c.max_score),
            submission: counted.map(|c| c.submission),
            verdict: counted.map(|c| c.verdict),
            submitted_at: counted.map(|c| c.created_at),
            late: counted.map(|c| c.late_factor < 1.0),
            late_factor: counted.map(|c| c.late_factor),
            regraded_at: counted.and_then(|c| c.regraded_at),
        }
    };
    let mine: Vec<GradeCell> = labs.iter().map(cell).collect();
    GradebookRow {
        user: student.id,
        total: late(sum(mine.iter().filter_map(|c| c.score)), 1.0),
        max_total: late(sum(labs.iter().map(|lab| lab.max_score)), 1.0),
        email: student.email,
        name: student.name,
        labs: mine,
    }
}

/// From a positive zero: that of no numbers would be written as `-0`.
fn sum(points: impl Iterator<Item = f64>) -> f64 {
    points.fold(0.0, |sum, points| sum + points)
}
