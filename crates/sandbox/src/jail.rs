//! One container with the harness inside.

use std::{future::Future, time::Duration};

use uuid::Uuid;

use crate::{
    Resources, SandboxError,
    docker::{Docker, attach::Attached},
    paths::{check_path, write_files},
    pool::{janitor::Tenancy, terms::Ready},
    protocol::{Answered, AskRequest, ExecRequest, ExecResult, FetchRequest, ServeRequest, Served},
    workspace::JailFolder,
};

mod conversation;
mod joined;
mod link;
mod terminal;

pub use joined::{Met, Side, ended_first, join};
use link::Link;
pub use terminal::{Terminal, TerminalEvent};

/// For answers that take no work worth mentioning, and for cleaning and copying.
const SHORT: Duration = Duration::from_secs(15);
/// For Docker to see that a container has died, and of what.
const OBITUARY: Duration = Duration::from_secs(3);

/// A started jail. Dropping it signals the janitor, which destroys the container.
#[derive(Debug)]
pub struct Jail {
    link: Link,
    docker: Docker,
    container: String,
    folder: JailFolder,
    resources: Resources,
    /// How its share of the CPUs is dealt out.
    cpu_period: Duration,
    limits: Ceilings,
    /// `PATH` of the image, for processes that are given none.
    path: String,
    image: String,
    /// Set while a conversation is under way: one that was cut off has left the stream in an unknown place.
    broken: bool,
    tenancy: Tenancy,
}

/// What a jail is made of.
pub(crate) struct Parts {
    pub(crate) docker: Docker,
    pub(crate) container: String,
    pub(crate) folder: JailFolder,
    pub(crate) resources: Resources,
    pub(crate) cpu_period: Duration,
    pub(crate) limits: Ceilings,
    pub(crate) path: String,
    pub(crate) image: String,
    pub(crate) tenancy: Tenancy,
}

/// The operator's bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ceilings {
    pub(crate) resources: Resources,
    pub(crate) open_files: u64,
    pub(crate) file_bytes: u64,
    pub(crate) answer_grace: Duration,
}

/// What a process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// How it ended and what it used.
    pub result: ExecResult,
    /// Its standard output; with `stderr` at most the request's `output_bytes`.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Files of a jail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Relative path and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// A limit of the request left something out.
    pub truncated: bool,
}

impl Jail {
    /// Wraps attached streams; nothing is said yet.
    pub(crate) fn new(parts: Parts, attached: Attached) -> Self {
        let Parts { docker, container, folder, resources, cpu_period, limits, path, image, tenancy } = parts;
        Self {
            link: Link::new(attached),
            docker,
            container,
            folder,
            resources,
            cpu_period,
            limits,
            path,
            image,
            broken: false,
            tenancy,
        }
    }

    /// Waits for the harness' first word.
    pub(crate) async fn greet(&mut self, within: Duration) -> Result<(), SandboxError> {
        self.begin()?;
        let said = limited(within, "say hello", conversation::hello(&mut self.link)).await;
        self.end(said)
    }

    /// Whether it still answers, within a time that is short for a human too.
    pub(crate) async fn is_alive(&mut self, within: Duration) -> bool {
        if self.begin().is_err() {
            return false;
        }
        let said = limited(within, "answer a ping", conversation::ping(&mut self.link)).await;
        self.end(said).is_ok()
    }

    /// `sha256:…` of its image.
    pub(crate) fn image(&self) -> &str {
        &self.image
    }

    /// Sets memory, CPUs and processes; asks Docker only when they change.
    pub async fn set_resources(&mut self, resources: Resources) -> Result<(), SandboxError> {
        self.limits.allow(resources)?;
        if self.resources == resources {
            return Ok(());
        }
        self.docker.update(&self.container, resources, self.cpu_period).await?;
        self.resources = resources;
        Ok(())
    }

