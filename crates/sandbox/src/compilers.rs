//! Compilers that stay: started beforehand, each in a jail of its own, and lent to one submission at a time.
//!
//! One task per language with a `[warm]` table ([`keep`]): it starts what is missing, replaces what is worn out or of
//! an older image, and looks after those that wait. Who gets none in time, or gets no answer, compiles in his own jail.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use iteratione_common::language::{Language, Warm, with_memory};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    Jail, Resources, SandboxError,
    config::mib,
    labels::Kind,
    pool::Pool,
    protocol::{Answered, AskRequest, SOURCE_DIR, ServeRequest, Stop},
};

pub mod wire;

use wire::{Answer, Order};

/// How often those that wait are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// One that waits has this long to say that it is alive.
const PING: Duration = Duration::from_secs(1);
/// After a start that failed.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// `RLIMIT_FSIZE` of a compiler that has no file to write.
const FILE_BYTES: u64 = 1 << 20;
const OPEN_FILES: u64 = 256;
/// In an answer, beside messages and files.
const ANSWER_EXTRA: u64 = 4 << 20;

/// A compiler that is ready.
#[derive(Debug)]
struct Resident {
    jail: Jail,
    /// Requests that it has answered.
    asks: u32,
}

#[derive(Debug, Default)]
struct Bench {
    ready: VecDeque<Resident>,
    /// Ready or lent.
    alive: usize,
    /// Nothing is taken back any more.
    closed: bool,
}

#[derive(Debug)]
struct Lane {
    language: Arc<Language>,
    warm: Warm,
    bench: Mutex<Bench>,
    /// As many permits as are ready.
    free: Semaphore,
    changed: Notify,
}

/// The compilers of every language that has one that stays.
#[derive(Debug)]
pub(crate) struct Compilers {
    pool: Arc<Pool>,
    lanes: BTreeMap<String, Arc<Lane>>,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An answer, and what it took.
    Answered(Answer, Answered),
    /// A limit was broken: which, and what it took.
    Stopped(Answered),
    /// Nobody could answer: compile it yourself.
    Nobody,
}

/// One that is lent. If it is not given back it is lost, and another is started.
struct Lent {
    lane: Arc<Lane>,
    resident: Option<Resident>,
    why: &'static str,
}

impl Lane {
    fn bench(&self) -> MutexGuard<'_, Bench> {
        self.bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelve(&self, resident: Resident) {
        let mut bench = self.bench();
        if bench.closed {
            bench.alive = bench.alive.saturating_sub(1);
            return;
        }
        bench.ready.push_back(resident);
        drop(bench);
        self.free.add_permits(1);
        self.report();
    }

    /// Takes one off the bench for which a permit was got.
    fn take(&self) -> Option<Resident> {
        let taken = self.bench().ready.pop_front();
        self.report();
        taken
    }

    fn gone(&self, why: &'static str) {
        let mut bench = self.bench();
        bench.alive = bench.alive.saturating_sub(1);
        drop(bench);
        metrics::counter!("iteratione_compiler_recycled_total", "language" => self.language.id.clone(), "why" => why)
            .increment(1);
        self.changed.notify_one();
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge of a few")]
    fn report(&self) {
        let ready = self.bench().ready.len();
        metrics::gauge!("iteratione_compiler_ready", "language" => self.language.id.clone()).set(ready as f64);
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("iteratione_compiler_asks_total", "language" => self.language.id.clone(), "outcome" => outcome)
            .increment(1);
    }

    fn is_worn(&self, pool: &Pool, resident: &Resident) -> bool {
        resident.asks >= self.warm.recycle_after || pool.is_outdated(&self.language.id, &resident.jail)
    }
}

impl Lent {
    fn give_back(mut self) {
        if let Some(resident) = self.resident.take() {
            self.lane.shelve(resident);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The jail's own end is its tenancy's.
        if self.resident.take().is_some() {
            self.lane.gone(self.why);
        }
    }
}

impl Compilers {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        let wanted = pool.config.compilers > 0;
        let lane = |language: &Arc<Language>| {
            let warm = language.warm.clone().filter(|_| wanted)?;
            let lane = Lane {
                language: Arc::clone(language),
                warm,
                bench: Mutex::default(),
                free: Semaphore::new(0),
                changed: Notify::new(),
            };
            Some((language.id.clone(), Arc::new(lane)))
        };
        let lanes = pool.languages.iter().filter_map(lane).collect();
        Self { pool, lanes }
    }

