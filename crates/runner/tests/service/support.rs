//! An admission of one test's own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use iteratione_common::{
    ids::UserId,
    lifecycle::Lifecycle,
    runs::{Runs, Terms},
};
use iteratione_runner::{
    RunnerConfig,
    admission::{Admission, Permit, Refusal, Turn, Waiting},
};
use uuid::Uuid;

/// The machine may be busy; a test that needs this has failed anyway.
pub const DEADLINE: Duration = Duration::from_secs(90);
const TRY_AGAIN: Duration = Duration::from_millis(100);

#[allow(clippy::disallowed_methods, reason = "tests are steered by the environment")]
pub fn redis_url() -> String {
    std::env::var("ITERATIONE_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:63799".to_owned())
}

pub fn namespace() -> String {
    format!("test-{}", Uuid::new_v4())
}

/// Leases outlive any test: nothing is freed by running out.
pub fn runs(url: &str, namespace: &str, lifecycle: &Lifecycle) -> Runs {
    let terms = Terms { life: Duration::from_secs(600), renew_every: Duration::from_millis(200) };
    Runs::connect(url, namespace, terms, lifecycle).expect("a URL")
}

/// A Redis that is not there: nobody listens at this port while the listener, which never accepts, is gone.
pub fn no_redis() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    format!("redis://127.0.0.1:{port}")
}

pub fn config(sessions: usize, waiting_most: usize) -> RunnerConfig {
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    RunnerConfig {
        listen: anywhere,
        metrics_listen: anywhere,
        sessions,
        sessions_per_account: 1,
        waiting_most,
        min_free_memory_mb: 512,
        wall_seconds: 120,
        cpu_seconds: 60,
        idle_seconds: 90,
        grace_seconds: 20,
        socket_idle_seconds: 900,
        output_mb: 32,
        cpu_period_ms: 40,
        drain_seconds: 25,
        connections: 1024,
    }
}

/// A session without a socket, of some account.
pub type Detached = Arc<Mutex<Option<(UserId, Permit)>>>;

/// A door, and what it depends on.
pub struct Door {
    pub admission: Admission,
    pub lifecycle: Lifecycle,
    /// MiB that the machine seems to have available.
    pub memory: Arc<AtomicU64>,
    pub detached: Detached,
}

impl Door {
    pub fn new(config: &RunnerConfig) -> Self {
        Self::beside(config, &redis_url(), &namespace())
    }

    /// One of several runners.
    pub fn beside(config: &RunnerConfig, url: &str, namespace: &str) -> Self {
        let lifecycle = Lifecycle::new();
        let runs = runs(url, namespace, &lifecycle);
        let (memory, detached) = (Arc::new(AtomicU64::new(1 << 20)), Detached::default());
        let probe = {
            let memory = Arc::clone(&memory);
            Box::new(move || Some(memory.load(Ordering::Relaxed) << 20))
        };
        let end_detached = {
            let detached = Arc::clone(&detached);
            Box::new(move |account| {
                let mut detached = detached.lock().unwrap_or_else(PoisonError::into_inner);
                detached.take_if(|(of, _)| *of == account).is_some()
            })
        };
        let admission = Admission::new(config, runs, end_detached, probe, &lifecycle);
        Self { admission, lifecycle, memory, detached }
    }

    /// Joins; a Redis that is too slow just now is asked again, as its clients are told to.
    pub async fn join(&self, account: UserId) -> Result<Waiting, Refusal> {
        let joining = async {
            loop {
                match self.admission.join(account, Uuid::now_v7()).await {
                    Err(refusal) if refusal.code == "unavailable" => tokio::time::sleep(TRY_AGAIN).await,
                    other => return other,
                }
            }
        };
        tokio::time::timeout(DEADLINE, joining).await.expect("an answer")
    }

    /// Somebody new in the line.
    pub async fn waits(&self) -> Waiting {
        self.join(UserId::new()).await.expect("may wait")
    }

    /// Somebody new who need not wait.
    pub async fn is_in(&self) -> Permit {
        let mut waiting = self.waits().await;
        permit(&mut waiting).await
    }
}

pub async fn next(waiting: &mut Waiting) -> Turn {
    tokio::time::timeout(DEADLINE, waiting.next()).await.expect("something happens")
}

/// The next turn is a position.
pub async fn position(waiting: &mut Waiting) -> u32 {
    match next(waiting).await {
        Turn::Position(position) => position,
        other => panic!("a position, not {other:?}"),
    }
}

/// The next turn is the permit.
pub async fn permit(waiting: &mut Waiting) -> Permit {
    match next(waiting).await {
        Turn::Go(permit) => permit,
        other => panic!("a permit, not {other:?}"),
    }
}

/// Waits through all positions for the permit.
pub async fn until_in(waiting: &mut Waiting) -> Permit {
    loop {
        match next(waiting).await {
            Turn::Go(permit) => return permit,
            Turn::Position(_) => {}
            Turn::Refused(refusal) => panic!("refused: {refusal:?}"),
        }
    }
}
