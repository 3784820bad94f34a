//! One thing that is wrong with what somebody sent: where, and what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where: an RFC 6901 JSON pointer, empty for the whole document.
    pub pointer: String,
    /// What, in a sentence for people.
    pub detail: String,
}

impl Problem {
    /// A problem at a pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}
