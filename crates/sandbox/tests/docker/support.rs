//! A sandbox of its own for each test.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use iteratione_common::{
    config::load,
    language::{Language, Languages},
    lifecycle::Lifecycle,
};
use iteratione_sandbox::{
    DEFAULTS, Execution, Jail, Sandbox, SandboxConfig,
    protocol::{ExecLimits, ExecRequest, Role},
};
use serde::Deserialize;
use tempfile::TempDir;

/// No test may wait longer than this for anything.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// An image with a shell, perl and the C library, on every machine that builds our images.
pub const BASE: &str = "debian:trixie-slim";

pub struct Site {
    pub instance: String,
    pub root: PathBuf,
    pub languages: Languages,
    pub config: SandboxConfig,
    _dir: TempDir,
}

impl Site {
    /// With languages `(id, image)`; nothing is kept warm.
    pub fn new(languages: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        // The default of a temporary folder is 0700; a workspace root is for everybody to search.
        let root = dir.path().join("workspaces");
        let folder = dir.path().join("languages");
        for (id, image) in languages {
            write_language(&folder, id, image);
        }
        let mut config = defaults();
        config.workspace_root.clone_from(&root);
        config.harness = harness();
        config.pool_floor = 0;
        // No more than the floors: tests count containers.
        config.pool_ceiling = 0;
        let instance = format!("test-{}", uuid::Uuid::new_v4().simple());
        let languages = Languages::read(&folder).expect("languages");
        Self { instance, root, languages, config, _dir: dir }
    }

    /// One language with a shell: `base`.
    pub fn base() -> Self {
        Self::new(&[("base", BASE)])
    }

    pub async fn try_start(&self) -> anyhow::Result<Sandbox> {
        let starting =
            Sandbox::start(self.config.clone(), self.instance.clone(), self.languages.clone(), Lifecycle::new());
        tokio::time::timeout(DEADLINE, starting).await.expect("starts in time")
    }

    pub async fn start(&self) -> Sandbox {
        self.try_start().await.expect("starts")
    }

    pub fn language(&self, id: &str) -> &Language {
        self.languages.get(id).expect("language")
    }

    /// Ids of this deployment's containers.
    pub fn containers(&self) -> Vec<String> {
        let label = format!("label=iteratione.deployment={}", self.instance);
        docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &label]).lines().map(str::to_owned).collect()
    }

    pub fn jail_folders(&self) -> Vec<PathBuf> {
        entries(&self.root.join(&self.instance).join("jails"))
    }

    /// Ends a sandbox; then nothing may be left.
    pub async fn end(&self, sandbox: Sandbox) {
        tokio::time::timeout(DEADLINE, sandbox.shutdown()).await.expect("shuts down in time");
        self.assert_empty();
    }

    pub fn assert_empty(&self) {
        assert_eq!(self.containers(), Vec::<String>::new(), "containers are left");
        assert_eq!(self.jail_folders(), Vec::<PathBuf>::new(), "folders are left");
        assert_eq!(entries(&self.root.join(&self.instance).join("owners")), Vec::<PathBuf>::new(), "locks are left");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A test that failed must not leave containers on the machine.
        for id in self.containers() {
            let _ = Command::new("docker").args(["rm", "--force", "--volumes", &id]).output();
        }
    }
}

pub fn defaults() -> SandboxConfig {
    #[derive(Deserialize)]
    struct Service {
        sandbox: SandboxConfig,
    }
    load::<Service>(DEFAULTS, &BTreeMap::new(), &["sandbox"]).expect("defaults").sandbox
}

#[expect(clippy::disallowed_methods, reason = "tests are steered by the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("repository")
}

pub fn harness() -> PathBuf {
    let path = variable("ITERATIONE_TEST_HARNESS").map_or_else(
        || repository().join(format!("target/{}-unknown-linux-gnu/debug/iteratione-harness", std::env::consts::ARCH)),
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

fn write_language(folder: &Path, id: &str, image: &str) {
    let dir = folder.join(id);
    fs::create_dir_all(&dir).expect("mkdir");
    let text = format!(
        "id = \"{id}\"\nname = \"{id}\"\nimage = \"{image}\"\nextensions = [\"x\"]\ncompile_extensions = []\nentry = \"binary\"\n\
         diagnostics = \"gcc\"\nrun = [\"true\"]\neditor = \"x\"\nhello = \"x\"\nhello_output = \"x\"\n"
    );
    fs::write(dir.join("language.toml"), text).expect("write");
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().filter_map(|e| e.ok().map(|e| e.path())).collect()
}

/// An image of one test, removed with it.
pub struct TestImage(pub String);

impl TestImage {
    pub fn build(name: &str, dockerfile: &str) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let this = Self(format!("iteratione-test/{name}:{}", uuid::Uuid::new_v4().simple()));
        this.rebuild(dir.path(), dockerfile);
        this
    }

    /// From a folder that holds more than the Dockerfile; also again under the same name.
    pub fn rebuild(&self, folder: &Path, dockerfile: &str) {
        fs::write(folder.join("Dockerfile"), dockerfile).expect("write");
        let folder = folder.to_str().expect("utf-8");
        docker(&["build", "--quiet", "--network", "none", "--tag", &self.0, folder]);
    }
}

impl Drop for TestImage {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "--force", &self.0]).output();
    }
}

/// Runs the Docker client and gives what it printed.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("the docker client runs");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("utf-8")
}

pub async fn take(sandbox: &Sandbox, language: &Language) -> Jail {
    let taking = sandbox.take(language, sandbox.default_resources(), "test");
    tokio::time::timeout(DEADLINE, taking).await.expect("in time").expect("a jail")
}

/// A process of the program's uid in the scratch folder.
pub fn program(argv: &[&str]) -> ExecRequest {
    ExecRequest {
        role: Role::Program,
        argv: argv.iter().map(|&a| a.to_owned()).collect(),
        env: BTreeMap::new(),
        cwd: "/scratch".to_owned(),
        limits: ExecLimits {
            cpu_ms: 5_000,
            wall_ms: 20_000,
            output_bytes: 64 << 10,
            file_bytes: 16 << 20,
            open_files: 64,
            stack_bytes: None,
        },
        terminal: None,
        report: None,
        joined: None,
    }
}

pub fn compiler(argv: &[&str]) -> ExecRequest {
    ExecRequest { role: Role::Compiler, cwd: "/build".to_owned(), ..program(argv) }
}

pub async fn run(jail: &mut Jail, request: ExecRequest, stdin: &[u8]) -> Execution {
    tokio::time::timeout(DEADLINE, jail.exec(request, stdin)).await.expect("in time").expect("the jail works")
}

/// Standard output of a shell line under the program's uid; what it says on stderr is shown when it fails.
pub async fn sh(jail: &mut Jail, line: &str) -> String {
    let done = run(jail, program(&["/bin/sh", "-c", line]), b"").await;
    assert_eq!(done.result.exit_code, Some(0), "{line}: {:?} {}", done.result, String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("utf-8")
}
