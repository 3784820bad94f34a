//! Labs: put, list, read, publish, delete; and handing in.

mod deadline;
mod delete;
mod extensions;
mod get;
mod list;
mod package;
mod publish;
mod put;
mod submissions;
mod submit;
#[cfg(test)]
mod tests;
mod upload;
mod validation;

pub(super) use self::deadline::late_factor;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// Bytes of a lab document, or of an archive and of all that is in it: tests carry their data.
const DOCUMENT_BYTES: usize = 16 << 20;
/// Bytes of a hand-in. How much source a language takes is in its `language.toml`; JSON can escape it at length.
const HAND_IN_BYTES: usize = 4 << 20;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let documents = OpenApiRouter::new().routes(routes!(put::put_lab)).layer(DefaultBodyLimit::max(DOCUMENT_BYTES));
    let hand_ins = OpenApiRouter::new().routes(routes!(submit::submit)).layer(DefaultBodyLimit::max(HAND_IN_BYTES));
    OpenApiRouter::new()
        .merge(documents)
        .merge(hand_ins)
        .routes(routes!(list::list_labs))
        .routes(routes!(get::get_lab, delete::delete_lab))
        .routes(routes!(publish::publish_lab))
        .routes(routes!(validation::get_validation))
        .routes(routes!(package::get_package))
        .routes(routes!(submissions::list_submissions))
        .merge(extensions::routes())
}
