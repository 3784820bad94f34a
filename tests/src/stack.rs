//! A private installation: database, API, graders, runners, and a Redis of its own where a test breaks it.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use iteratione_common::config::process_environment;
use iteratione_demo::{ADMIN, INSTRUCTOR, PASSWORD, client::Client};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    database::Database,
    leftovers,
    redis_server::{self, RedisServer},
    service::Service,
    settings::Settings,
    turn,
    wait::until,
};

/// Until the last job has ended after a test.
const LAST_JOBS: Duration = Duration::from_secs(90);
/// Grace of the services, and some more.
const STOPPED: Duration = Duration::from_secs(60);
/// Lines of each log that a failed test shows.
const LOG_LINES: usize = 40;

/// What a test needs.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Graders that are started.
    pub graders: usize,
    /// Runners that are started. All terminals of an account go to the same one.
    pub runners: usize,
    /// Jobs at once, of each grader.
    pub slots: u32,
    /// Warm jails per language, of each grader.
    pub warm: u32,
    /// A Redis that the test may kill and empty.
    pub own_redis: bool,
    /// A way to the database that the test may cut.
    pub database_proxy: bool,
    /// No other test runs meanwhile: for those that measure.
    pub alone: bool,
    /// The test breaks things: services may log errors.
    pub errors_expected: bool,
    /// More settings of all services.
    pub settings: Vec<(&'static str, String)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            graders: 1,
            runners: 0,
            slots: 4,
            warm: 0,
            own_redis: false,
            database_proxy: false,
            alone: false,
            errors_expected: false,
            settings: Vec::new(),
        }
    }
}

/// A running installation.
#[derive(Debug)]
pub struct Stack {
    /// The API.
    pub api: Service,
    /// The graders; a killed one can be started again.
    pub graders: Vec<Service>,
    /// The runners; a killed one can be started again.
    pub runners: Vec<Service>,
    /// Where each of them takes sockets.
    pub runner_urls: Vec<String>,
    /// The test's own Redis, if it asked for one.
    pub redis: Option<RedisServer>,
    /// The database.
    pub database: Database,
    /// Namespace in Redis, label in Docker, folder in the workspace.
    pub instance: String,
    /// `http://127.0.0.1:port`.
    pub url: String,
    setup: Setup,
    settings: Settings,
    workspace_root: PathBuf,
    folder: TempDir,
}

/// Runs a test against an installation of its own. Afterwards everything must have ended well: each submission recorded
/// once, services healthy until they are stopped, nothing left on the host. `within` bounds the test itself.
pub fn with_stack(setup: Setup, within: Duration, test: impl AsyncFnOnce(&mut Stack)) {
    let _turn = turn::take(setup.alone);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut stack = Stack::prepare(setup).await;
        let whole = async {
            stack.start().await;
            assert!(
                tokio::time::timeout(within, test(&mut stack)).await.is_ok(),
                "the test had not ended after {} s",
                within.as_secs()
            );
            stack.end().await;
        };
        let outcome = AssertUnwindSafe(whole).catch_unwind().await;
        if outcome.is_err() {
            stack.show_logs();
        }
        stack.tear_down().await;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    });
}

