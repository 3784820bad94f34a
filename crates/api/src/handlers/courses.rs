//! Courses and who is in them: `/courses/…`.

mod create;
mod invitations;
mod join;
mod members;
mod read;
mod roster;
mod update;

use iteratione_common::{
    ids::CourseId,
    store::{CourseRole, course::CourseRow},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{auth::access::CourseMember, check::Problems, error::FieldProblem, state::AppState};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::create, read::list))
        .routes(routes!(read::get, update::update))
        .routes(routes!(join::join))
        .merge(members::routes())
        .merge(invitations::routes())
}

/// A course, as one of its members sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CourseView {
    /// Id.
    pub id: CourseId,
    /// Short name in addresses; can stand for the id there.
    pub slug: String,
    /// For people.
    pub title: String,
    /// IANA zone in which people see its times.
    pub time_zone: String,
    /// What the viewer may do in it.
    pub role: CourseRole,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whoever knows it can join as a student. Shown to assistants and instructors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_code: Option<String>,
}

impl CourseView {
    fn new(course: CourseRow, role: CourseRole) -> Self {
        Self {
            id: course.course_id,
            slug: course.slug,
            title: course.title,
            time_zone: course.time_zone,
            role,
            created_at: course.created_at.to_jiff(),
            join_code: (role >= CourseRole::Assistant).then_some(course.join_code),
        }
    }
}

impl From<CourseMember> for CourseView {
    fn from(member: CourseMember) -> Self {
        Self::new(member.course, member.role)
    }
}

/// A time zone by its IANA name.
fn check_time_zone(problems: &mut Problems, name: &str) {
    if name.len() > 64 || jiff::tz::TimeZone::get(name).is_err() {
        problems.push(FieldProblem::new("/time_zone", "is not the name of a time zone, such as `Europe/Vienna`"));
    }
}

#[cfg(test)]
mod tests;
