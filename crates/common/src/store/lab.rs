//! Tables `lab` and `lab_revision`. A lab's document lives in immutable revisions: the newest is what staff work on,
//! the published one is what students see.

mod excerpt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::{PgExecutor, PgTransaction, types::Json};

pub use self::excerpt::{Outline, OutlineTest, Rules, outline, rules};
use super::LabStatus;
use crate::{
    ids::{CourseId, LabId, RevisionId, UserId},
    lab::LabDocument,
};

/// A lab that is not deleted, and which revisions it stands at.
#[derive(Debug, Clone)]
pub struct LabRow {
    /// Its id.
    pub id: LabId,
    /// Its course.
    pub course: CourseId,
    /// Its address in the course.
    pub slug: String,
    /// Of the newest revision.
    pub status: LabStatus,
    /// The newest revision.
    pub newest: RevisionId,
    /// Its number.
    pub newest_number: i32,
    /// What students see, if anything.
    pub published: Option<RevisionId>,
    /// Its number.
    pub published_number: Option<i32>,
    /// What publishing found out, as `store::validation` writes it.
    pub validation: Option<serde_json::Value>,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When a revision, its status or its publication last changed.
    pub updated_at: Timestamp,
}

struct Row {
    lab_id: LabId,
    course_id: CourseId,
    slug: String,
    status: LabStatus,
    published_revision_id: Option<RevisionId>,
    published_number: Option<i32>,
    newest_id: RevisionId,
    newest_number: i32,
    validation: Option<serde_json::Value>,
    created_at: super::Time,
    updated_at: super::Time,
}

impl From<Row> for LabRow {
    fn from(row: Row) -> Self {
        Self {
            id: row.lab_id,
            course: row.course_id,
            slug: row.slug,
            status: row.status,
            newest: row.newest_id,
            newest_number: row.newest_number,
            published: row.published_revision_id,
            published_number: row.published_number,
            validation: row.validation,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        }
    }
}