    /// Starts the tasks. When `soft` comes nothing is started any more; who is there goes on until the pool's stop.
    pub(crate) fn keep(&self, soft: &CancellationToken) {
        for lane in self.lanes.values() {
            self.pool.tasks.spawn(keep(Arc::clone(&self.pool), Arc::clone(lane), soft.clone()));
        }
    }

    /// Ready ones of a language.
    pub(crate) fn ready(&self, language: &str) -> usize {
        self.lanes.get(language).map_or(0, |lane| lane.bench().ready.len())
    }

    /// Ends those that are ready, and those that are lent when they come back.
    pub(crate) fn close(&self) {
        for lane in self.lanes.values() {
            let mut bench = lane.bench();
            bench.closed = true;
            let ended: Vec<_> = bench.ready.drain(..).collect();
            drop(bench);
            drop(ended);
        }
    }

    /// Has something compiled.
    pub(crate) async fn compile(&self, language: &Language, order: &Order<'_>) -> Outcome {
        let Some(lane) = self.lanes.get(&language.id) else { return Outcome::Nobody };
        let Ok(request) = wire::encode(order) else { return Outcome::Nobody };
        let Some(mut lent) = self.borrow(lane).await else {
            lane.count("busy");
            return Outcome::Nobody;
        };
        let Some(resident) = &mut lent.resident else { return Outcome::Nobody };
        let limits = language.compile_limits;
        let asked = AskRequest {
            len: request.len() as u64,
            cpu_ms: limits.cpu_ms,
            wall_ms: limits.wall_ms,
            answer_bytes: ANSWER_EXTRA
                .saturating_add(u64::from(order.text_bytes))
                .saturating_add(u64::from(order.files_bytes)),
        };
        let began = Instant::now();
        let said = resident.jail.ask(asked, &request).await;
        metrics::histogram!("iteratione_compiler_compile_seconds", "language" => language.id.clone())
            .record(began.elapsed().as_secs_f64());
        let container = resident.jail.container_id().to_owned();
        let anomaly = |lent: &mut Lent, why: &'static str, detail: &dyn std::fmt::Display| {
            tracing::warn!(language = language.id, container.id = container, %detail, "a resident compiler failed: {why}");
            lent.lane.count(why);
            lent.why = why;
            Outcome::Nobody
        };
        match said {
            Err(error) => anomaly(&mut lent, "lost", &error),
            Ok((_, end)) if end.oom_kills > 0 || matches!(end.stop, Some(Stop::Cpu | Stop::Wall)) => {
                lane.count("limit");
                lent.why = "limit";
                Outcome::Stopped(end)
            }
            Ok((_, Answered { broken: Some(why), .. })) => anomaly(&mut lent, "broken", &why),
            Ok((_, Answered { stop: Some(_), .. })) => anomaly(&mut lent, "broken", &"it was killed"),
            Ok((bytes, end)) => match wire::decode(&bytes, order) {
                Err(why) => anomaly(&mut lent, "garbled", &why),
                Ok(answer) => {
                    lane.count("answered");
                    resident.asks = resident.asks.saturating_add(1);
                    if answer.last {
                        lent.why = "asked_for";
                    } else if resident.asks >= lane.warm.recycle_after.saturating_mul(2) {
                        lent.why = "worn";
                    } else {
                        lent.give_back();
                        // Somebody may have to be started in its place.
                        lane.changed.notify_one();
                    }
                    Outcome::Answered(answer, end)
                }
            },
        }
    }

    async fn borrow(&self, lane: &Arc<Lane>) -> Option<Lent> {
        // Nobody waits for one that is only being started: that takes longer than compiling cold.
        let patience = match lane.bench() {
            bench if bench.closed || bench.alive == 0 => return None,
            _ => Duration::from_millis(lane.warm.patience_ms),
        };
        let permit = tokio::time::timeout(patience, lane.free.acquire()).await.ok()?.ok()?;
        permit.forget();
        let resident = lane.take();
        resident.map(|resident| Lent { lane: Arc::clone(lane), resident: Some(resident), why: "dropped" })
    }
}

