//! What a lab is put as: its document in JSON, or a zip archive with the document, with test files, or with both, or a
//! problem package.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use iteratione_common::{
    archive::{self, Limits, Refusal},
    lab::{LabDocument, validate, validate::Ceilings},
    language::Languages,
};
use iteratione_package::Installation;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::DOCUMENT_BYTES;
use crate::{
    error::{ApiError, FieldProblem},
    extract::{parse_json, read_body},
};

mod package;

use self::package::Places;

/// An archive may hold no more than a document in JSON.
const LIMITS: Limits =
    Limits { archive_bytes: DOCUMENT_BYTES, entries: 2000, entry_bytes: 8 << 20, total_bytes: DOCUMENT_BYTES };
/// Archives that are open at once, each of which takes `total_bytes` twice: as it was packed and as a document.
static OPEN: Semaphore = Semaphore::const_new(2);
/// For one of those to be done.
const WAIT: Duration = Duration::from_secs(10);

/// The body of the request, not yet understood.
#[derive(Debug)]
pub(super) enum Upload {
    Json(Bytes),
    Zip(Bytes),
}

/// The bytes of a zip archive.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "only named in the OpenAPI document")]
pub(super) struct ZipArchive(Bytes);

/// A document that is valid so far as its types go, and where its parts came from.
#[derive(Debug)]
pub(super) struct Lab {
    pub(super) document: LabDocument,
    /// What was not used, or was guessed.
    pub(super) warnings: Vec<FieldProblem>,
    places: Places,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let given = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/zip" | "application/x-zip-compressed" => Ok(Self::Zip(read_body(request, state).await?)),
            "application/json" => Ok(Self::Json(read_body(request, state).await?)),
            other if other.starts_with("application/") && other.ends_with("+json") => {
                Ok(Self::Json(read_body(request, state).await?))
            }
            _ => Err(ApiError::UnsupportedMediaType("JSON (application/json) or a zip archive (application/zip)")),
        }
    }
}

impl Upload {
    /// The lab document. A zip archive without a title or languages gets the slug and all there are.
    pub(super) async fn read(self, slug: &str, languages: &Languages, ceilings: &Ceilings) -> Result<Lab, ApiError> {
        match self {
            Self::Json(bytes) => {
                Ok(Lab { document: parse_json(&bytes)?, warnings: Vec::new(), places: Places::Document })
            }
            Self::Zip(bytes) => {
                let busy = || ApiError::Unavailable { retry_after: WAIT, cause: None };
                let turn = tokio::time::timeout(WAIT, OPEN.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())?;
                let (slug, languages, ceilings) = (slug.to_owned(), languages.clone(), ceilings.clone());
                // The turn goes along: a request that is given up does not open one more archive beside this one.
                let opening = tokio::task::spawn_blocking(move || {
                    let _turn = turn;
                    let archive = archive::read(&bytes, &LIMITS).map_err(refused)?;
                    drop(bytes);
                    package::lab(archive, &slug, Installation { languages: &languages, ceilings: &ceilings })
                });
                opening.await.map_err(anyhow::Error::from)?
            }
        }
    }
}

impl Lab {
    /// Problems of the document, each at the file of the archive that it is in.
    pub(super) fn placed(&self, problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
        problems.into_iter().map(|problem| self.places.place(problem)).collect()
    }
}

fn refused(refusal: Refusal) -> ApiError {
    let pointer = refusal.entry.as_deref().map(pointer_to).unwrap_or_default();
    ApiError::field(pointer, refusal.reason)
}

/// A file of an archive, as the first step of a JSON pointer: as though the archive were an object of its files.
fn pointer_to(name: &str) -> String {
    format!("/{}", validate::escape(name))
}