    /// Deals its share of the CPUs out in other periods, of 1 to 1000 ms: long ones make short work fast, short ones
    /// make an interactive program go on evenly.
    pub async fn set_cpu_period(&mut self, period: Duration) -> Result<(), SandboxError> {
        if self.cpu_period != period {
            self.docker.update(&self.container, self.resources, period).await?;
            self.cpu_period = period;
        }
        Ok(())
    }

    /// Writes files below the source folder, which the jail sees read-only. Paths are relative; one that is there
    /// already is an error.
    pub async fn write_sources(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), SandboxError> {
        let (src, files) = (self.folder.src.clone(), files.to_vec());
        tokio::task::spawn_blocking(move || write_files(&src, &files))
            .await
            .map_err(|e| SandboxError::Workspace(format!("writing sources: {e}")))?
    }

    /// Runs one process to its end, feeding it `stdin`. Without a `PATH` in its environment it gets the image's; open
    /// files and file sizes are held to the operator's bounds.
    pub async fn exec(&mut self, request: ExecRequest, stdin: &[u8]) -> Result<Execution, SandboxError> {
        self.exec_reporting(request, stdin).await.map(|(done, _)| done)
    }

    /// As [`Jail::exec`]; also gives what the process reported, if the request asks for a report.
    pub async fn exec_reporting(
        &mut self,
        mut request: ExecRequest,
        stdin: &[u8],
    ) -> Result<(Execution, Vec<u8>), SandboxError> {
        self.fit(&mut request);
        let within = Duration::from_millis(request.limits.wall_ms).saturating_add(self.limits.answer_grace);
        self.begin()?;
        let done = limited(within, "end a process in time", conversation::exec(&mut self.link, request, stdin)).await;
        self.end(done)
    }

    /// Starts one process on a terminal, which the request must ask for; the jail is good for nothing else from then on.
    /// Environment and limits as for [`Jail::exec`], and a `TERM` if there is none. Nothing is said to the jail yet: it
    /// is, with the first [`Terminal::event`].
    pub fn open_terminal(self, request: ExecRequest) -> Result<Terminal, SandboxError> {
        Terminal::open(self, request)
    }

    /// Puts a file into the scratch folder.
    pub async fn put(&mut self, path: &str, content: &[u8]) -> Result<(), SandboxError> {
        check_path(path)?;
        self.begin()?;
        let done = limited(SHORT, "take a file in time", conversation::put(&mut self.link, path, content)).await;
        self.end(done)
    }

    /// Puts files into the build folder, as a compiler here would have made them.
    pub async fn put_build(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), SandboxError> {
        files.iter().try_for_each(|(path, _)| check_path(path))?;
        self.begin()?;
        let done = limited(SHORT, "take files in time", conversation::put_build(&mut self.link, files)).await;
        self.end(done)
    }

    /// Starts a process that stays and waits until it is ready. The jail is good for nothing else from then on.
    pub(crate) async fn serve(&mut self, mut request: ServeRequest) -> Result<Served, SandboxError> {
        request.env.entry("PATH".to_owned()).or_insert_with(|| self.path.clone());
        request.open_files = request.open_files.min(self.limits.open_files);
        request.file_bytes = request.file_bytes.min(self.limits.file_bytes);
        let within = Duration::from_millis(request.ready_ms).saturating_add(self.limits.answer_grace);
        self.begin()?;
        let done = limited(within, "have a resident in time", conversation::serve(&mut self.link, request)).await;
        self.end(done)
    }

    /// Hands the resident a request and gives back its answer, at most `answer_bytes` of it, and how it ended.
    pub(crate) async fn ask(
        &mut self,
        request: AskRequest,
        content: &[u8],
    ) -> Result<(Vec<u8>, Answered), SandboxError> {
        let within = Duration::from_millis(request.wall_ms).saturating_add(self.limits.answer_grace);
        self.begin()?;
        let done = limited(within, "answer in time", conversation::ask(&mut self.link, request, content)).await;
        self.end(done)
    }

