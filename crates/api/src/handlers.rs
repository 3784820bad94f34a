//! The endpoints: one file each, with request, response, description, handler and tests, in that order.

pub mod courses;
pub mod health;
pub mod languages;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Everything below `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(languages::routes())
}
