//! What can go wrong with a jail. Nothing here is ever the student's fault.

/// A failure of the sandbox: the job is tried again or ends as an internal error, never as a verdict on a program.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The daemon refused a request or could not be reached.
    #[error("Docker: {0}")]
    Docker(String),
    /// A language's image is not on this host.
    #[error("the image {0} is not on this Docker host: build or pull it")]
    ImageMissing(String),
    /// An image that cannot be made a jail.
    #[error("the image {image} cannot be used: {reason}")]
    ImageUnfit {
        /// Its name.
        image: String,
        /// Why, for people.
        reason: String,
    },
    /// The jail ended or broke in the middle of a conversation. Take another.
    #[error("the jail was lost: {0}")]
    JailLost(String),
    /// The harness said something that the protocol does not allow here. The jail is thrown away.
    #[error("the harness broke its protocol: {0}")]
    Protocol(String),
    /// Something of ours did not come in time.
    #[error("{0} took too long")]
    Timeout(&'static str),
    /// More was asked for than the operator allows.
    #[error("{0}")]
    Ceiling(String),
    /// A path that must not be written below the source folder.
    #[error("{0}")]
    BadPath(String),
    /// The workspace folder.
    #[error("workspace: {0}")]
    Workspace(String),
    /// Unit tests of a lab could not be made ready.
    #[error("{0}")]
    Unit(String),
    /// The sandbox is shutting down.
    #[error("the sandbox is stopping")]
    Stopping,
}

impl SandboxError {
    /// An error of the workspace with what was being done.
    pub(crate) fn workspace(doing: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::Workspace(format!("{doing}: {error}"))
    }
}
