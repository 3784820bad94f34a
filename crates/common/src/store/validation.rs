//! The publish gate: reference solutions are graded as submissions, and must get what they claim.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{PgTransaction, types::Json};
use utoipa::ToSchema;

use super::LabStatus;
use crate::{
    ids::{LabId, RevisionId, SubmissionId},
    lab::{Expectation, LabDocument},
    verdict::Verdict,
};

/// What publishing found out; stored with the lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Validation {
    /// Number of the revision that was tried.
    pub revision: i32,
    /// Whether each solution got what it claims.
    pub ok: bool,
    /// When the last solution was graded.
    pub finished_at: Timestamp,
    /// One per reference solution, in the document's order.
    pub solutions: Vec<SolutionOutcome>,
}

/// How a reference solution did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SolutionOutcome {
    /// Its name in the document.
    pub name: Option<String>,
    /// Its language.
    pub language: String,
    /// The submission by which it was graded.
    pub submission: SubmissionId,
    /// What it must get.
    pub expect: Expectation,
    /// What it got.
    pub verdict: Verdict,
    /// Points.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// Whether that is what it claims.
    pub ok: bool,
    /// One sentence for people where it is not.
    pub message: Option<String>,
}

/// Settles the validation of a revision once all its reference solutions are graded: the lab becomes `published` (and
/// the revision the one that students get) or `rejected`. `None`: not yet, or the lab has moved on to another revision.
///
/// Called after each graded validation submission, in its transaction; and by whoever starts a validation, for a
/// document without solutions.
pub async fn settle(tx: &mut PgTransaction<'_>, revision: RevisionId) -> sqlx::Result<Option<Validation>> {
    // The lock is taken before anything is counted: of two last solutions, the second sees the first.
    let lab = sqlx::query!(
        r#"select l.lab_id as "lab: LabId", r.number, r.document
             from lab l join lab_revision r using (lab_id)
            where r.revision_id = $1 and l.status = 'validating'
              and not exists (select 1 from lab_revision n where n.lab_id = r.lab_id and n.number > r.number)
              for update of l"#,
        revision as _
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(lab) = lab else { return Ok(None) };
    let document: LabDocument = match serde_json::from_value(lab.document) {
        Ok(document) => document,
        Err(error) => {
            // It must not keep a submission's grade from being recorded.
            tracing::error!(revision.id = %revision, error = %error, "a lab's document cannot be read: its validation stays open");
            return Ok(None);
        }
    };
    // Publishing again makes new submissions: of each solution the newest counts.
    let graded = sqlx::query!(
        r#"select distinct on (solution) submission_id as "submission: SubmissionId", solution as "solution!", verdict as "verdict: Verdict", score, max_score
             from submission where revision_id = $1 and kind = 'validation' and solution is not null
            order by solution, submission_id desc"#,
        revision as _
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut solutions = Vec::with_capacity(document.solutions.len());
    for (index, solution) in document.solutions.iter().enumerate() {
        let Some(row) = graded.iter().find(|g| usize::try_from(g.solution) == Ok(index)) else { return Ok(None) };
        let (Some(verdict), Some(score), Some(max_score)) = (row.verdict, row.score, row.max_score) else {
            return Ok(None);
        };
        let message = objection(solution.expect, verdict, score);
        solutions.push(SolutionOutcome {
            name: solution.name.clone(),
            language: solution.language.clone(),
            submission: row.submission,
            expect: solution.expect,
            verdict,
            score,
            max_score,
            ok: message.is_none(),
            message,
        });
    }
    let finished_at =
        sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut **tx).await?.to_jiff();
    let ok = solutions.iter().all(|s| s.ok);
    let validation = Validation { revision: lab.number, ok, finished_at, solutions };
    sqlx::query!(
        "update lab set status = $2, validation = $3, updated_at = clock_timestamp(),
                published_revision_id = case when $4 then $5 else published_revision_id end
          where lab_id = $1",
        lab.lab as _,
        if ok { LabStatus::Published } else { LabStatus::Rejected } as LabStatus,
        Json(&validation) as _,
        ok,
        revision as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(Some(validation))
}

/// Why a solution did not get what it claims; `None` if it did.
fn objection(expect: Expectation, verdict: Verdict, score: f64) -> Option<String> {
    if verdict == Verdict::Ie && expect.verdict != Some(Verdict::Ie) {
        return Some(
            "The judge could not grade it. Publish again; if that does not help, tell the operator.".to_owned(),
        );
    }
    if let Some(wanted) = expect.verdict
        && wanted != verdict
    {
        return Some(format!("It should get {wanted}, but got {verdict}."));
    }
    if let Some(wanted) = expect.score
        && (wanted - score).abs() > 1e-6
    {
        return Some(format!("It should score {wanted}, but scored {score} ({verdict})."));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_must_get_both_the_verdict_and_the_score_that_it_claims() {
        let expect = Expectation { score: Some(40.0), verdict: Some(Verdict::Wa) };
        assert_eq!(objection(expect, Verdict::Wa, 40.0), None);
        assert!(objection(expect, Verdict::Tle, 40.0).is_some_and(|m| m.contains("TLE")));
        assert!(objection(expect, Verdict::Wa, 39.0).is_some_and(|m| m.contains("39")));
    }

    #[test]
    fn shares_that_do_not_add_up_in_binary_still_make_the_full_score() {
        let expect = Expectation { score: Some(1.0), verdict: None };
        assert_eq!(objection(expect, Verdict::Ac, 0.1 + 0.2 + 0.3 + 0.4), None);
        assert_eq!(objection(expect, Verdict::Ac, 0.7 + 0.1 + 0.2), None);
    }

    #[test]
    fn an_internal_error_is_told_apart_from_a_wrong_claim() {
        let message = objection(Expectation { score: Some(1.0), verdict: None }, Verdict::Ie, 0.0).expect("objects");
        assert!(message.contains("could not grade"), "{message}");
    }
}
