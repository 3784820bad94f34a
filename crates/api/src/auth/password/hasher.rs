//! argon2 with memory that is used again.
//!
//! Each hash fills 19 MiB. Taken from the allocator on whatever thread does the work, the memory stays with that
//! thread's arena, and a service that hashes a few at once ends up holding half a gigabyte.

use std::sync::{Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        CustomizedPasswordHasher, Error, PasswordVerifier as _, Result,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Hashes and verifies; holds as many buffers as were ever in use at once.
pub(super) struct Hasher {
    params: Params,
    buffers: Mutex<Vec<Vec<Block>>>,
}

impl Hasher {
    /// New passwords get these parameters; old ones keep theirs.
    pub(super) fn new(params: Params) -> Self {
        Self { params, buffers: Mutex::default() }
    }

    /// A hash with a new salt, in PHC string form.
    pub(super) fn hash(&self, password: &str) -> Result<String> {
        let salt: [u8; 16] = rand::random();
        let hash = self.hash_password_customized(password.as_bytes(), &salt, None, None, self.params.clone())?;
        Ok(hash.to_string())
    }

    /// Whether the password is the one of this hash.
    pub(super) fn verify(&self, password: &str, hash: &str) -> Result<bool> {
        match self.verify_password(password.as_bytes(), &PasswordHash::new(hash)?) {
            Ok(()) => Ok(true),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn with_buffer<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let mut buffer = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        if buffer.len() < blocks {
            buffer.resize(blocks, Block::default());
        }
        let done = work(&mut buffer[..blocks]);
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        done
    }
}

/// Verifying follows from this.
impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let argon2 = Argon2::new(algorithm, version, params);
        let params = argon2.params();
        self.with_buffer(params.block_count(), |blocks| {
            argon2.hash_password_into_with_memory(password, salt, &mut output, blocks)
        })?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    #[test]
    fn its_hashes_are_those_of_the_library_and_the_other_way_round() {
        let params = Params::new(64, 2, 1, None).expect("parameters");
        let (ours, theirs) = (Hasher::new(params.clone()), Argon2::from(params));
        let hash = ours.hash("correct horse").expect("hash");
        theirs.verify_password(b"correct horse", hash.as_str()).expect("the library agrees");
        let hash = theirs.hash_password(b"correct horse").expect("hash").to_string();
        assert!(ours.verify("correct horse", &hash).expect("verify"));
        assert!(!ours.verify("correct house", &hash).expect("verify"));
        assert!(ours.verify("correct horse", "none").is_err());
    }

    #[test]
    fn a_hash_with_other_parameters_is_verified_with_them() {
        let old = Hasher::new(Params::new(128, 1, 2, None).expect("parameters"));
        let new = Hasher::new(Params::new(32, 2, 1, None).expect("parameters"));
        let hash = old.hash("correct horse").expect("hash");
        assert!(new.verify("correct horse", &hash).expect("verify"));
        assert!(old.verify("correct horse", &new.hash("correct horse").expect("hash")).expect("verify"));
    }

    #[test]
    fn memory_is_used_again() {
        let hasher = Hasher::new(Params::new(64, 1, 1, None).expect("parameters"));
        for _ in 0..10 {
            hasher.hash("correct horse").expect("hash");
        }
        assert_eq!(hasher.buffers.lock().expect("lock").len(), 1);
    }
}
