//! The installation that is measured, as far as terminals are concerned.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::{bail, ensure};
use iteratione_common::{
    config::{Environment, process_environment},
    ids::UserId,
    terminal::ticket::TicketKey,
};
use jiff::Timestamp;
use tempfile::TempDir;
use testkit::{
    Client,
    service::Service,
    settings::Settings,
    stack::{Stack, free_port},
};
use uuid::Uuid;

use super::{crowd::Door, programs::Language, watch_over::Watched};

/// Until a pool is full again, or everybody's container gone.
const SETTLED: Duration = Duration::from_secs(300);
/// Until a runner that was told to stop has ended.
const ENDED: Duration = Duration::from_secs(300);
/// A ticket is used at once, unless very many are.
const TICKET: Duration = Duration::from_secs(30);

/// Ways in, and what is known of it.
pub struct Installation {
    /// Through the API.
    pub api: Door,
    /// To the runner itself.
    pub runner: Door,
    /// Its processes.
    pub watched: Watched,
    metrics: Client,
    service: Service,
    _folder: TempDir,
}

/// Where the runner is to be.
#[derive(Debug, Clone)]
pub struct Address(String);

impl Address {
    /// Where nobody listens.
    pub fn free() -> Self {
        Self(format!("127.0.0.1:{}", free_port()))
    }

    /// As the API wants to know it.
    pub fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

impl Installation {
    /// Adds a runner to a stack that runs, with these settings more.
    pub async fn start(stack: &Stack, address: &Address, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let found = Settings::read();
        let folder = tempfile::tempdir()?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let health = Address::free();
        let mut environment: BTreeMap<String, String> = [
            ("ITERATIONE_ENV", "dev".to_owned()),
            ("ITERATIONE_INSTANCE", stack.instance.clone()),
            ("ITERATIONE_LANGUAGES_DIR", path(&found.languages_dir)),
            ("REDIS_URL", found.redis_url.clone()),
            ("ITERATIONE_RUNNER__LISTEN", address.0.clone()),
            ("ITERATIONE_RUNNER__METRICS_LISTEN", health.0.clone()),
            ("ITERATIONE_SANDBOX__WORKSPACE_ROOT", path(&folder.path().join("workspaces"))),
            ("ITERATIONE_SANDBOX__HARNESS", path(&found.harness)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let own = process_environment();
        for name in ["PATH", "HOME", "DOCKER_HOST"] {
            environment.extend(own.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let program = found.program("iteratione-runner");
        let mut service = Service::new("runner", &program, environment, folder.path(), &health.url());
        service.start().await;

        let key = Arc::new(TicketKey::from_setting(&String::new().into(), Environment::Dev)?);
        let door = |origin: &str| -> Door {
            let (key, origin) = (Arc::clone(&key), origin.replacen("http://", "ws://", 1));
            // Everybody is somebody else, as in a class; accounts would only cost time here.
            Arc::new(move || format!("{origin}/ws/run?ticket={}", ticket(&key)))
        };
        Ok(Self {
            api: door(&stack.url),
            runner: door(&address.url()),
            watched: Watched { runner: service.pid(), api: stack.api.pid() },
            metrics: Client::new(&health.url())?,
            service,
            _folder: folder,
        })
    }

    /// Ends the runner.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.service.terminate();
        let status = self.service.ended(ENDED).await;
        ensure!(status.success(), "the runner ended with {status}: {}", self.service.log_tail(20));
        Ok(())
    }

    /// Waits until a jail and a compiler of the language are ready, and nobody is at a terminal.
    pub async fn settled(&self, language: Language) -> anyhow::Result<()> {
        let level = format!("iteratione_pool_level{{language=\"{}\"}}", language.id());
        let ready = format!("iteratione_compilers_ready{{language=\"{}\"}}", language.id());
        self.wait("the pool is not full", |figures| {
            let compiler = language != Language::Java || figures(&ready).is_none_or(|n| n >= 1.0);
            figures(&level).is_some_and(|n| n >= 2.0) && compiler && figures("iteratione_pool_in_use") == Some(0.0)
        })
        .await
    }

    /// Waits until no jail is in use any more.
    pub async fn nobody(&self) -> anyhow::Result<()> {
        self.wait("containers are left", |figures| figures("iteratione_pool_in_use") == Some(0.0)).await
    }

    async fn wait(&self, what: &str, met: impl Fn(&dyn Fn(&str) -> Option<f64>) -> bool) -> anyhow::Result<()> {
        let waiting = async {
            loop {
                let text = self.metrics.plain("/metrics").await?.body;
                let text = text.as_str().unwrap_or_default();
                let figure = |name: &str| {
                    text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')).and_then(|n| n.parse().ok())
                };
                if met(&figure) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(SETTLED, waiting).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("{what} after {} s", SETTLED.as_secs()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a ticket for now")]
fn ticket(key: &TicketKey) -> String {
    key.issue(UserId::from(Uuid::now_v7()), Timestamp::now() + TICKET).1
}
