//! A program that was built once and is put into other jails.

use iteratione_common::{lab::SourceFile, language::Language};

use super::{Program, layout::lay_out};
use crate::{Jail, Resources, Sandbox, SandboxError, protocol::FetchRequest};

/// What a compiler may have made: its folder is smaller.
const BUILD_BYTES: u64 = 128 << 20;
const BUILD_FILES: u32 = 4000;

/// Everything that a jail of the same image needs to run the program.
#[derive(Debug, Clone)]
pub struct Packed {
    image: String,
    sources: Vec<(String, Vec<u8>)>,
    build: Vec<(String, Vec<u8>)>,
    /// The program.
    pub program: Program,
}

impl Packed {
    /// Takes the program out of the jail in which it is. `files` are what it was built of.
    pub async fn pack(
        jail: &mut Jail,
        language: &Language,
        files: &[SourceFile],
        program: Program,
    ) -> Result<Self, SandboxError> {
        let all = FetchRequest { suffix: String::new(), max_bytes: BUILD_BYTES, max_files: BUILD_FILES, scratch: None };
        let fetched = jail.fetch(all).await?;
        let laid = lay_out(language, files).map_err(|failure| SandboxError::Unit(failure.message()))?;
        if fetched.truncated {
            return Err(SandboxError::Unit("the compiler makes too many or too big files of it".to_owned()));
        }
        Ok(Self { image: jail.image().to_owned(), sources: laid.files, build: fetched.files, program })
    }

    /// A fresh jail with the program in it. `None`: the language has another image by now.
    pub async fn unpack(
        &self,
        sandbox: &Sandbox,
        language: &Language,
        run: Resources,
        job: &str,
    ) -> Result<Option<Jail>, SandboxError> {
        let mut jail = sandbox.take(language, run, job).await?;
        if jail.image() != self.image {
            return Ok(None);
        }
        jail.write_sources(&self.sources).await?;
        jail.put_build(&self.build).await?;
        Ok(Some(jail))
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.sources.iter().chain(&self.build).map(|(path, content)| path.len() + content.len()).sum()
    }
}
