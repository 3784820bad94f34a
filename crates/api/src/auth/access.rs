//! Rights in a course, as extractors that return what a handler needs anyway and so cannot be forgotten.
//!
//! Who is no member does not learn that the course exists: 404. Who is one but may not do this gets 403. Admins count
//! as instructors everywhere.

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams},
    http::request::Parts,
};
use iteratione_common::{
    ids::CourseId,
    store::{
        CourseRole,
        course::{self, CourseOf, CourseRow},
    },
};

use super::CurrentUser;
use crate::{error::ApiError, state::AppState};

/// Somebody who may see the course named by `{course}` in the path, by id or slug.
#[derive(Debug, Clone)]
pub struct CourseMember {
    /// Who asks.
    pub user: CurrentUser,
    /// The course.
    pub course: CourseRow,
    /// As what.
    pub role: CourseRole,
}

/// A member who sees everybody's work: an assistant or an instructor.
#[derive(Debug, Clone)]
pub struct CourseStaff(pub CourseMember);

/// A member who changes the course.
#[derive(Debug, Clone)]
pub struct CourseInstructor(pub CourseMember);

/// Somebody who may do everything.
#[derive(Debug, Clone)]
pub struct Admin(pub CurrentUser);

impl<S: Send + Sync> FromRequestParts<S> for Admin
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        if user.is_admin() { Ok(Self(user)) } else { Err(ApiError::Forbidden("Only admins may do this.")) }
    }
}

impl CourseMember {
    /// The user's place in a course found otherwise than by the path, e.g. through a lab; 404 if there is none.
    /// `thing` is what the path names: "lab", "submission".
    pub async fn of(
        state: &AppState,
        user: CurrentUser,
        course: CourseId,
        thing: &'static str,
    ) -> Result<Self, ApiError> {
        let found = course::by_id(&state.pg, course, user.id).await?;
        Self::new(user, found, thing)
    }

    fn new(user: CurrentUser, found: Option<CourseOf>, thing: &'static str) -> Result<Self, ApiError> {
        let CourseOf { course, role } = found.ok_or(ApiError::NotFound(thing))?;
        let role = effective(&user, role).ok_or(ApiError::NotFound(thing))?;
        Ok(Self { user, course, role })
    }

    /// Whether the member sees everybody's work.
    pub fn is_staff(&self) -> bool {
        self.role >= CourseRole::Assistant
    }

    /// Whether the member changes the course.
    pub fn is_instructor(&self) -> bool {
        self.role >= CourseRole::Instructor
    }

    /// The member as staff, or 403.
    pub fn staff(self) -> Result<CourseStaff, ApiError> {
        if self.is_staff() {
            Ok(CourseStaff(self))
        } else {
            Err(ApiError::Forbidden("Only assistants and instructors of the course may do this."))
        }
    }

    /// The member as instructor, or 403.
    pub fn instructor(self) -> Result<CourseInstructor, ApiError> {
        if self.is_instructor() {
            Ok(CourseInstructor(self))
        } else {
            Err(ApiError::Forbidden("Only instructors of the course may do this."))
        }
    }
}

/// The role that counts: an admin is an instructor of every course.
pub fn effective(user: &CurrentUser, role: Option<CourseRole>) -> Option<CourseRole> {
    if user.is_admin() { Some(CourseRole::Instructor) } else { role }
}

impl<S: Send + Sync> FromRequestParts<S> for CourseMember
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::BadRequest("The path is not UTF-8.".to_owned()))?;
        let (_, named) = params
            .iter()
            .find(|(name, _)| *name == "course")
            .ok_or_else(|| anyhow::anyhow!("the route has no {{course}}"))?;
        let pg = AppState::from_ref(state).pg;
        let found = match named.parse::<CourseId>() {
            Ok(id) => course::by_id(&pg, id, user.id).await?,
            Err(_) if crate::check::is_slug(named) => course::by_slug(&pg, named, user.id).await?,
            Err(_) => None,
        };
        Self::new(user, found, "course")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CourseStaff
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        CourseMember::from_request_parts(parts, state).await?.staff()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CourseInstructor
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        CourseMember::from_request_parts(parts, state).await?.instructor()
    }
}
