//! The endpoints: one file each, with request, response, description, handler and tests, in that order.

pub mod audit;
pub mod auth;
pub mod courses;
pub mod gradebook;
pub mod health;
pub mod labs;
pub mod languages;
pub mod me;
pub mod rejudges;
pub mod run_tickets;
pub mod statistics;
pub mod submissions;
pub mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Everything below `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(courses::routes())
        .merge(languages::routes())
        .merge(labs::routes())
        .merge(submissions::routes())
        .merge(rejudges::routes())
        .merge(gradebook::routes())
        .merge(statistics::routes())
        .merge(run_tickets::routes())
        .merge(audit::routes())
        .merge(webhooks::routes())
}
