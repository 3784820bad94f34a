//! `POST /labs/{lab}/publish`

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    gate,
    ids::{LabId, SubmissionId, UserId},
    lab::{LabDocument, validate::warnings},
    store::{
        self, LabStatus, PgTransaction, SubmissionKind,
        audit::{self, Action, Entry},
        job::JobClass,
        lab::LabRow,
        submission::NewSubmission,
    },
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    access::LabInstructor,
    auth::Actor,
    error::ApiError,
    extract::{Begun, IdempotencyKey},
    problem::{FieldProblem, Problem},
    state::AppState,
};

/// How publishing stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishAnswer {
    /// The lab.
    pub id: LabId,
    /// `validating` while reference solutions are graded, `published` if there was nothing to do.
    pub status: LabStatus,
    /// The revision that is being published: the newest.
    pub revision: i32,
    /// The submissions by which the reference solutions are graded, in the document's order, then those of the starters.
    pub submissions: Vec<SubmissionId>,
    /// What is allowed, but seldom meant.
    pub warnings: Vec<FieldProblem>,
}

/// Publish the newest revision.
///
/// Its reference solutions are graded first, and must get what they claim; the starter of each language is graded too, and
/// must not pass. The answer comes at once; then `GET /labs/{lab}` tells the `status`, `published` or `rejected`, and `GET
/// /labs/{lab}/validation` what each of them got. Students keep the revision that was published before until then.
#[utoipa::path(
    post, path = "/labs/{lab}/publish", tag = "labs",
    params(("lab" = LabId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 202, body = PublishAnswer, description = "`Location` is the lab"),
        (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
#[tracing::instrument(name = "api.lab.publish", skip_all, fields(lab.id = %member.lab.id, user.id = %member.user()))]
pub(super) async fn publish_lab(
    LabInstructor(member): LabInstructor,
    Actor(actor): Actor,
    key: IdempotencyKey,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let mut work = match key.begin(&state.pg, member.user(), b"").await? {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let id = member.lab.id;
    // From here on neither another PUT nor a validation that ends can come between.
    if !store::lab::lock(work.tx(), id).await? {
        return Err(ApiError::NotFound("lab"));
    }
    let lab = store::lab::get(&mut **work.tx(), id).await?.ok_or(ApiError::NotFound("lab"))?;
    let document = store::lab::document(&mut **work.tx(), lab.newest).await?.ok_or(ApiError::NotFound("lab"))?;
    let warnings = warnings(&document);
    let (status, submissions) = match lab.status {
        LabStatus::Published | LabStatus::Validating => (lab.status, Vec::new()),
        LabStatus::Draft | LabStatus::Rejected => begin(work.tx(), &lab, &document, member.user()).await?,
    };
    let entry = Entry::new(Action::LabPublish).course(lab.course).lab(id);
    let entry = entry.before(json!({"status": lab.status, "revision": lab.published_number}));
    audit::record(work.tx(), &actor, entry.after(json!({"status": status, "revision": lab.newest_number}))).await?;
    let wake = !submissions.is_empty();
    let answer = PublishAnswer { id, status, revision: lab.newest_number, submissions, warnings };
    let response = work.commit(StatusCode::ACCEPTED, Some(&format!("/api/v1/labs/{id}")), &answer).await?;
    if wake {
        state.dispatch.wake();
    }
    Ok(response)
}

/// Hands in each reference solution, and the starters beside them; without any, the lab is published at once.
async fn begin(
    tx: &mut PgTransaction<'static>,
    lab: &LabRow,
    document: &LabDocument,
    publisher: UserId,
) -> Result<(LabStatus, Vec<SubmissionId>), ApiError> {
    store::lab::set_status(&mut **tx, lab.id, LabStatus::Validating, None).await?;
    let entrants = gate::entrants(document);
    if entrants.is_empty() {
        store::validation::settle(tx, lab.newest).await?;
        return Ok((LabStatus::Published, Vec::new()));
    }
    let mut submissions = Vec::with_capacity(entrants.len());
    for entrant in entrants {
        let new = NewSubmission {
            id: SubmissionId::new(),
            lab: lab.id,
            revision: lab.newest,
            account: publisher,
            kind: SubmissionKind::Validation,
            solution: Some(entrant.key),
            language: entrant.language,
            files: entrant.files,
            main: entrant.main,
            late_factor: 1.0,
            class: JobClass::Background,
        };
        store::submission::insert(tx, &new).await?;
        submissions.push(new.id);
    }
    Ok((LabStatus::Validating, submissions))
}
