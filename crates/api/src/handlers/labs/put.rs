//! `PUT /courses/{course}/labs/{slug}`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use iteratione_common::{
    ids::LabId,
    lab::{LabDocument, validate},
    store::{
        self, LabStatus,
        audit::{self, Action, Entry},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::upload::{Upload, ZipArchive};
use crate::{
    auth::{Actor, access::CourseInstructor},
    error::ApiError,
    extract::{Params, PathOf},
    problem::{FieldProblem, Problem},
    state::AppState,
};

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PutQuery {
    /// Check the document and store nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
pub(crate) struct LabSlugPath {
    slug: String,
}

/// What a PUT did.
#[derive(Debug, Serialize, ToSchema)]
pub struct PutAnswer {
    /// The lab's id; null after a dry run.
    pub id: Option<LabId>,
    /// The lab's address in the course.
    pub slug: String,
    /// The lab's status now; null after a dry run.
    pub status: Option<LabStatus>,
    /// The number of the newest revision; null after a dry run.
    pub revision: Option<i32>,
    /// The lab was not there before.
    pub created: bool,
    /// The document differs from the revision before.
    pub changed: bool,
    /// Nothing was stored.
    pub dry_run: bool,
    /// What is allowed, but seldom meant; what of an archive was not used.
    pub warnings: Vec<FieldProblem>,
}

/// Create a lab or change it.
///
/// Idempotent: the same document twice is one revision. Each change is a new immutable revision and makes the lab a
/// draft; students keep the published revision until the new one is published. Everything that is wrong with a
/// document is reported at once, each by its JSON pointer.
///
/// A zip archive may hold the document as `lab.json`, tests as `1.in` and `1.out` (or `1.ans`), or both. Tests at its root
/// belong to the document's first group (`tests`, worth 100 points, if it names none), those in a folder to the group of
/// that name. The first step of a pointer is then the entry of the archive.
///
/// An archive with a `problem.yaml` is a problem package of Kattis' format, legacy or 2025-09, or of DOMjudge: the whole
/// lab is made of it. What cannot be honoured is an error, or a warning in the answer.
#[utoipa::path(
    put, path = "/courses/{course}/labs/{slug}", tag = "labs",
    params(("course" = String, Path, description = "Id or slug"), ("slug" = String, Path), PutQuery),
    request_body(content((LabDocument = "application/json"), (ZipArchive = "application/zip"))),
    responses(
        (status = 200, body = PutAnswer, description = "Changed, unchanged, or a dry run that found nothing wrong"),
        (status = 201, body = PutAnswer, description = "Created; `Location` is the lab"),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem, description = "All that is wrong, in `errors`"),
    )
)]
#[tracing::instrument(name = "api.lab.put", skip_all, fields(course.id = %member.course.course_id))]
pub(super) async fn put_lab(
    CourseInstructor(member): CourseInstructor,
    Actor(actor): Actor,
    PathOf(LabSlugPath { slug }): PathOf<LabSlugPath>,
    Params(query): Params<PutQuery>,
    State(state): State<AppState>,
    upload: Upload,
) -> Result<Response, ApiError> {
    validate::slug(&slug).map_err(|detail| ApiError::BadRequest(format!("The lab's slug {detail}.")))?;
    let mut lab = upload.read(&slug, &state.languages, &state.config.api.ceilings).await?;
    validate::validate(&lab.document, &state.languages, &state.config.api.ceilings)
        .map_err(|problems| ApiError::Invalid(lab.placed(problems)))?;
    let mut warnings = std::mem::take(&mut lab.warnings);
    warnings.extend(lab.placed(validate::warnings(&lab.document)));
    if query.dry_run {
        let answer = PutAnswer {
            id: None,
            slug,
            status: None,
            revision: None,
            created: false,
            changed: false,
            dry_run: true,
            warnings,
        };
        return Ok(Json(answer).into_response());
    }
    let mut tx = state.pg.begin().await?;
    let put = store::lab::put(&mut tx, member.course.course_id, &slug, &lab.document, member.user.id).await?;
    let status = match store::lab::get(&mut *tx, put.lab).await? {
        Some(lab) => lab.status,
        None => return Err(anyhow::anyhow!("a lab is gone within its own transaction").into()),
    };
    if put.changed {
        let entry = Entry::new(Action::LabPut).course(member.course.course_id).lab(put.lab);
        audit::record(&mut tx, &actor, entry.after(json!({"slug": slug, "revision": put.number}))).await?;
    }
    tx.commit().await?;
    let answer = PutAnswer {
        id: Some(put.lab),
        slug,
        status: Some(status),
        revision: Some(put.number),
        created: put.created,
        changed: put.changed,
        dry_run: false,
        warnings,
    };
    if put.created {
        let location = format!("/api/v1/labs/{}", put.lab);
        return Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response());
    }
    Ok(Json(answer).into_response())
}
