//! A sandbox of its own for each test, and a short way to a grade.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use iteratione_common::{
    config::load,
    ids::SubmissionId,
    lab::{LabDocument, SourceFile},
    language::Languages,
    lifecycle::Lifecycle,
    submission::{Event, Grade, TestResult},
};
use iteratione_grader::grading::{self, Builds, GradeRequest};
use iteratione_sandbox::{DEFAULTS, Sandbox, SandboxConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// No test may wait longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(150);

pub struct Court {
    sandbox: Option<Sandbox>,
    builds: Builds,
    languages: Languages,
    instance: String,
    _dir: TempDir,
}

/// What is graded; the rest has defaults.
pub struct Case<'a> {
    pub language: &'a str,
    pub files: &'a [(&'a str, &'a str)],
    pub main: Option<&'a str>,
    pub document: Value,
    pub due_passed: bool,
}

impl<'a> Case<'a> {
    pub fn new(language: &'a str, files: &'a [(&'a str, &'a str)], document: Value) -> Self {
        Self { language, files, main: None, document, due_passed: true }
    }
}

impl Court {
    /// Nothing is kept warm.
    pub async fn open() -> Self {
        Self::with(0, 0).await
    }

    /// With compilers that stay, for many submissions.
    pub async fn compiling() -> Self {
        Self::with(0, 1).await
    }

    /// With jails waiting, as in production.
    pub async fn warm() -> Self {
        Self::with(1, 0).await
    }

    async fn with(pool_floor: usize, compilers: usize) -> Self {
        #[derive(Deserialize)]
        struct Service {
            sandbox: SandboxConfig,
        }
        let dir = tempfile::tempdir().expect("folder");
        let mut config = load::<Service>(DEFAULTS, &BTreeMap::new(), &["sandbox"]).expect("defaults").sandbox;
        config.workspace_root = dir.path().join("workspaces");
        config.harness = harness();
        config.pool_floor = 0;
        config.compilers = compilers;
        config.pool_floors = [("c".to_owned(), pool_floor)].into();
        config.pool_ceiling = 0;
        config.cpus = 1.0;
        let instance = format!("test-{}", uuid::Uuid::now_v7().simple());
        let languages = Languages::read(&repository().join("images")).expect("languages");
        let starting = Sandbox::start(config, instance.clone(), languages.clone(), Lifecycle::new());
        let sandbox = tokio::time::timeout(DEADLINE, starting).await.expect("in time").expect("starts");
        Self { sandbox: Some(sandbox), builds: Builds::default(), languages, instance, _dir: dir }
    }

    /// The grade and the events on the way to it.
    pub async fn grade(&self, case: Case<'_>) -> (Grade, Vec<Event>) {
        let request = GradeRequest {
            submission: SubmissionId::new(),
            attempt: 7,
            language: Arc::clone(self.languages.get(case.language).expect("language")),
            files: case
                .files
                .iter()
                .map(|(name, content)| SourceFile { name: (*name).to_owned(), content: (*content).to_owned() })
                .collect(),
            main: case.main.map(str::to_owned),
            document: Arc::new(serde_json::from_value::<LabDocument>(case.document).expect("a lab document")),
            due_passed: case.due_passed,
        };
        let (sender, mut receiver) = mpsc::channel(4);
        let collect = async {
            let mut events = Vec::new();
            while let Some(event) = receiver.recv().await {
                events.push(event);
            }
            events
        };
        let sandbox = self.sandbox.as_ref().expect("open");
        let both = async { tokio::join!(grading::grade(sandbox, &self.builds, &request, sender), collect) };
        let (grade, events) = tokio::time::timeout(DEADLINE, both).await.expect("graded in time");
        (grade.expect("graded"), events)
    }

    /// The grade alone.
    pub async fn grade_of(&self, case: Case<'_>) -> Grade {
        self.grade(case).await.0
    }

    /// Ends the sandbox; then nothing may be left.
    pub async fn close(mut self) {
        let sandbox = self.sandbox.take().expect("open");
        tokio::time::timeout(DEADLINE, sandbox.shutdown()).await.expect("shuts down in time");
        assert_eq!(self.containers(), Vec::<String>::new(), "containers are left");
    }

    /// Waits until a jail is warm and no other is coming or going.
    pub async fn settled(&self) {
        let sandbox = self.sandbox.as_ref().expect("open");
        let settled = async {
            while sandbox.warm("c") == 0 || sandbox.live() > 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEADLINE, settled).await.expect("in time");
    }

    /// Ids of a language's containers that there are now.
    pub fn jails(&self, language: &str) -> Vec<String> {
        self.list(&["--filter", &format!("label=iteratione.language={language}")])
    }

    fn containers(&self) -> Vec<String> {
        self.list(&["--all"])
    }

    fn list(&self, options: &[&str]) -> Vec<String> {
        let label = format!("label=iteratione.deployment={}", self.instance);
        let mut docker = Command::new("docker");
        let output = docker.args(["ps", "--quiet", "--filter", &label]).args(options).output();
        let output = output.expect("the docker client runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Court {
    fn drop(&mut self) {
        // A test that failed must not leave containers on the machine.
        if self.sandbox.take().is_some() {
            for id in self.containers() {
                let _ = Command::new("docker").args(["rm", "--force", "--volumes", &id]).output();
            }
        }
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("repository")
}

fn harness() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are steered by the environment")]
    let path = std::env::var("ITERATIONE_TEST_HARNESS").map_or_else(
        |_| repository().join(format!("target/{}-unknown-linux-gnu/debug/iteratione-harness", std::env::consts::ARCH)),
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "no harness at {}: build it with RUSTFLAGS=\"-C target-feature=+crt-static\" cargo build --target {}-unknown-linux-gnu -p iteratione-harness",
        path.display(),
        std::env::consts::ARCH
    );
    path
}

/// A lab of one group with these tests, worth 10 points each.
pub fn lab(tests: &[Value]) -> Value {
    json!({
        "title": "T",
        "languages": ["java", "python", "c", "cpp"],
        "limits": {"cpu_ms": 1000, "wall_ms": 8000, "memory_mb": 128, "output_kb": 64, "processes": 32},
        "groups": [{"name": "g", "points": 10 * tests.len(), "tests": tests}],
    })
}

/// A lab of one test.
pub fn one(stdin: &str, expected: &str) -> Value {
    lab(&[json!({"name": "t", "stdin": stdin, "expected": expected})])
}

/// Whether it compiled, with everything that was said, for a failing test's message.
pub fn said(grade: &Grade) -> String {
    format!("{:?} {:?} {:#?} {:#?}", grade.verdict, grade.message, grade.compile, grade.tests)
}

/// The test's message, or nothing.
pub fn message(test: &TestResult) -> &str {
    test.message.as_deref().unwrap_or_default()
}