impl Stack {
    async fn prepare(setup: Setup) -> Self {
        let settings = Settings::read();
        let folder = tempfile::tempdir().expect("a folder");
        let workspace_root = folder.path().join("workspaces");
        let instance = format!("test-{}", Uuid::new_v4().simple());
        let database = Database::create(&settings.database_url, setup.database_proxy).await;
        let redis = if setup.own_redis { Some(RedisServer::start(folder.path()).await) } else { None };

        let redis_url = redis.as_ref().map_or_else(|| settings.redis_url.clone(), RedisServer::url);
        let path = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
        let mut common: BTreeMap<String, String> = [
            ("ITERATIONE_ENV", "dev".to_owned()),
            ("ITERATIONE_INSTANCE", instance.clone()),
            ("ITERATIONE_LANGUAGES_DIR", path(&settings.languages_dir)),
            ("DATABASE_URL", database.url.clone()),
            ("REDIS_URL", redis_url),
            ("ITERATIONE_GRADER__SLOTS", setup.slots.to_string()),
            ("ITERATIONE_GRADER__LEASE_SECONDS", "5".to_owned()),
            ("ITERATIONE_GRADER__RETRY_SECONDS", "1".to_owned()),
            ("ITERATIONE_SANDBOX__WORKSPACE_ROOT", path(&workspace_root)),
            ("ITERATIONE_SANDBOX__HARNESS", path(&settings.harness)),
            ("ITERATIONE_SANDBOX__POOL_FLOOR", setup.warm.to_string()),
            ("ITERATIONE_SANDBOX__POOL_CEILING", setup.warm.to_string()),
            // Nobody is to wait for other work on this machine.
            ("ITERATIONE_RUNNER__MIN_FREE_MEMORY_MB", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let own = process_environment();
        for name in ["PATH", "HOME", "DOCKER_HOST"] {
            common.extend(own.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        common.extend(setup.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));

        let listen = address();
        let url = format!("http://{listen}");
        let doors: Vec<String> = (0..setup.runners).map(|_| address()).collect();
        let runner_urls: Vec<String> = doors.iter().map(|door| format!("http://{door}")).collect();
        let mut environment = common.clone();
        if !runner_urls.is_empty() {
            environment.insert("ITERATIONE_API__RUNNER_URL".to_owned(), runner_urls.join(","));
        }
        environment.insert("ITERATIONE_API__LISTEN".to_owned(), listen);
        environment.insert("ITERATIONE_API__METRICS_LISTEN".to_owned(), address());
        let api = Service::new("api", &settings.program("iteratione-api"), environment, folder.path(), &url);
        let grader = |number| {
            let listen = address();
            let mut environment = common.clone();
            environment.insert("ITERATIONE_GRADER__METRICS_LISTEN".to_owned(), listen.clone());
            let (name, program) = (format!("grader-{number}"), settings.program("iteratione-grader"));
            Service::new(&name, &program, environment, folder.path(), &format!("http://{listen}"))
        };
        let graders = (0..setup.graders).map(grader).collect();
        let runner = |(number, door): (usize, String)| {
            let listen = address();
            let mut environment = common.clone();
            environment.insert("ITERATIONE_RUNNER__LISTEN".to_owned(), door);
            environment.insert("ITERATIONE_RUNNER__METRICS_LISTEN".to_owned(), listen.clone());
            let (name, program) = (format!("runner-{number}"), settings.program("iteratione-runner"));
            Service::new(&name, &program, environment, folder.path(), &format!("http://{listen}"))
        };
        let runners = doors.into_iter().enumerate().map(runner).collect();
        Self {
            api,
            graders,
            runners,
            runner_urls,
            redis,
            database,
            instance,
            url,
            setup,
            settings,
            workspace_root,
            folder,
        }
    }

    async fn start(&mut self) {
        self.api.start().await;
        self.database.record_endings().await;
        self.seed().await;
        self.graders.iter_mut().chain(&mut self.runners).for_each(Service::spawn);
        join_all(self.graders.iter_mut().chain(&mut self.runners).map(Service::ready)).await;
    }

    async fn seed(&self) {
        let program = self.settings.program("iteratione-api");
        let environment = [
            ("ITERATIONE_ENV", "dev"),
            ("DATABASE_URL", &self.database.url),
            ("ITERATIONE_LANGUAGES_DIR", self.settings.languages_dir.to_str().expect("UTF-8")),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let seed = Service::new("seed-demo", &program, environment, self.folder.path(), &self.url);
        seed.arguments(&["seed-demo"]).run().await;
    }

    /// A client that is signed in as nobody.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url).expect("a client")
    }

    /// A client of an account.
    pub async fn signed_in(&self, email: &str, password: &str) -> Client {
        let client = self.anonymous();
        client.login(email, password).await.unwrap_or_else(|e| panic!("{email} cannot sign in: {e:#}"));
        client
    }

    /// The demo's instructor.
    pub async fn instructor(&self) -> Client {
        self.signed_in(INSTRUCTOR, PASSWORD).await
    }

    /// The demo's admin.
    pub async fn admin(&self) -> Client {
        self.signed_in(ADMIN, PASSWORD).await
    }

    /// Ids of this installation's containers.
    pub async fn containers(&self) -> Vec<String> {
        leftovers::containers(&self.instance).await
    }

    /// What this installation has in its workspace.
    pub fn folders(&self) -> Vec<String> {
        leftovers::folders(&self.workspace_root, &self.instance)
    }

    /// This installation's jails in which a submission is, or was.
    pub fn used_jails(&self) -> Vec<String> {
        leftovers::used_jails(&self.workspace_root, &self.instance)
    }

    /// API, graders and runners, running or not.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        std::iter::once(&self.api).chain(&self.graders).chain(&self.runners)
    }

    fn services_mut(&mut self) -> impl Iterator<Item = &mut Service> {
        std::iter::once(&mut self.api).chain(&mut self.graders).chain(&mut self.runners)
    }

    /// The end of a test that went well: what must be true of every installation.
    async fn end(&mut self) {
        let unfinished = until("every job has ended", LAST_JOBS, async || {
            let jobs = self.database.unfinished_jobs().await;
            jobs.is_empty().then_some(jobs)
        });
        unfinished.await;
        assert_eq!(self.database.not_recorded_once().await, [], "submissions that were not recorded exactly once");
        for service in self.services().filter(|s| s.is_running()) {
            assert!(service.is_alive().await, "{} is not alive", service.name());
        }
        self.stop().await;
        for service in self.services().filter(|_| !self.setup.errors_expected) {
            assert_eq!(service.complaints(), Vec::<String>::new(), "{} complains", service.name());
        }
        assert_eq!(self.containers().await, Vec::<String>::new(), "containers are left");
        assert_eq!(leftovers::processes(&self.instance), Vec::<String>::new(), "processes are left");
        assert_eq!(self.folders(), Vec::<String>::new(), "folders are left in the workspace");
    }

    /// Stops the services as an operator does; each must end well.
    async fn stop(&mut self) {
        let mut running: Vec<&mut Service> = self.services_mut().filter(|s| s.is_running()).collect();
        for service in &running {
            service.terminate();
        }
        join_all(running.iter_mut().map(async |service| {
            let status = service.ended(STOPPED).await;
            assert!(status.success(), "{} ended badly: {status}", service.name());
        }))
        .await;
    }

    fn show_logs(&self) {
        for service in self.services() {
            eprintln!("--- {}, the last lines:\n{}", service.name(), service.log_tail(LOG_LINES));
        }
    }

    /// Removes everything, whatever state it is in.
    async fn tear_down(mut self) {
        for service in self.services_mut().filter(|s| s.is_running()) {
            service.kill().await;
        }
        leftovers::remove_containers(&self.instance).await;
        if self.redis.is_none() {
            redis_server::forget(&self.settings.redis_url, &self.instance).await;
        }
        self.database.drop().await;
    }
}

/// An address on which nobody listens.
fn address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// A port on which nobody listens, below those that the kernel gives to outgoing connections.
pub fn free_port() -> u16 {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests run in several processes: each begins somewhere else.
    let begin = u16::try_from(std::process::id() % 1000).expect("below 1000") * 12;
    for _ in PORTS {
        let port = PORTS.start + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