    /// Reads files of the build folder, or of one that a program has filled.
    pub async fn fetch(&mut self, request: FetchRequest) -> Result<Fetched, SandboxError> {
        self.begin()?;
        let done = limited(SHORT, "send files in time", conversation::fetch(&mut self.link, request)).await;
        self.end(done)
    }

    /// `Ok(true)`: proven clean for the next test. `Ok(false)`: throw this jail away and take another.
    pub async fn clean(&mut self) -> Result<bool, SandboxError> {
        self.begin()?;
        let done = limited(SHORT, "clean up in time", conversation::clean(&mut self.link)).await;
        let cleaned = self.end(done)?;
        if let Err(detail) = &cleaned {
            tracing::info!(container.id = %self.container, detail, "a jail could not be proven clean");
            self.broken = true;
        }
        Ok(cleaned.is_ok())
    }

    /// Whether Docker saw it, which has just been lost, die of its memory limit.
    pub async fn died_of_memory(&self) -> bool {
        let look = async {
            loop {
                let state = self.docker.inspect(&self.container).await.ok()?.get("State")?.clone();
                // Only of a dead container is it known.
                if !state.get("Running")?.as_bool()? {
                    return state.get("OOMKilled")?.as_bool();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(OBITUARY, look).await.ok().flatten().unwrap_or(false)
    }

    /// Docker's id of the container.
    pub fn container_id(&self) -> &str {
        &self.container
    }

    /// As dropping, but waits for the removal.
    pub async fn destroy(self) {
        let Self { link, tenancy, .. } = self;
        // The end of its input ends the harness, and what has ended is removed sooner than what must be killed.
        drop(link);
        tenancy.end_and_wait().await;
    }

    /// What a request leaves open, and what the operator bounds.
    fn fit(&self, request: &mut ExecRequest) {
        request.env.entry("PATH".to_owned()).or_insert_with(|| self.path.clone());
        request.limits.open_files = request.limits.open_files.min(self.limits.open_files);
        request.limits.file_bytes = request.limits.file_bytes.min(self.limits.file_bytes);
    }

    fn begin(&mut self) -> Result<(), SandboxError> {
        if self.broken {
            return Err(SandboxError::JailLost("an earlier exchange with it was cut off".to_owned()));
        }
        self.broken = true;
        Ok(())
    }

    fn end<T>(&mut self, outcome: Result<T, SandboxError>) -> Result<T, SandboxError> {
        self.broken = outcome.is_err();
        outcome
    }
}

impl Ready for Jail {
    fn id(&self) -> Uuid {
        self.tenancy.id()
    }
}

impl Ceilings {
    /// Whether the operator allows this much.
    pub(crate) fn allow(&self, asked: Resources) -> Result<(), SandboxError> {
        let most = self.resources;
        let refuse = |what: String| Err(SandboxError::Ceiling(format!("{what} (see [sandbox] in the configuration)")));
        if asked.memory_bytes > most.memory_bytes {
            return refuse(format!(
                "{} bytes of memory are more than the {} allowed",
                asked.memory_bytes, most.memory_bytes
            ));
        }
        if !(asked.cpus.is_finite() && asked.cpus >= 0.01 && asked.cpus <= most.cpus) {
            return refuse(format!("{} CPUs are not between 0.01 and the {} allowed", asked.cpus, most.cpus));
        }
        if asked.processes > most.processes {
            return refuse(format!("{} processes are more than the {} allowed", asked.processes, most.processes));
        }
        Ok(())
    }
}

/// A harness that does not answer is a lost jail.
async fn limited<T>(
    within: Duration,
    what: &str,
    exchange: impl Future<Output = Result<T, SandboxError>>,
) -> Result<T, SandboxError> {
    tokio::time::timeout(within, exchange)
        .await
        .unwrap_or_else(|_| Err(SandboxError::JailLost(format!("the harness did not {what}"))))
}
