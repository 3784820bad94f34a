//! One submission: its result, its files, its live events.

mod events;
mod files;
mod get;
mod junit_xml;
mod results_json;
#[cfg(test)]
mod tests;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get::get_submission))
        .routes(routes!(files::get_files))
        .routes(routes!(events::follow))
        .routes(routes!(results_json::get_results_json))
        .routes(routes!(junit_xml::get_junit_xml))
}
