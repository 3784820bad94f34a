//! Labels of our containers: how they are found again when everything else is lost.

use std::{collections::HashMap, path::Path};

use uuid::Uuid;

/// Which deployment a container belongs to; nobody touches another's.
pub const DEPLOYMENT: &str = "iteratione.deployment";
/// The workspace root of the deployment: two of the same name on one host stay apart.
pub const WORKSPACE: &str = "iteratione.workspace";
/// The process that made it, see [`crate::workspace::owner`].
pub const OWNER: &str = "iteratione.owner";
/// [`Kind`].
pub const KIND: &str = "iteratione.kind";
/// Language id.
pub const LANGUAGE: &str = "iteratione.language";
/// The jail's own id, known before Docker's.
pub const JAIL: &str = "iteratione.jail";

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A jail.
    Jail,
    /// A compiler that serves many submissions and never runs a student's program.
    Compiler,
    /// The start-up proof of the workspace.
    Probe,
}

impl Kind {
    /// As the label says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jail => "jail",
            Self::Compiler => "compiler",
            Self::Probe => "probe",
        }
    }
}

/// Who a process is to Docker.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Deployment.
    pub deployment: String,
    /// Workspace root.
    pub workspace: String,
    /// This process.
    pub owner: Uuid,
}

impl Identity {
    /// Of a process with this lock.
    pub fn new(deployment: &str, root: &Path, owner: Uuid) -> Self {
        Self { deployment: deployment.to_owned(), workspace: root.display().to_string(), owner }
    }

    /// All labels of one container.
    pub fn labels(&self, kind: Kind, language: &str, jail: Uuid) -> HashMap<String, String> {
        HashMap::from([
            (DEPLOYMENT.to_owned(), self.deployment.clone()),
            (WORKSPACE.to_owned(), self.workspace.clone()),
            (OWNER.to_owned(), self.owner.to_string()),
            (KIND.to_owned(), kind.as_str().to_owned()),
            (LANGUAGE.to_owned(), language.to_owned()),
            (JAIL.to_owned(), jail.to_string()),
            // An image built by such a platform carries "true", and the platform would then manage the jail too.
            ("coolify.managed".to_owned(), "false".to_owned()),
        ])
    }

    /// Filter for every container of this deployment.
    pub fn of_deployment(&self) -> Vec<String> {
        vec![format!("{DEPLOYMENT}={}", self.deployment), format!("{WORKSPACE}={}", self.workspace)]
    }

    /// Filter for every container of this process.
    pub fn of_owner(&self) -> Vec<String> {
        let mut filter = self.of_deployment();
        filter.push(format!("{OWNER}={}", self.owner));
        filter
    }

    /// Filter for one jail.
    pub fn of_jail(&self, jail: Uuid) -> Vec<String> {
        let mut filter = self.of_owner();
        filter.push(format!("{JAIL}={jail}"));
        filter
    }
}
