//! `GET /labs/{lab}`

use axum::{Json, extract::State};
use iteratione_common::{
    ids::LabId,
    lab::Attempts,
    store::{self, submission::AttemptCount},
};
use jiff::SignedDuration;

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
    let count = store::submission::attempts(&state.pg, member.lab.id, member.user()).await?;
    let own = own_attempts(document.attempts, count);
    Ok(Json(lab_for_student(member.lab, member.revision_number, document, own, now)))
}

fn own_attempts(allowed: Attempts, count: AttemptCount) -> OwnAttempts {
    let hour_is_full = allowed.per_hour.is_some_and(|most| count.last_hour >= i64::from(most));
    OwnAttempts {
        used: count.total,
        left: allowed.max.map(|most| (i64::from(most) - count.total).max(0)),
        next_at: count
            .oldest_in_hour
            .filter(|_| hour_is_full)
            .and_then(|oldest| oldest.checked_add(SignedDuration::from_hours(1)).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_is_told_how_many_attempts_are_left_and_when_the_next_is() {
        let oldest: jiff::Timestamp = "2030-01-01T10:00:00Z".parse().expect("time");
        let count = AttemptCount { total: 5, last_hour: 3, oldest_in_hour: Some(oldest) };
        let own = own_attempts(Attempts { max: Some(7), per_hour: Some(3) }, count);
        let next = "2030-01-01T11:00:00Z".parse().expect("time");
        assert_eq!(own, OwnAttempts { used: 5, left: Some(2), next_at: Some(next) });
        let own = own_attempts(Attempts { max: Some(3), per_hour: Some(4) }, count);
        assert_eq!(own, OwnAttempts { used: 5, left: Some(0), next_at: None });
        let own = own_attempts(Attempts { max: None, per_hour: None }, count);
        assert_eq!(own, OwnAttempts { used: 5, left: None, next_at: None });
    }
}
