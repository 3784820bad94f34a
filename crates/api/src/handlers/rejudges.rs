//! Rejudge sets: `/labs/{lab}/rejudge`, `/submissions/{submission}/rejudge`, `/rejudges/…`.

mod apply;
mod begin;
mod cancel;
mod get;
mod history;
mod list;
mod of_lab;
mod of_submission;
#[cfg(test)]
mod tests;
mod view;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_lab::rejudge_lab))
        .routes(routes!(of_submission::rejudge_submission))
        .routes(routes!(history::get_history))
        .routes(routes!(list::list_rejudges))
        .routes(routes!(get::get_rejudge))
        .routes(routes!(apply::apply_rejudge))
        .routes(routes!(cancel::cancel_rejudge))
}
