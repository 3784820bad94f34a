//! Orderly ends: a soft token (take nothing new), a hard token (drop what runs), and a tracker of every task.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Handed to everything that spawns tasks.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Cancelled by the first signal: finish what you have, take nothing new.
    pub soft: CancellationToken,
    /// Cancelled by the second signal or when the grace time is over: give back or drop what you have.
    pub hard: CancellationToken,
    /// Every task of the service; `main` waits for it.
    pub tasks: TaskTracker,
}

impl Lifecycle {
    /// A lifecycle that nothing has ended yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns a tracked task.
    #[allow(clippy::disallowed_methods, reason = "this is the tracked spawn that the ban points to")]
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Listens for SIGTERM and SIGINT: the first cancels `soft`, the second, or `grace` later, `hard`.
    pub fn listen_for_signals(&self, grace: Duration) -> anyhow::Result<()> {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let this = self.clone();
        // Not tracked: it waits for signals for as long as the process lives.
        #[allow(clippy::disallowed_methods, reason = "must outlive the tracker")]
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            tracing::info!("stopping: finishing what is running");
            this.soft.cancel();
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {}, () = tokio::time::sleep(grace) => {} }
            this.hard.cancel();
        });
        Ok(())
    }

    /// Waits for all tracked tasks after a stop was asked for; `false` if some are still running after `at_most`.
    pub async fn finished(&self, at_most: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(at_most, self.tasks.wait()).await.is_ok()
    }
}
