//! `GET /labs/{lab}/validation`: the report of the publish gate, as JSON and as a page.

mod page;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use iteratione_common::{
    gate::Validation,
    ids::LabId,
    store::{self, LabStatus},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{access::LabStaff, error::ApiError, problem::Problem, state::AppState};

/// The page loads its style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'";

/// How publishing went, the last time that it was tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidationReport {
    /// The lab.
    pub id: LabId,
    /// Its address in the course.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The lab's status now.
    pub status: LabStatus,
    /// Number of the newest revision. It may be newer than the one that was tried.
    pub newest_revision: i32,
    /// What was found out; null while solutions are being graded, and before the first try.
    pub validation: Option<Validation>,
}

/// The report of the publish gate.
///
/// What each reference solution claims and got, test by test; what the starters got; time limits that the accepted
/// solutions speak for. With `Accept: text/html` it is a page for people.
#[utoipa::path(
    get, path = "/labs/{lab}/validation", tag = "labs",
    params(("lab" = LabId, Path)),
    responses(
        (status = 200, content((ValidationReport = "application/json"), (String = "text/html"))),
        (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
pub(super) async fn get_validation(
    LabStaff(member): LabStaff,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let title = store::lab::title(&state.pg, member.lab.newest).await?.ok_or(ApiError::NotFound("lab"))?;
    let validation = member.lab.validation.map(serde_json::from_value::<Validation>).transpose();
    let report = ValidationReport {
        id: member.lab.id,
        slug: member.lab.slug,
        title,
        status: member.lab.status,
        newest_revision: member.lab.newest_number,
        validation: validation.map_err(anyhow::Error::new)?,
    };
    if !wants_html(&headers) {
        return Ok(([(header::VARY, "accept")], Json(report)).into_response());
    }
    let page = page::render(&report).into_string();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, "accept"),
    ];
    Ok((headers, page).into_response())
}

/// Browsers name HTML first; programs name JSON, anything, or nothing.
fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut types = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    types.find(|t| matches!(*t, "text/html" | "application/json")) == Some("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_page_and_programs_json() {
        for (accept, html) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("application/json, text/html"), false),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("text/html; charset=utf-8"), true),
            (Some("text/htmlx"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().expect("a value"));
            }
            assert_eq!(wants_html(&headers), html, "{accept:?}");
        }
    }
}
