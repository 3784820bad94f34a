//! How a set begins: choosing, scoring anew what only points have changed for, and runs for the rest.

use std::collections::BTreeMap;

use iteratione_common::{
    ids::{CourseId, LabId, RejudgeId, RevisionId, SubmissionId, UserId},
    lab::LabDocument,
    rescore,
    store::{
        self, PgTransaction,
        audit::{self, Action, Entry},
        lab::Rules,
        rejudge::{Candidate, Choice, NewRejudge},
    },
};

use crate::{
    error::{ApiError, FieldProblem},
    handlers::labs::late_factor,
};

/// Submissions in one set.
pub(super) const MOST: i64 = 2000;
/// Sets of one lab that are neither applied nor cancelled.
const MOST_OPEN: i64 = 20;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub lab: LabId,
    pub course: CourseId,
    pub choice: Choice,
    /// Number of the revision; the published one unless given.
    pub revision: Option<i32>,
    /// Runs also where scoring anew would do.
    pub rerun: bool,
    pub reason: String,
    /// The request's own words.
    pub filter: serde_json::Value,
    pub by: UserId,
    /// For the audit log.
    pub actor: audit::Actor,
}

/// Makes the set and its runs.
pub(super) async fn begin(tx: &mut PgTransaction<'static>, wanted: &Wanted) -> Result<RejudgeId, ApiError> {
    // Sets of one lab are made one at a time; the lab stays while this one is.
    if !store::lab::lock(tx, wanted.lab).await? {
        return Err(lab_deleted());
    }
    if store::rejudge::open(&mut **tx, wanted.lab).await? >= MOST_OPEN {
        let detail = format!("{MOST_OPEN} rejudges of this lab are open: apply or cancel some first.");
        return Err(ApiError::conflict("too_many_open_rejudges", detail));
    }
    let revision = revision(tx, wanted).await?;
    let document = store::lab::document(&mut **tx, revision).await?.ok_or(ApiError::NotFound("lab"))?;
    let chosen = store::rejudge::candidates(&mut **tx, wanted.lab, &wanted.choice, MOST + 1).await?;
    check(&chosen, &wanted.choice)?;

    let set = RejudgeId::new();
    let new = NewRejudge {
        id: set,
        lab: wanted.lab,
        revision,
        reason: &wanted.reason,
        filter: &wanted.filter,
        created_by: wanted.by,
    };
    store::rejudge::insert(tx, &new).await?;
    let entry = Entry::new(Action::RejudgeCreate).course(wanted.course).lab(wanted.lab).object(set.uuid());
    audit::record(tx, &wanted.actor, entry.after(wanted.filter.clone())).await?;
    // By the revision that graded them: its document, which may be megabytes, is read once and let go.
    let mut groups: BTreeMap<RevisionId, Vec<Candidate>> = BTreeMap::new();
    for candidate in chosen {
        groups.entry(candidate.revision).or_default().push(candidate);
    }
    for (old, candidates) in groups {
        let before = store::lab::document(&mut **tx, old).await?.ok_or(ApiError::NotFound("lab"))?;
        let chosen: Vec<(SubmissionId, f64)> =
            candidates.iter().map(|c| (c.id, factor(c, &before, &document))).collect();
        let runs = store::rejudge::insert_runs(tx, set, revision, &chosen).await?;
        if wanted.rerun || old == revision {
            continue;
        }
        for (candidate, run) in candidates.iter().zip(runs) {
            if rescore::same_judging(&before, &document, &candidate.language)
                && let Some(grade) = store::rejudge::grade(&mut **tx, candidate.id).await?
                && let Some(grade) = rescore::rescore(grade, &document)
            {
                store::rejudge::record_rescored(tx, set, run, &grade).await?;
            }
        }
    }
    Ok(set)
}

async fn revision(tx: &mut PgTransaction<'static>, wanted: &Wanted) -> Result<RevisionId, ApiError> {
    if let Some(number) = wanted.revision {
        let named = store::rejudge::revision(&mut **tx, wanted.lab, number).await?;
        return named.ok_or_else(|| ApiError::field("/revision", "is not the number of a revision of this lab"));
    }
    let lab = store::lab::get(&mut **tx, wanted.lab).await?.ok_or_else(lab_deleted)?;
    let none = || ApiError::conflict("not_published", "No revision of this lab is published: name one.");
    lab.published.ok_or_else(none)
}

fn check(chosen: &[Candidate], choice: &Choice) -> Result<(), ApiError> {
    if let Some(named) = &choice.submissions {
        let missing = named.iter().enumerate().filter(|(_, id)| !chosen.iter().any(|c| c.id == **id));
        // Named and chosen otherwise too: then the other conditions leave some out.
        if choice.users.is_none() && choice.verdicts.is_none() && !choice.only_best {
            let problem = |(i, _): (usize, _)| {
                FieldProblem::new(format!("/submissions/{i}"), "is not a student's graded submission to this lab")
            };
            ApiError::if_any(missing.take(100).map(problem).collect())?;
        }
    }
    if chosen.is_empty() {
        return Err(ApiError::refused("nothing_to_rejudge", "No graded submission of a student is meant by this."));
    }
    if i64::try_from(chosen.len()).is_ok_and(|n| n > MOST) {
        let detail = format!("More than {MOST} submissions are meant: make several sets, e.g. by `users`.");
        return Err(ApiError::refused("too_many_submissions", detail));
    }
    Ok(())
}

/// The late factor that goes with the new grade. It is that of the hand-in, unless the deadlines have changed. A hand-in
/// that the new ones would have refused was taken by those of its day, and keeps its factor.
fn factor(candidate: &Candidate, before: &LabDocument, now: &LabDocument) -> f64 {
    if !candidate.bound || (before.due_at == now.due_at && before.late == now.late) {
        return candidate.late_factor;
    }
    let rules = Rules {
        languages: Vec::new(),
        available_from: None,
        due_at: now.due_at,
        late: now.late.clone(),
        attempts: now.attempts,
    };
    late_factor(&rules, candidate.created_at).unwrap_or(candidate.late_factor)
}

/// What a set of a deleted lab may not do any more.
pub(super) fn lab_deleted() -> ApiError {
    ApiError::conflict("lab_deleted", "The lab is deleted: its grades stay as they are.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_late_factor_changes_only_with_the_deadlines_and_only_for_students() {
        let document = |due: &str, factor: f64| -> LabDocument {
            serde_json::from_value(json!({"title": "T", "languages": ["c"], "due_at": due, "groups": [],
                "late": [{"until": "2030-01-03T00:00:00Z", "factor": factor}]}))
            .expect("a document")
        };
        let candidate = |bound| Candidate {
            id: SubmissionId::new(),
            revision: RevisionId::new(),
            language: "c".to_owned(),
            created_at: "2030-01-02T00:00:00Z".parse().expect("time"),
            late_factor: 0.75,
            bound,
        };
        let (old, soft) = (document("2030-01-01T00:00:00Z", 0.5), document("2030-01-01T00:00:00Z", 0.9));
        let later = document("2030-01-02T12:00:00Z", 0.5);
        let mut strict = document("2029-01-01T00:00:00Z", 0.5);
        strict.late.clear();
        for (new, bound, expected) in
            [(&old, true, 0.75), (&soft, true, 0.9), (&later, true, 1.0), (&strict, true, 0.75), (&soft, false, 0.75)]
        {
            let got = factor(&candidate(bound), &old, new);
            assert!((got - expected).abs() < 1e-9, "{new:?} {bound}: {got}");
        }
    }
}
