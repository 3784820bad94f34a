//! Rights of assistants and instructors to labs, submissions and rejudge sets.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use iteratione_common::{
    ids::RejudgeId,
    store::{self, SubmissionKind, rejudge::Place},
};
use serde::Deserialize;

use super::{LabMember, SubmissionViewer};
use crate::{
    auth::{CurrentUser, access::CourseMember},
    error::ApiError,
    extract::PathOf,
    state::AppState,
    visibility::Viewer,
};

const STAFF_ONLY: ApiError = ApiError::Forbidden("Only assistants and instructors of the course may do this.");

/// An assistant or instructor of the lab's course.
#[derive(Debug)]
pub struct LabStaff(pub LabMember);

impl<S: Send + Sync> FromRequestParts<S> for LabStaff
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let member = LabMember::from_request_parts(parts, state).await?;
        if member.is_staff() { Ok(Self(member)) } else { Err(STAFF_ONLY) }
    }
}

/// An assistant or instructor who looks at a student's submission. Others who may see it get 403; what is no student's,
/// such as a reference solution, is not there.
#[derive(Debug)]
pub struct SubmissionStaff(pub SubmissionViewer);

impl<S: Send + Sync> FromRequestParts<S> for SubmissionStaff
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let who = SubmissionViewer::from_request_parts(parts, state).await?;
        if who.viewer != Viewer::Staff {
            return Err(STAFF_ONLY);
        }
        if who.submission.kind != SubmissionKind::Student {
            return Err(ApiError::NotFound("submission"));
        }
        Ok(Self(who))
    }
}

/// An assistant or instructor of the course of the rejudge set in the path (`{rejudge}`), also of one whose lab was
/// deleted.
#[derive(Debug)]
pub struct RejudgeStaff {
    /// Who asks, and their place in the course.
    pub member: CourseMember,
    /// The set.
    pub id: RejudgeId,
    /// Where it belongs.
    pub place: Place,
}

impl RejudgeStaff {
    /// Fails unless they are an instructor: grades change.
    pub fn instructor(self) -> Result<Self, ApiError> {
        if self.member.is_instructor() {
            Ok(self)
        } else {
            Err(ApiError::Forbidden("Only instructors of the course may do this."))
        }
    }
}

#[derive(Deserialize)]
struct RejudgePath {
    rejudge: RejudgeId,
}

impl<S: Send + Sync> FromRequestParts<S> for RejudgeStaff
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        const NONE: ApiError = ApiError::NotFound("rejudge");
        let user = CurrentUser::from_request_parts(parts, state).await?;
        let PathOf(RejudgePath { rejudge }) = PathOf::from_request_parts(parts, state).await.map_err(|_| NONE)?;
        let state = AppState::from_ref(state);
        let place = store::rejudge::place(&state.pg, rejudge).await?.ok_or(NONE)?;
        let member = CourseMember::of(&state, user, place.course, "rejudge").await?;
        // Students do not learn that there is one.
        if member.is_staff() { Ok(Self { member, id: rejudge, place }) } else { Err(NONE) }
    }
}
