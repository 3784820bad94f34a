//! The published design: the Docker client starts one container to compile and one for each test, with the mission's
//! flags and the compilers' and runtimes' own defaults.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use iteratione_common::language::Language;
use iteratione_sandbox::protocol::PROGRAM_UID;
use uuid::Uuid;

use crate::{docker, work::Work};

/// Submissions of one kind of work.
#[derive(Debug, Clone)]
pub struct Published {
    home: PathBuf,
    image: String,
    label: String,
    cpus: f64,
}

/// One submission's folder on the host, removed with it.
#[derive(Debug)]
pub struct Submission(PathBuf);

impl Drop for Submission {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Published {
    /// Folders below `home`; every container carries `label`.
    pub fn new(home: &Path, language: &Language, label: &str, cpus: f64) -> Self {
        Self { home: home.join("published"), image: language.image.clone(), label: label.to_owned(), cpus }
    }

    /// A folder with the sources, and one for what the compiler makes.
    pub fn prepare(&self, work: &Work) -> anyhow::Result<Submission> {
        let folder = self.home.join(Uuid::new_v4().simple().to_string());
        let this = Submission(folder.clone());
        let (src, build) = (folder.join("src"), folder.join("build"));
        std::fs::create_dir_all(&src)?;
        std::fs::create_dir_all(&build)?;
        std::fs::write(src.join(work.file), work.source)?;
        std::fs::set_permissions(&build, std::fs::Permissions::from_mode(0o777))?;
        Ok(this)
    }

    /// One container that compiles.
    pub async fn compile(&self, submission: &Submission, work: &Work) -> anyhow::Result<()> {
        if !work.plain_compile.is_empty() {
            self.container(submission, true, work.plain_compile, "").await.context("compiling")?;
        }
        Ok(())
    }

    /// One container that runs a test; its output must be right. How long that took.
    pub async fn test(&self, submission: &Submission, work: &Work, test: usize) -> anyhow::Result<Duration> {
        let (stdin, expected) = &work.tests[test];
        let began = Instant::now();
        let output = self.container(submission, false, work.plain_run, stdin).await?;
        let took = began.elapsed();
        ensure!(output == *expected, "published {}: printed {output:?} instead of {expected:?}", work.name);
        Ok(took)
    }

    /// From the sources to the last test's verdict.
    pub async fn submit(&self, work: &Work) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let submission = self.prepare(work)?;
        self.compile(&submission, work).await?;
        for test in 0..work.tests.len() {
            self.test(&submission, work, test).await?;
        }
        Ok(began.elapsed())
    }

    async fn container(
        &self,
        submission: &Submission,
        compile: bool,
        argv: &[&str],
        stdin: &str,
    ) -> anyhow::Result<String> {
        let folder = submission.0.display();
        let (src, build) = (format!("{folder}/src:/src:ro"), format!("{folder}/build:/build"));
        let build = if compile { build } else { build + ":ro" };
        let (cpus, user) = (self.cpus.to_string(), format!("{PROGRAM_UID}:{PROGRAM_UID}"));
        let mut arguments = vec![
            "run",
            "--rm",
            "--interactive",
            "--label",
            &self.label,
            "--network",
            "none",
            "--memory",
            "256m",
            "--memory-swap",
            "256m",
            "--cpus",
            &cpus,
            "--pids-limit",
            "128",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--read-only",
            "--tmpfs",
            "/tmp:size=64m",
            "--user",
            &user,
            "--volume",
            &src,
            "--volume",
            &build,
            &self.image,
        ];
        arguments.extend(argv);
        docker::run(&arguments, stdin.as_bytes()).await?.well()
    }
}
