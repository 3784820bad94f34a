//! The jobs that this worker holds a lease of.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iteratione_common::store::job;
use tokio_util::sync::CancellationToken;

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<HashMap<job::Held, CancellationToken>>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<job::Held, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the lease of a job alive until the guard is dropped.
    pub(super) fn hold(&self, job: job::Held) -> Hold {
        let lost = CancellationToken::new();
        self.lock().insert(job, lost.clone());
        metrics::gauge!("iteratione_slots_busy").increment(1.0);
        Hold { job, lost, held: self.clone() }
    }

    pub(super) fn all(&self) -> Vec<job::Held> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn lose(&self, job: &job::Held) {
        if let Some(lost) = self.lock().get(job) {
            lost.cancel();
        }
    }
}

/// One job's place among those that are held.
pub(super) struct Hold {
    job: job::Held,
    /// Cancelled when the database says that the lease is somebody else's.
    pub(super) lost: CancellationToken,
    held: Held,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.lock().remove(&self.job);
        metrics::gauge!("iteratione_slots_busy").decrement(1.0);
    }
}