/// A lab by id; deleted ones are not there.
pub async fn get(db: impl PgExecutor<'_>, lab: LabId) -> sqlx::Result<Option<LabRow>> {
    let row = sqlx::query_as!(
        Row,
        r#"select l.lab_id, l.course_id, l.slug, l.status, l.published_revision_id, p.number as "published_number?",
                  n.revision_id as "newest_id: RevisionId", n.number as newest_number, l.validation, l.created_at, l.updated_at
           from lab l
           join lateral (select r.revision_id, r.number from lab_revision r
                         where r.lab_id = l.lab_id order by r.number desc limit 1) n on true
           left join lab_revision p on p.revision_id = l.published_revision_id
           where l.lab_id = $1 and l.deleted_at is null"#,
        lab.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Locks a lab until the transaction ends, so that revisions and status change one at a time.
/// `false` if there is no such lab.
pub async fn lock(tx: &mut PgTransaction<'_>, lab: LabId) -> sqlx::Result<bool> {
    let row =
        sqlx::query_scalar!("select 1 from lab where lab_id = $1 and deleted_at is null for no key update", lab.uuid())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(row.is_some())
}

/// What a PUT did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// The lab.
    pub lab: LabId,
    /// Its newest revision now.
    pub revision: RevisionId,
    /// That revision's number.
    pub number: i32,
    /// The lab was not there before.
    pub created: bool,
    /// The document differs from the newest revision before.
    pub changed: bool,
}

/// Puts a document at `(course, slug)`. A document that equals the newest revision changes nothing; another becomes
/// a new revision and makes the lab a draft, while students keep what is published.
pub async fn put(
    tx: &mut PgTransaction<'_>,
    course: CourseId,
    slug: &str,
    document: &LabDocument,
    author: UserId,
) -> sqlx::Result<Put> {
    let inserted = sqlx::query!(
        r#"insert into lab (lab_id, course_id, slug) values ($1, $2, $3)
           on conflict (course_id, slug) where deleted_at is null do update set slug = excluded.slug
           returning lab_id, (xmax = 0) as "created!""#,
        LabId::new().uuid(),
        course.uuid(),
        slug
    )
    .fetch_one(&mut **tx)
    .await?;
    // Inserted or updated, the row is locked: two PUTs of one lab take turns.
    let lab = inserted.lab_id;
    let newest = sqlx::query!(
        "select revision_id, number, document_hash from lab_revision where lab_id = $1 order by number desc limit 1",
        lab.uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let hash = hash(document);
    if let Some(newest) = &newest
        && newest.document_hash == hash
    {
        let (revision, number) = (newest.revision_id, newest.number);
        return Ok(Put { lab, revision, number, created: inserted.created, changed: false });
    }
    let (revision, number) = (RevisionId::new(), newest.map_or(1, |n| n.number + 1));
    sqlx::query!(
        r#"insert into lab_revision (revision_id, lab_id, number, document, document_hash, created_by)
           values ($1, $2, $3, $4, $5, $6)"#,
        revision.uuid(),
        lab.uuid(),
        number,
        Json(document) as _,
        hash.as_slice(),
        author.uuid()
    )
    .execute(&mut **tx)
    .await?;
    set_status(&mut **tx, lab, LabStatus::Draft, None).await?;
    Ok(Put { lab, revision, number, created: inserted.created, changed: true })
}

/// SHA-256 of the canonical JSON: fields in the order of the types, maps sorted, defaults written out. Two documents
/// that differ only in layout, in key order or in defaults left out are one.
fn hash(document: &LabDocument) -> Vec<u8> {
    struct Writer(Sha256);
    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut writer = Writer(Sha256::new());
    // Neither the types nor the writer can fail; were it otherwise, a shorter hash would only make one more revision.
    if let Err(error) = serde_json::to_writer(&mut writer, document) {
        tracing::error!(%error, "a lab document does not serialise");
    }
    writer.0.finalize().to_vec()
}

/// Sets the status of the newest revision and what is known of its validation.
pub async fn set_status(
    db: impl PgExecutor<'_>,
    lab: LabId,
    status: LabStatus,
    validation: Option<&serde_json::Value>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update lab set status = $2, validation = $3, updated_at = now() where lab_id = $1",
        lab.uuid(),
        status as _,
        validation
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Hides a lab from everybody; grades and submissions stay. `false` if there is none.
pub async fn delete(db: impl PgExecutor<'_>, lab: LabId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update lab set deleted_at = now(), updated_at = now() where lab_id = $1 and deleted_at is null",
        lab.uuid()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The document of a revision.
pub async fn document(db: impl PgExecutor<'_>, revision: RevisionId) -> sqlx::Result<Option<LabDocument>> {
    let row = sqlx::query_scalar!(
        r#"select document as "document: Json<LabDocument>" from lab_revision where revision_id = $1"#,
        revision.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|Json(document)| document))
}

/// The title of a revision, read without the megabytes of its tests.
pub async fn title(db: impl PgExecutor<'_>, revision: RevisionId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select document ->> 'title' as "title!" from lab_revision where revision_id = $1"#,
        revision.uuid()
    )
    .fetch_optional(db)
    .await
}

/// One line of a course's list of labs.
#[derive(Debug, Clone)]
pub struct LabLine {
    /// The lab.
    pub id: LabId,
    /// Its address in the course.
    pub slug: String,
    /// Of the newest revision.
    pub status: LabStatus,
    /// The number of the revision that this line is about.
    pub revision: i32,
    /// The number of the published one.
    pub published: Option<i32>,
    /// The head of that revision's document.
    pub head: Head,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The head of a document, read without its tests.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Head {
    /// Title.
    pub title: String,
    /// Languages.
    pub languages: Vec<String>,
    /// Points of all groups.
    pub max_score: f64,
    /// Students see and submit from here on.
    pub available_from: Option<Timestamp>,
    /// Deadline.
    pub due_at: Option<Timestamp>,
}

/// Which revision of each lab a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What staff work on.
    Newest,
    /// What students see; labs without one are left out.
    Published,
}

/// A course's labs in the order of their creation.
pub async fn page(
    db: impl PgExecutor<'_>,
    course: CourseId,
    which: Which,
    after: Option<LabId>,
    limit: i64,
) -> sqlx::Result<Vec<LabLine>> {
    let rows = sqlx::query!(
        r#"select l.lab_id, l.slug, l.status, r.number, p.number as "published?", l.updated_at,
                  jsonb_build_object(
                    'title', r.document->'title', 'languages', r.document->'languages',
                    'available_from', r.document->'available_from', 'due_at', r.document->'due_at',
                    'max_score', (select coalesce(sum((g->>'points')::double precision), 0)
                                  from jsonb_array_elements(r.document->'groups') g)
                  ) as "head!: Json<Head>"
           from lab l
           left join lab_revision p on p.revision_id = l.published_revision_id
           join lab_revision r on r.revision_id = case when $2 then l.published_revision_id
                else (select n.revision_id from lab_revision n where n.lab_id = l.lab_id order by n.number desc limit 1) end
           where l.course_id = $1 and l.deleted_at is null and ($3::uuid is null or l.lab_id > $3)
           order by l.lab_id limit $4"#,
        course.uuid(),
        which == Which::Published,
        after.map(LabId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LabLine {
            id: row.lab_id,
            slug: row.slug,
            status: row.status,
            revision: row.number,
            published: row.published,
            head: row.head.0,
            updated_at: row.updated_at.to_jiff(),
        })
        .collect())
}
