//! Where sockets come in.

use axum::Router;

use crate::Services;

/// `/ws/run`.
pub fn router(_services: Services) -> Router {
    Router::new()
}
