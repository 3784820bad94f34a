//! From a claimed job to [`crate::grading`], and from its errors to what becomes of the job.

use std::sync::Arc;

use iteratione_common::{
    store::{SubmissionKind, job::Claimed},
    submission::Event,
};
use iteratione_sandbox::{Sandbox, SandboxError};
use tokio::sync::mpsc;

use crate::{
    grading::{self, Builds, GradeRequest},
    worker::{Condition, Grading, Outcome},
};

/// Grading in the sandbox's jails.
pub struct Jailed {
    sandbox: Sandbox,
    builds: Builds,
}

impl Jailed {
    /// Grading in these jails.
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox, builds: Builds::default() }
    }
}

impl Grading for Jailed {
    async fn grade(&self, job: Arc<Claimed>, events: mpsc::Sender<Event>) -> Outcome {
        let Some(language) = self.sandbox.languages().get(&job.language) else {
            // Another grader may know it: languages are folders, and graders are updated one by one.
            return Outcome::Retry(format!("this grader has no language {:?}", job.language));
        };
        let request = GradeRequest {
            submission: job.submission,
            attempt: job.attempt,
            language: Arc::clone(language),
            files: job.files.clone(),
            main: job.main.clone(),
            document: Arc::new(job.document.clone()),
            due_passed: due_passed(&job),
        };
        match grading::grade(&self.sandbox, &self.builds, &request, events).await {
            Ok(grade) => Outcome::Done(grade),
            Err(error) => match error.downcast_ref() {
                // More than the operator allows today; trying again does not change that.
                Some(SandboxError::Ceiling(_)) => Outcome::Dead(format!("{error:#}")),
                _ => Outcome::Retry(format!("{error:#}")),
            },
        }
    }

    async fn condition(&self) -> Condition {
        if let Err(why) = self.sandbox.usable().await {
            return Condition::Unable(why);
        }
        // E.g. an image is missing: its jobs are tried and fail, those of the other languages need not wait for it.
        self.sandbox.readiness().await.map_or_else(Condition::Impaired, |()| Condition::Ready)
    }
}

/// Whether tests for after the deadline run: after it, where there is none, and for the instructor's own solutions.
fn due_passed(job: &Claimed) -> bool {
    job.kind == SubmissionKind::Validation || job.due_at.is_none_or(|due| job.now >= due)
}
