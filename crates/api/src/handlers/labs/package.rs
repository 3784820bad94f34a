//! `GET /labs/{lab}/package`

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use iteratione_common::{archive, ids::LabId, store};
use iteratione_package::Note;

use super::upload::ZipArchive;
use crate::{
    access::LabStaff,
    error::ApiError,
    problem::{FieldProblem, Problem},
    state::AppState,
};

/// What the format cannot say of the lab. Tools behave as though a file of such a name were not there.
const NOTES: &str = ".notes.txt";

/// The lab as a problem package.
///
/// The newest revision as a zip archive of Kattis' format 2025-09, which `PUT` takes back. What the format cannot say is
/// listed in its `.notes.txt`; a lab that cannot be a package at all, because of unit tests or of checkers that the format
/// does not have, is refused with every reason.
#[utoipa::path(
    get, path = "/labs/{lab}/package", tag = "labs",
    params(("lab" = LabId, Path)),
    responses(
        (status = 200, content((ZipArchive = "application/zip"))),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem, description = "All that is in the way, in `errors`"),
    )
)]
pub(super) async fn get_package(
    LabStaff(member): LabStaff,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let document = store::lab::document(&state.pg, member.lab.newest).await?.ok_or(ApiError::NotFound("lab"))?;
    let (id, slug) = (member.lab.id, member.lab.slug);
    let root = slug.clone();
    let packing = tokio::task::spawn_blocking(move || {
        let (files, notes) = iteratione_package::export(&document, id.uuid()).map_err(refused)?;
        let notes: Vec<String> = notes.iter().map(|note| format!("{}: {}\n", note.path, note.detail)).collect();
        let all = files.into_iter().chain([(NOTES.to_owned(), notes.concat().into_bytes())]);
        archive::write(all.map(|(path, content)| (format!("{root}/{path}"), content)))
            .map_err(|e| ApiError::from(anyhow::Error::from(e)))
    });
    let bytes = packing.await.map_err(anyhow::Error::from)??;
    let name = format!("attachment; filename=\"{slug}.zip\"");
    Ok(([(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
        .into_response())
}

/// The parts of the lab that no package can have.
fn refused(notes: Vec<Note>) -> ApiError {
    ApiError::Invalid(notes.into_iter().map(|n| FieldProblem::new("", format!("{}: {}", n.path, n.detail))).collect())
}
