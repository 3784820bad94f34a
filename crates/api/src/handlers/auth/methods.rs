//! `GET /auth/methods`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{config::Registration, state::AppState};

/// How one can sign in here.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInMethods {
    /// By address and password.
    password: bool,
    /// Who may make an account with a password.
    registration: RegistrationView,
    /// Single sign-on; null if there is none.
    oidc: Option<OidcMethod>,
}

/// Who may make an account with a password.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationView {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
    /// Those with an address in some domains.
    Domains,
}

/// Single sign-on.
#[derive(Debug, Serialize, ToSchema)]
pub struct OidcMethod {
    /// What stands on the button.
    #[schema(example = "University login")]
    label: String,
    /// Where the button leads, with `?return_to=` and a path of this site if the browser shall go there afterwards.
    #[schema(example = "/api/v1/auth/oidc/login")]
    url: String,
}

/// How one can sign in here, for the page that offers it.
#[utoipa::path(get, path = "/auth/methods", tag = "accounts", responses((status = 200, body = SignInMethods)))]
pub(super) async fn methods(State(state): State<AppState>) -> Json<SignInMethods> {
    let registration = match state.config.api.registration {
        Registration::Open => RegistrationView::Open,
        Registration::Closed => RegistrationView::Closed,
        Registration::Domains => RegistrationView::Domains,
    };
    let oidc = state.oidc.as_ref().map(|provider| OidcMethod {
        label: provider.settings().label.clone(),
        url: "/api/v1/auth/oidc/login".to_owned(),
    });
    Json(SignInMethods { password: true, registration, oidc })
}
