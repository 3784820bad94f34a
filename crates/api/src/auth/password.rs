//! Passwords: argon2id with OWASP's parameters, a few at once.

mod hasher;

use std::{sync::Arc, time::Duration};

use argon2::Params;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::hasher::Hasher;
use crate::error::ApiError;

/// OWASP's first choice for argon2id with little memory: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Who waits longer for a turn is told to come back: a flood of logins must not pile up.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Hashes and checks passwords, so many at once as there are permits: each takes a core for some 30 ms, and 19 MiB.
#[derive(Clone)]
pub struct Passwords {
    hasher: Arc<Hasher>,
    permits: Arc<Semaphore>,
    /// A hash that no password has: checked when there is no account, so that both cases take the same time.
    decoy: Arc<str>,
}

impl Passwords {
    /// `at_once` hashes at one time; 0 for one per core, but at most four: each holds its memory for good.
    pub fn new(at_once: usize) -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| anyhow::anyhow!("argon2: {e}"))?;
        Self::with_params(at_once, params)
    }

    /// With other parameters than the recommended: for tests, which would take long.
    pub fn with_params(at_once: usize, params: Params) -> anyhow::Result<Self> {
        let hasher = Hasher::new(params);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
        let permits = Arc::new(Semaphore::new(if at_once == 0 { cores } else { at_once }));
        let decoy = hash_now(&hasher, &super::secret::session_token())?.into();
        Ok(Self { hasher: Arc::new(hasher), permits, decoy })
    }

    /// The hash to store, in PHC string form.
    pub async fn hash(&self, password: String) -> Result<String, ApiError> {
        let hasher = self.hasher.clone();
        Ok(self.run(move || hash_now(&hasher, &password)).await??)
    }

    /// Whether the password is the one of this hash; without a hash it takes as long and is wrong.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, ApiError> {
        let hasher = self.hasher.clone();
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let right = self.run(move || hasher.verify(&password, &hash)).await?;
        let right = right.map_err(|e| anyhow::anyhow!("stored password hash: {e}"))?;
        Ok(right && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let permit = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        Ok(done.await.map_err(anyhow::Error::new)?)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        match tokio::time::timeout(LONGEST_WAIT, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(anyhow::Error::new(closed).into()),
            Err(_) => Err(ApiError::Unavailable { retry_after: LONGEST_WAIT, cause: None }),
        }
    }
}

fn hash_now(hasher: &Hasher, password: &str) -> anyhow::Result<String> {
    hasher.hash(password).map_err(|e| anyhow::anyhow!("argon2: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_stored_as_argon2id_with_the_recommended_parameters() {
        let passwords = Passwords::new(1).expect("parameters");
        let hash = passwords.hash("correct horse".to_owned()).await.expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".to_owned(), Some(hash.clone())).await.expect("verify"));
        assert!(!passwords.verify("correct house".to_owned(), Some(hash)).await.expect("verify"));
        assert!(!passwords.verify("correct horse".to_owned(), None).await.expect("verify"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_for_a_turn_is_told_to_come_back() {
        let passwords = Passwords::with_params(1, Params::new(8, 1, 1, None).expect("parameters")).expect("hash");
        let _held = passwords.turn().await.expect("free");
        let error = passwords.hash("correct horse".to_owned()).await.expect_err("no turn");
        assert!(matches!(error, ApiError::Unavailable { .. }), "{error:?}");
    }
}
