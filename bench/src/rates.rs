//! Submissions per second when so many are always under way, and what each of them costs the machine.
//!
//! Each of `in_flight` students hands in, waits for the verdict, and hands in again. Our jobs wait for one of the
//! grader's slots as they do in an installation; the published design starts its containers at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use iteratione_common::{lab::LabDocument, language::Language};
use iteratione_sandbox::Sandbox;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    arena::{Arena, Keep},
    cpu::{Cgroup, Clock},
    ours,
    published::Published,
    report::{Mode, Rate, short},
    stats::Samples,
    work::Work,
};

/// How long it is measured.
#[derive(Debug, Clone)]
pub struct Windows {
    /// Not counted, until it runs evenly.
    pub lead: Duration,
    /// Counted.
    pub window: Duration,
    /// How many at once, of ours.
    pub ours: Vec<usize>,
    /// How many at once, of the published design.
    pub published: Vec<usize>,
}

/// A way of doing one submission over and over.
#[derive(Clone)]
enum Way {
    Ours { sandbox: Sandbox, language: Arc<Language>, document: Arc<LabDocument>, slots: Arc<Semaphore> },
    Published(Published),
}

/// One finished submission.
struct Done {
    at: Instant,
    took: Duration,
    programs_ms: u64,
}

/// All rows of one kind of work.
pub async fn rates(arena: &Arena, name: &str, work: &Work, windows: &Windows) -> anyhow::Result<Vec<Rate>> {
    let Some(languages) = arena.language(work.language).await? else { return Ok(Vec::new()) };
    let language = languages.get(work.language).context("it was there")?;
    let document = work.document()?;
    let config = arena.config()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let site = arena.site(&languages, work.language, Keep::AsInstalled).await?;
    let sandbox = site.sandbox.clone();
    let containers = containers(&sandbox, language).await?;
    let slots = Arc::new(Semaphore::new(slots(cores, config.cpus)));
    let ours = Way::Ours { sandbox: sandbox.clone(), language: Arc::clone(language), document, slots };
    let published = Way::Published(arena.published(&languages, work)?);
    let mut rows = Vec::new();
    let mut levels: Vec<usize> = windows.ours.iter().chain(&windows.published).copied().collect();
    levels.sort_unstable();
    levels.dedup();
    for level in levels {
        for (way, mode, at) in [(&published, Mode::Published, &windows.published), (&ours, Mode::Warm, &windows.ours)] {
            if at.contains(&level) {
                site.settled(0).await?;
                let measured = one(way, work, level, windows, containers.as_ref()).await?;
                rows.push(Rate { work: name.to_owned(), mode, cpus: config.cpus, ..measured });
            }
        }
    }
    drop(ours);
    sandbox.shutdown().await;
    Ok(rows)
}

/// As the grader does by default: as many as fill the cores.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1024")]
fn slots(cores: usize, cpus: f64) -> usize {
    (cores as f64 / cpus).floor().clamp(1.0, 1024.0) as usize
}

/// The counters of all containers together.
async fn containers(sandbox: &Sandbox, language: &Language) -> anyhow::Result<Option<Cgroup>> {
    let jail = ours::take(sandbox, language).await?;
    let pid = sandbox.inspect(&jail).await?["State"]["Pid"].as_u64();
    let found = pid.and_then(Cgroup::of_process).and_then(|c| c.of_all_containers());
    jail.destroy().await;
    Ok(found)
}

async fn one(
    way: &Way,
    work: &Work,
    in_flight: usize,
    windows: &Windows,
    containers: Option<&Cgroup>,
) -> anyhow::Result<Rate> {
    let begin = Instant::now() + windows.lead;
    let end = begin + windows.window;
    let mut students = JoinSet::new();
    for _ in 0..in_flight {
        let (way, work) = (way.clone(), work.clone());
        students.spawn(async move {
            let mut done = Vec::new();
            while Instant::now() < end {
                done.push(Box::pin(hand_in(&way, &work)).await?);
            }
            anyhow::Ok(done)
        });
    }
    tokio::time::sleep_until(begin.into()).await;
    let before = Clock::read(containers);
    tokio::time::sleep_until(end.into()).await;
    let after = Clock::read(containers);
    let mut counted = Vec::new();
    while let Some(student) = students.join_next().await {
        counted.extend(student??.into_iter().filter(|d| (begin..end).contains(&d.at)));
    }
    let mut latencies = Samples::default();
    for done in &counted {
        latencies.add(done.took);
    }
    let of = latencies.summary().with_context(|| format!("no submission ended in {:?}", windows.window))?;
    let mut cpu = after.since(&before, counted.len());
    #[allow(clippy::cast_precision_loss, reason = "milliseconds and counts")]
    let (programs, done) = (counted.iter().map(|d| d.programs_ms).sum::<u64>() as f64, counted.len() as f64);
    cpu.programs_ms = short(programs / done);
    let seconds = windows.window.as_secs_f64();
    Ok(Rate {
        work: String::new(),
        mode: Mode::Warm,
        cpus: 0.0,
        in_flight,
        seconds: short(seconds),
        done: counted.len(),
        per_second: short(done / seconds),
        p50_ms: short(of.median),
        p95_ms: short(of.p95),
        p99_ms: short(of.p99),
        cpu,
    })
}

async fn hand_in(way: &Way, work: &Work) -> anyhow::Result<Done> {
    let began = Instant::now();
    let programs_ms = match way {
        Way::Ours { sandbox, language, document, slots } => {
            let _slot = slots.acquire().await?;
            Box::pin(ours::submit(sandbox, language, work, document)).await?.cpu_ms
        }
        Way::Published(published) => {
            published.submit(work).await?;
            0
        }
    };
    Ok(Done { at: Instant::now(), took: began.elapsed(), programs_ms })
}
