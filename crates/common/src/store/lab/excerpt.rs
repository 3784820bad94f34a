//! Parts of a document that are wanted often, read without the megabytes of its tests.

use jiff::Timestamp;
use sqlx::{PgExecutor, types::Json};

use crate::{
    ids::RevisionId,
    lab::{Attempts, FileRole, LateRule, Visibility},
    store::extension::Grant,
};

/// What decides whether a submission is taken: a revision's document without its tests and texts.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Rules {
    /// Languages allowed.
    pub languages: Vec<String>,
    /// Students submit from here on.
    pub available_from: Option<Timestamp>,
    /// Deadline.
    pub due_at: Option<Timestamp>,
    /// Factors after it.
    pub late: Vec<LateRule>,
    /// How often.
    pub attempts: Attempts,
}

impl Rules {
    /// The same for a student who is granted something: the late rules move along with the deadline.
    #[must_use]
    pub fn with(mut self, grant: &Grant) -> Self {
        if let (Some(theirs), Some(labs)) = (grant.due_at, self.due_at) {
            let later = theirs.duration_since(labs);
            for rule in &mut self.late {
                rule.until = rule.until.checked_add(later).unwrap_or(rule.until);
            }
        }
        self.available_from = grant.available_from.or(self.available_from);
        self.due_at = grant.due_at.or(self.due_at);
        self.attempts.max = self.attempts.max.map(|most| most.saturating_add(grant.extra_attempts));
        self
    }
}

/// The rules of a revision.
pub async fn rules(db: impl PgExecutor<'_>, revision: RevisionId) -> sqlx::Result<Option<Rules>> {
    let row = sqlx::query_scalar!(
        r#"select document - '{statement_md,groups,solutions,starter}'::text[] as "rules!: Json<Rules>"
           from lab_revision where revision_id = $1"#,
        revision.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|Json(rules)| rules))
}

/// What an answer about a submission must know of its revision to cut it for a student.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Every test.
    pub tests: Vec<OutlineTest>,
    /// Names of the hidden starter files of the submission's language.
    pub hidden_files: Vec<String>,
}

/// One test of an [`Outline`].
#[derive(Debug, Clone)]
pub struct OutlineTest {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// What students see of it.
    pub visibility: Visibility,
    /// The instructor's own words for when it fails.
    pub message: Option<String>,
}

/// The outline of a revision for submissions in one language.
pub async fn outline(db: impl PgExecutor<'_>, revision: RevisionId, language: &str) -> sqlx::Result<Outline> {
    let row = sqlx::query!(
        r#"select
             (select coalesce(jsonb_agg(jsonb_build_object('group', g->'name', 'name', t->'name',
                                                           'visibility', t->'visibility', 'message', t->'message')
                                        order by gi, ti), '[]')
              from jsonb_array_elements(r.document->'groups') with ordinality as gs(g, gi),
                   jsonb_array_elements(g->'tests') with ordinality as ts(t, ti)) as "tests!: Json<Vec<TestJson>>",
             (select coalesce(jsonb_agg(jsonb_build_object('name', f->'name', 'role', f->'role')), '[]')
              from jsonb_array_elements(coalesce(r.document->'starter'->$2, '[]')) f) as "files!: Json<Vec<FileJson>>"
           from lab_revision r where r.revision_id = $1"#,
        revision.uuid(),
        language
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(Outline::default()) };
    let tests = row.tests.0.into_iter().map(|t| OutlineTest {
        group: t.group,
        name: t.name,
        visibility: t.visibility,
        message: t.message,
    });
    let hidden = row.files.0.into_iter().filter(|f| f.role == FileRole::Hidden).map(|f| f.name);
    Ok(Outline { tests: tests.collect(), hidden_files: hidden.collect() })
}

#[derive(Debug, serde::Deserialize)]
struct TestJson {
    group: String,
    name: String,
    visibility: Visibility,
    message: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
struct FileJson {
    name: String,
    role: FileRole,
}
