//! Rights to labs and submissions, as extractors: a handler that takes one cannot forget to ask.
//!
//! What somebody may not know of does not exist for them (404); what they see but may not change is forbidden (403).

mod staff;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use iteratione_common::{
    ids::{LabId, RevisionId, SubmissionId, UserId},
    store::{self, PgPool, SubmissionKind, lab::LabRow, submission::SubmissionRow},
};
use serde::Deserialize;

pub use self::staff::{LabStaff, RejudgeStaff, SubmissionStaff};
use crate::{
    auth::{CurrentUser, access::CourseMember},
    error::ApiError,
    extract::PathOf,
    state::AppState,
    visibility::{Cut, Viewer},
};

/// A member of the lab's course (`{lab}` in the path) who may know of the lab: students only once it is published.
#[derive(Debug)]
pub struct LabMember {
    /// Who asks, and their place in the course.
    pub member: CourseMember,
    /// The lab.
    pub lab: LabRow,
    /// The revision that they see: staff the newest, students the published one.
    pub revision: RevisionId,
    /// Its number.
    pub revision_number: i32,
}

impl LabMember {
    /// Whether they see everything.
    pub fn is_staff(&self) -> bool {
        self.member.is_staff()
    }

    /// Who asks.
    pub fn user(&self) -> UserId {
        self.member.user.id
    }
}

#[derive(Deserialize)]
struct LabPath {
    lab: LabId,
}

impl<S: Send + Sync> FromRequestParts<S> for LabMember
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        const NONE: ApiError = ApiError::NotFound("lab");
        let user = CurrentUser::from_request_parts(parts, state).await?;
        let PathOf(LabPath { lab }) = PathOf::from_request_parts(parts, state).await.map_err(|_| NONE)?;
        let state = AppState::from_ref(state);
        let lab = store::lab::get(&state.pg, lab).await?.ok_or(NONE)?;
        let member = CourseMember::of(&state, user, lab.course, "lab").await?;
        let (revision, revision_number) = if member.is_staff() {
            (lab.newest, lab.newest_number)
        } else {
            lab.published.zip(lab.published_number).ok_or(NONE)?
        };
        Ok(Self { member, lab, revision, revision_number })
    }
}

/// An instructor of the lab's course.
#[derive(Debug)]
pub struct LabInstructor(pub LabMember);

impl<S: Send + Sync> FromRequestParts<S> for LabInstructor
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let member = LabMember::from_request_parts(parts, state).await?;
        if !member.member.is_instructor() {
            return Err(ApiError::Forbidden("Only instructors of the course may do this."));
        }
        Ok(Self(member))
    }
}

/// Somebody who may see the submission in the path (`{submission}`): its owner while a member, and staff.
#[derive(Debug)]
pub struct SubmissionViewer {
    /// Who asks.
    pub user: UserId,
    /// How much they may see.
    pub viewer: Viewer,
    /// The submission.
    pub submission: SubmissionRow,
}

impl SubmissionViewer {
    /// What cuts its result to what they may see.
    pub async fn cut(&self, pg: &PgPool) -> Result<Cut, ApiError> {
        Ok(match self.viewer {
            Viewer::Staff => Cut::nothing(),
            Viewer::Owner => {
                let SubmissionRow { revision, language, .. } = &self.submission;
                Cut::for_owner(store::lab::outline(pg, *revision, language).await?)
            }
        })
    }
}

#[derive(Deserialize)]
struct SubmissionPath {
    submission: SubmissionId,
}

impl<S: Send + Sync> FromRequestParts<S> for SubmissionViewer
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        const NONE: ApiError = ApiError::NotFound("submission");
        let user = CurrentUser::from_request_parts(parts, state).await?;
        let PathOf(SubmissionPath { submission }) = PathOf::from_request_parts(parts, state).await.map_err(|_| NONE)?;
        let state = AppState::from_ref(state);
        let submission = store::submission::get(&state.pg, submission).await?.ok_or(NONE)?;
        let member = CourseMember::of(&state, user, submission.course, "submission").await?;
        // A reference solution belongs to the course, whoever pressed publish.
        let own = submission.account == member.user.id && submission.kind == SubmissionKind::Student;
        let viewer = match member.is_staff() {
            true => Viewer::Staff,
            false if own => Viewer::Owner,
            false => return Err(NONE),
        };
        Ok(Self { user: member.user.id, viewer, submission })
    }
}
