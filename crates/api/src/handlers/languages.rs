//! `GET /languages`

use axum::{Json, extract::State};
use iteratione_common::language::Languages;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{extract::List, state::AppState};

/// A language that programs may be written in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LanguageView {
    /// What requests call it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Endings of its files, without the dot.
    pub extensions: Vec<String>,
    /// All files of a submission together, in KiB.
    pub source_limit_kb: u64,
    /// CodeMirror's name for it.
    pub editor: String,
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What programs may be written in.
#[utoipa::path(get, path = "/languages", tag = "languages", security(()),
    responses((status = 200, body = List<LanguageView>)))]
async fn list(State(languages): State<Languages>) -> Json<List<LanguageView>> {
    let items = languages
        .iter()
        .map(|l| LanguageView {
            id: l.id.clone(),
            name: l.name.clone(),
            extensions: l.extensions.clone(),
            source_limit_kb: l.source_limit_kb,
            editor: l.editor.clone(),
        })
        .collect();
    Json(List { items, next: None })
}
