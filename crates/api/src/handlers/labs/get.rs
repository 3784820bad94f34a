//! `GET /labs/{lab}`

use axum::{Json, extract::State};
use iteratione_common::{
    ids::LabId,
    lab::{Attempts, LabDocument, bucket},
    store::{self, extension::Grant, lab::Rules, submission::AttemptCount},
};
use jiff::Timestamp;

use crate::{
    access::LabMember,
    error::ApiError,
    problem::Problem,
    state::AppState,
    visibility::{LabView, OwnAttempts, lab_for_staff, lab_for_student},
};

/// A lab.
///
/// Staff get the newest revision whole. Students get the published one: no solutions, no hidden files, of tests the
/// samples whole and of the others what is no secret; before `available_from` only the head.
#[utoipa::path(
    get, path = "/labs/{lab}", tag = "labs",
    params(("lab" = LabId, Path)),
    responses((status = 200, body = LabView), (status = 404, body = Problem))
)]
pub(super) async fn get_lab(member: LabMember, State(state): State<AppState>) -> Result<Json<LabView>, ApiError> {
    let document = store::lab::document(&state.pg, member.revision).await?.ok_or(ApiError::NotFound("lab"))?;
    let now = state.clock.now();
    if member.is_staff() {
        return Ok(Json(lab_for_staff(member.lab, document, now)));
    }
    let (lab, user) = (member.lab.id, member.user());
    let count = store::submission::attempts(&state.pg, lab, user).await?;
    let grant = store::extension::grant(&state.pg, lab, user).await?;
    let document = for_student(document, &grant);
    let own = own_attempts(document.attempts, &count, now);
    Ok(Json(lab_for_student(member.lab, member.revision_number, document, own, now)))
}

/// The lab with the dates and attempts that hold for a student.
fn for_student(document: LabDocument, grant: &Grant) -> LabDocument {
    let LabDocument { available_from, due_at, late, attempts, .. } = document;
    let own = Rules { languages: Vec::new(), available_from, due_at, late, attempts }.with(grant);
    LabDocument {
        available_from: own.available_from,
        due_at: own.due_at,
        late: own.late,
        attempts: own.attempts,
        ..document
    }
}

fn own_attempts(allowed: Attempts, count: &AttemptCount, now: Timestamp) -> OwnAttempts {
    let bucket = allowed.per_hour.map(|most| bucket::at(most, &count.recent, now));
    OwnAttempts {
        used: count.total,
        left: allowed.max.map(|most| (i64::from(most) - count.total).max(0)),
        left_now: bucket.map(|bucket| bucket.left),
        next_at: bucket.and_then(|bucket| bucket.next_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_is_told_how_many_attempts_are_left_and_when_the_next_is() {
        let now: Timestamp = "2030-01-01T10:00:00Z".parse().expect("time");
        let count = AttemptCount { total: 5, recent: vec![now; 3] };
        let own = own_attempts(Attempts { max: Some(7), per_hour: Some(3) }, &count, now);
        assert_eq!((own.used, own.left, own.left_now), (5, Some(2), Some(0)));
        let wait = own.next_at.expect("empty").duration_since(now).as_secs();
        assert!((1199..=1200).contains(&wait), "{wait}");
        let own = own_attempts(Attempts { max: Some(3), per_hour: Some(4) }, &count, now);
        assert_eq!(own, OwnAttempts { used: 5, left: Some(0), left_now: Some(1), next_at: None });
        let own = own_attempts(Attempts { max: None, per_hour: None }, &count, now);
        assert_eq!(own, OwnAttempts { used: 5, left: None, left_now: None, next_at: None });
    }
}