/// Keeps as many as the configuration wants.
async fn keep(pool: Arc<Pool>, lane: Arc<Lane>, soft: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    loop {
        // One that is worn is replaced first and then sent away: nobody has to compile cold because of it.
        let (alive, worn) = {
            let bench = lane.bench();
            (bench.alive, bench.ready.iter().filter(|r| lane.is_worn(&pool, r)).count())
        };
        let wanted = pool.config.compilers;
        if worn > 0 && alive > wanted {
            send_away_worn(&pool, &lane);
        }
        let missing = alive < wanted || (worn > 0 && alive == wanted);
        if missing && !soft.is_cancelled() {
            let started = tokio::select! {
                () = pool.stop.cancelled() => return,
                started = start(&pool, &lane) => started,
            };
            match started {
                Ok(resident) => {
                    pause = FIRST_PAUSE;
                    lane.bench().alive += 1;
                    lane.shelve(resident);
                    send_away_worn(&pool, &lane);
                    continue;
                }
                Err(SandboxError::Stopping) => return,
                Err(error) => {
                    tracing::warn!(language = lane.language.id, %error, "a resident compiler could not be started");
                    lane.count("not_started");
                    tokio::select! {
                        () = pool.stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                    continue;
                }
            }
        }
        tokio::select! {
            () = pool.stop.cancelled() => return,
            () = lane.changed.notified() => {}
            () = tokio::time::sleep(LOOK) => look_after(&lane).await,
        }
    }
}

/// Ends one of the worn, if there are more than are wanted.
fn send_away_worn(pool: &Pool, lane: &Arc<Lane>) {
    let mut bench = lane.bench();
    if bench.alive <= pool.config.compilers {
        return;
    }
    let Some(place) = bench.ready.iter().position(|r| lane.is_worn(pool, r)) else { return };
    // Its permit goes with it. If somebody holds it just now, he will have taken this one or the next look finds it.
    let Ok(permit) = lane.free.try_acquire() else { return };
    permit.forget();
    let worn = bench.ready.remove(place);
    drop(bench);
    drop(worn);
    lane.gone("worn");
}

/// Asks one that waits whether it is alive.
async fn look_after(lane: &Arc<Lane>) {
    let Ok(permit) = lane.free.try_acquire() else { return };
    permit.forget();
    let mut lent = Lent { lane: Arc::clone(lane), resident: lane.take(), why: "dead" };
    let alive = match &mut lent.resident {
        Some(resident) => resident.jail.is_alive(PING).await,
        None => return,
    };
    if alive {
        lent.give_back();
    }
}

async fn start(pool: &Arc<Pool>, lane: &Lane) -> Result<Resident, SandboxError> {
    let (language, warm) = (&lane.language, &lane.warm);
    let most = pool.ceilings().resources;
    let resources = Resources {
        memory_bytes: mib(warm.memory_mb).min(most.memory_bytes),
        cpus: pool.config.compiler_cpus.min(most.cpus),
        processes: warm.processes.min(most.processes),
    };
    let mut jail = pool.start_apart(language, resources, Kind::Compiler).await?;
    let request = ServeRequest {
        argv: warm.command.iter().map(|a| with_memory(a, resources.memory_bytes)).collect(),
        env: language.env.iter().map(|(k, v)| (k.clone(), with_memory(v, resources.memory_bytes))).collect(),
        cwd: SOURCE_DIR.to_owned(),
        file_bytes: FILE_BYTES,
        open_files: OPEN_FILES,
        ready_ms: warm.ready_ms,
    };
    let served = jail.serve(request).await?;
    tracing::info!(
        language = language.id,
        container.id = jail.container_id(),
        cpu_ms = served.cpu_us / 1000,
        duration_ms = served.wall_us / 1000,
        "a resident compiler is ready"
    );
    Ok(Resident { jail, asks: 0 })
}
