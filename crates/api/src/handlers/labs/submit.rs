//! `POST /labs/{lab}/submissions`

use std::time::Duration;

use axum::{
    extract::{FromRef, FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use iteratione_common::{
    ids::{LabId, SubmissionId, UserId},
    lab::{SourceFile, bucket},
    language::Languages,
    sources,
    store::{self, PgTransaction, SubmissionKind, job::JobClass, lab::Rules, submission::NewSubmission},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use super::deadline::late_factor;
use crate::{
    access::LabMember,
    error::ApiError,
    extract::{Begun, Idempotent},
    problem::{FieldProblem, Problem},
    state::AppState,
    visibility::{Cut, SubmissionView},
};

/// What is handed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"language": "python", "files": [{"name": "main.py", "content": "print(sum(map(int, input().split())))\n"}]}))]
pub struct HandIn {
    /// One of the lab's languages.
    pub language: String,
    /// Flat files.
    #[schema(min_items = 1, max_items = 100)]
    pub files: Vec<SourceFile>,
    /// The entry point, where there are several: a class or a file, as the language has it.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub main: Option<String>,
}

/// When the server received the head of the request. Deadlines go by it: a slow upload is not late.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedAt(pub Timestamp);

impl<S: Send + Sync> FromRequestParts<S> for ReceivedAt
where
    AppState: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(AppState::from_ref(state).clock.now()))
    }
}

/// Hand in.
///
/// The answer comes as soon as the submission is stored; follow `GET /submissions/{id}/events` from there. Instructor's
/// files may be sent along and are replaced by the instructor's own. Deadlines and numbers of attempts bind students;
/// staff may try drafts.
#[utoipa::path(
    post, path = "/labs/{lab}/submissions", tag = "submissions",
    params(("lab" = LabId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = HandIn,
    responses(
        (status = 202, body = SubmissionView, description = "Queued; `Location` is the submission"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_available_yet`, `deadline_passed`, `attempts_exhausted`"),
        (status = 413, body = Problem),
        (status = 422, body = Problem, description = "All that is wrong, in `errors`"),
        (status = 429, body = Problem, description = "`too_many_submissions`, `too_many_queued`; see `Retry-After`"),
    )
)]
#[tracing::instrument(name = "api.submission.create", skip_all, fields(lab.id = %member.lab.id, user.id = %member.user(), submission.id))]
pub(super) async fn submit(
    ReceivedAt(now): ReceivedAt,
    member: LabMember,
    State(state): State<AppState>,
    request: Idempotent<HandIn>,
) -> Result<Response, ApiError> {
    let (begun, hand_in) = request.begin(&state.pg, member.user()).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let rules = store::lab::rules(&mut **work.tx(), member.revision).await?.ok_or(ApiError::NotFound("lab"))?;
    let rules = rules.with(&store::extension::grant(&mut **work.tx(), member.lab.id, member.user()).await?);
    let late_factor = if member.is_staff() { 1.0 } else { late_factor(&rules, now)? };
    ApiError::if_any(problems(&hand_in, &rules, &state.languages))?;

    store::intake::lock(work.tx(), member.user()).await?;
    let under_way = store::intake::under_way(&mut **work.tx(), member.user()).await?;
    if under_way >= state.config.api.limits.submissions_under_way {
        return Err(ApiError::TooMany { code: "too_many_queued", retry_after: QUEUE_RETRY });
    }
    if !member.is_staff() {
        attempts_left(work.tx(), member.lab.id, member.user(), &rules, state.clock.now()).await?;
    }

    let new = NewSubmission {
        id: SubmissionId::new(),
        lab: member.lab.id,
        revision: member.revision,
        account: member.user(),
        kind: SubmissionKind::Student,
        solution: None,
        language: hand_in.language,
        files: hand_in.files,
        main: hand_in.main,
        late_factor,
        class: JobClass::Submission,
    };
    tracing::Span::current().record("submission.id", tracing::field::display(new.id));
    store::submission::insert(work.tx(), &new).await?;
    let position = store::submission::queue_position(&mut **work.tx(), new.id).await?;
    let row = store::submission::get(&mut **work.tx(), new.id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("a submission is gone within its own transaction"))?;
    // There is no result yet, so there is nothing to cut.
    let view = Cut::nothing().submission(row, position);
    let location = format!("/api/v1/submissions/{}", new.id);
    let response = work.commit(StatusCode::ACCEPTED, Some(&location), &view).await?;
    state.dispatch.wake();
    metrics::counter!("iteratione_submissions_total", "language" => new.language).increment(1);
    Ok(response)
}

/// When to come back with a full queue: grading one takes seconds.
const QUEUE_RETRY: Duration = Duration::from_secs(5);

/// All that is wrong with a hand-in.
fn problems(hand_in: &HandIn, rules: &Rules, languages: &Languages) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if hand_in.main.as_deref().is_some_and(|main| !sources::may_be_main(main)) {
        let most = sources::MAIN_CHARS;
        found.push(FieldProblem::new("/main", format!("must be one line of at most {most} characters")));
    }
    let language = languages.get(&hand_in.language).filter(|_| rules.languages.contains(&hand_in.language));
    let Some(language) = language else {
        found.push(FieldProblem::new("/language", format!("must be one of: {}", rules.languages.join(", "))));
        return found;
    };
    found.extend(sources::check(language, &hand_in.files).err().unwrap_or_default());
    found
}

/// Fails if a student has used up the attempts of the lab or of the hour. Holds the lock that keeps the count true.
async fn attempts_left(
    tx: &mut PgTransaction<'static>,
    lab: LabId,
    user: UserId,
    rules: &Rules,
    now: Timestamp,
) -> Result<(), ApiError> {
    store::submission::lock(tx, lab, user).await?;
    let count = store::submission::attempts(&mut **tx, lab, user).await?;
    if let Some(most) = rules.attempts.max
        && count.total >= i64::from(most)
    {
        return Err(ApiError::conflict("attempts_exhausted", format!("All {most} attempts are used.")));
    }
    if let Some(most) = rules.attempts.per_hour
        && let Some(next_at) = bucket::at(most, &count.recent, now).next_at
    {
        let wait = next_at.duration_since(now).max(SignedDuration::from_secs(1));
        return Err(ApiError::TooMany { code: "too_many_submissions", retry_after: wait.unsigned_abs() });
    }
    Ok(())
}
