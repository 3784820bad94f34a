//! One submission: its result, its files, its live events.

mod events;
mod files;
mod get;
#[cfg(test)]
mod tests;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get::get_submission))
        .routes(routes!(files::get_files))
        .routes(routes!(events::follow))
}
