//! Compiler messages in one shape for every language.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The program does not compile because of it.
    Error,
    /// It compiles.
    Warning,
    /// For information.
    Note,
}

/// One message of a compiler, with the file's name as the student knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Diagnostic {
    /// The student's file name; `None` when the message is about no file.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1, in characters.
    pub column: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// What the compiler says, perhaps in several lines.
    pub message: String,
}
