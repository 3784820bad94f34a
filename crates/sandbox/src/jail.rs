//! One container with the harness inside.

use crate::{
    Resources, SandboxError,
    protocol::{ExecRequest, ExecResult, FetchRequest},
};

/// A started jail. Dropping it signals the janitor, which destroys the container.
#[derive(Debug)]
pub struct Jail {
    container: String,
}

/// What a process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// How it ended and what it used.
    pub result: ExecResult,
    /// Its standard output, at most the request's `output_bytes`.
    pub stdout: Vec<u8>,
    /// Its standard error, at most the request's `output_bytes`.
    pub stderr: Vec<u8>,
}

/// Files of the build folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Relative path and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// A limit of the request left something out.
    pub truncated: bool,
}

impl Jail {
    /// Sets memory, CPUs and processes; asks Docker only when they change.
    pub async fn set_resources(&mut self, resources: Resources) -> Result<(), SandboxError> {
        Err(SandboxError::JailLost(format!("{resources:?}")))
    }

    /// Writes files below the source folder, which the jail sees read-only. Paths are relative.
    pub async fn write_sources(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), SandboxError> {
        Err(SandboxError::JailLost(files.len().to_string()))
    }

    /// Runs one process to its end, feeding it `stdin`.
    pub async fn exec(&mut self, request: ExecRequest, stdin: &[u8]) -> Result<Execution, SandboxError> {
        Err(SandboxError::JailLost(format!("{request:?} {}", stdin.len())))
    }

    /// Puts a file into the scratch folder.
    pub async fn put(&mut self, path: &str, content: &[u8]) -> Result<(), SandboxError> {
        Err(SandboxError::JailLost(format!("{path} {}", content.len())))
    }

    /// Reads files of the build folder.
    pub async fn fetch(&mut self, request: FetchRequest) -> Result<Fetched, SandboxError> {
        Err(SandboxError::JailLost(format!("{request:?}")))
    }

    /// `Ok(true)`: proven clean for the next test. `Ok(false)`: throw this jail away and take another.
    pub async fn clean(&mut self) -> Result<bool, SandboxError> {
        Err(SandboxError::JailLost(String::new()))
    }

    /// Docker's id of the container.
    pub fn container_id(&self) -> &str {
        &self.container
    }

    /// As dropping, but waits for the removal.
    pub async fn destroy(self) {}
}
