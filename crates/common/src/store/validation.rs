//! The publish gate in the database: what is graded for it, and what comes of it.

use std::collections::BTreeMap;

use sqlx::{PgTransaction, types::Json};

use super::LabStatus;
use crate::{
    gate::{self, Graded, Validation},
    ids::{LabId, RevisionId, SubmissionId},
    lab::LabDocument,
    submission::Grade,
};

/// Settles the validation of a revision once all its entrants are graded: the lab becomes `published` (and the revision
/// the one that students get) or `rejected`. `None`: not yet, or the lab has moved on to another revision.
///
/// Called after each graded validation submission, in its transaction; and by whoever starts a validation, for a
/// document without solutions.
pub async fn settle(tx: &mut PgTransaction<'_>, revision: RevisionId) -> sqlx::Result<Option<Validation>> {
    // The lock is taken before anything is counted: of two last entrants, the second sees the first.
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
    // Publishing again makes new submissions: of each entrant the newest counts. Grades are megabytes at worst, so they
    // are read only when none is missing.
    let newest = sqlx::query!(
        r#"select distinct on (solution) submission_id as "submission: SubmissionId", solution as "solution!",
                  status = 'done' as "done!"
             from submission where revision_id = $1 and kind = 'validation' and solution is not null
            order by solution, submission_id desc"#,
        revision as _
    )
    .fetch_all(&mut **tx)
    .await?;
    let is_graded = |key| newest.iter().any(|n| n.solution == key && n.done);
    if !gate::entrants(&document).iter().all(|entrant| is_graded(entrant.key)) {
        return Ok(None);
    }
    let mut graded = BTreeMap::new();
    for entrant in newest.iter().filter(|n| n.done) {
        let grade = sqlx::query_scalar!(
            r#"select grade as "grade!: Json<Grade>" from submission where submission_id = $1"#,
            entrant.submission as _
        )
        .fetch_one(&mut **tx)
        .await?;
        graded.insert(entrant.solution, Graded { submission: entrant.submission, grade: grade.0 });
    }
    let finished_at =
        sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut **tx).await?.to_jiff();
    let Some(validation) = gate::judge(&document, lab.number, &graded, finished_at) else { return Ok(None) };
    let ok = validation.ok;
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
