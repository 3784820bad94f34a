//! `iteratione-bench terminal`: the live terminal, one at a time beside a pty of this machine, and very many at once,
//! against an installation of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use testkit::stack::{Setup, Stack, with_stack};
use tokio::sync::watch;

pub mod crowd;
pub mod grading;
pub mod idle;
pub mod installation;
pub mod local;
pub mod programs;
pub mod report;
pub mod seat;
pub mod watch_over;

use crowd::Crowd;
use grading::Grading;
use installation::{Address, Installation};
use programs::{Language, Program};
use report::{Load, Report, Unread};

use seat::Seat;

use crate::{
    arena::{Arena, Keep},
    machine,
    report::short,
    table,
};

/// Nothing here takes longer.
const WHOLE: Duration = Duration::from_secs(3 * 3600);
/// An echo that takes longer than this is not much better than none.
const UNBEARABLE_MS: f64 = 1_000.0;
/// Between two keys of somebody who types fast.
const PAUSE: Duration = Duration::from_millis(200);
/// How long nobody reads.
const UNREAD: Duration = Duration::from_secs(6);
const LANGUAGES: [Language; 2] = [Language::Java, Language::Python];

/// What was asked for.
#[derive(Debug, Clone, Args)]
pub struct Asked {
    /// Few rounds.
    #[arg(long)]
    quick: bool,
    /// Only these parts, separated by commas: echo, start, cold, interrupt, load; or sandbox alone, which needs no
    /// services.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds of key and line for each way.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rounds: u16,
    /// Terminals at once, half Java, half Python.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=2000))]
    sessions: u16,
    /// Then so many, one number after the other, until something breaks: 160,200,250.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=2000))]
    ramp: Vec<u16>,
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Where things are.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Folder for what is made meanwhile.
    pub home: &'a Path,
    /// Folder of the languages.
    pub languages: &'a Path,
    /// The static harness.
    pub harness: &'a Path,
}

impl Asked {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn steps(&self) -> Vec<usize> {
        std::iter::once(self.sessions).chain(self.ramp.iter().copied()).map(usize::from).collect()
    }

    fn times(&self, all: usize, quick: usize) -> usize {
        if self.quick { quick } else { all }
    }

    /// Room for everybody who will come, for as long as it takes: of the API and of the runner.
    fn settings(&self, warm: u32) -> Vec<(&'static str, String)> {
        let most = self.steps().into_iter().max().unwrap_or(0);
        let mut settings = vec![
            ("ITERATIONE_RUNNER__SESSIONS", most + 16),
            ("ITERATIONE_RUNNER__WAITING_MOST", most + 16),
            ("ITERATIONE_RUNNER__CONNECTIONS", 2 * most + 64),
            ("ITERATIONE_RUNNER__WALL_SECONDS", 7_200),
            ("ITERATIONE_RUNNER__IDLE_SECONDS", 7_200),
            ("ITERATIONE_RUNNER__OUTPUT_MB", 1024),
            ("ITERATIONE_API__LIMITS__TERMINALS", 2 * most + 64),
            ("ITERATIONE_API__CONNECTIONS", 4 * most + 256),
            ("ITERATIONE_SANDBOX__MAX_CONTAINERS", most + 48),
            ("ITERATIONE_SANDBOX__ROOM_MS", 900_000),
            ("ITERATIONE_SANDBOX__SHUTDOWN_MS", 180_000),
        ];
        if warm == 0 {
            settings.push(("ITERATIONE_SANDBOX__POOL_FLOOR", 0));
            settings.push(("ITERATIONE_SANDBOX__POOL_CEILING", 0));
            settings.push(("ITERATIONE_SANDBOX__COMPILERS", 0));
        }
        settings.into_iter().map(|(name, n)| (name, n.to_string())).collect()
    }
}

/// Runs something against an installation of its own with a runner. Not to be called from within a runtime.
fn installed(
    asked: &Asked,
    warm: u32,
    measure: impl AsyncFnOnce(&Stack, &Installation) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (address, settings) = (Address::free(), asked.settings(warm));
    let mut all = settings.clone();
    all.push(("ITERATIONE_API__RUNNER_URL", address.url()));
    // Where it breaks is what is asked: errors may be logged.
    let setup = Setup { warm, alone: true, errors_expected: true, settings: all, ..Setup::default() };
    let mut outcome = Ok(());
    with_stack(setup, WHOLE, async |stack| {
        outcome = async {
            let installation = Installation::start(stack, &address, &settings).await?;
            let measured = measure(stack, &installation).await;
            let ended = installation.end().await;
            measured.and(ended)
        }
        .await;
    });
    outcome
}

/// Measures what was asked for and prints it. Not to be called from within a runtime.
pub fn run(asked: &Asked, places: Places<'_>) -> anyhow::Result<()> {
    let mut report = Report::default();
    let measured = measure(asked, places, &mut report);
    println!("{}", report.tables());
    let targets = report.targets();
    if !targets.is_empty() {
        println!("\nTargets.\n{}", table::targets(&targets));
    }
    if let Some(path) = &asked.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    // Last: what was measured before something broke is worth having.
    measured
}

fn measure(asked: &Asked, places: Places<'_>, report: &mut Report) -> anyhow::Result<()> {
    if asked.only == ["sandbox"] {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        report.idle = runtime.block_on(echo(asked, places, None))?;
        return Ok(());
    }
    installed(asked, 2, async |stack, installation| {
        report.machine = machine::machine(asked.quick).await?;
        warm(asked, places, stack, installation, report).await
    })?;
    if asked.wants("cold") {
        installed(asked, 0, async |_, installation| cold(asked, installation, report).await)?;
    }
    Ok(())
}

fn say(what: &str) {
    eprintln!("    {what}");
}

async fn warm(
    asked: &Asked,
    places: Places<'_>,
    stack: &Stack,
    installation: &Installation,
    report: &mut Report,
) -> anyhow::Result<()> {
    if asked.wants("echo") {
        say("echo, way by way");
        report.idle.extend(echo(asked, places, Some(installation)).await?);
    }
    for language in LANGUAGES.into_iter().filter(|_| asked.wants("start")) {
        say(&format!("starts, {}", language.id()));
        let settled = async || installation.settled(language).await;
        let times = asked.times(20, 3);
        report.idle.push(idle::first_byte("warm", &installation.api, language, times, settled).await?);
    }
    for language in LANGUAGES.into_iter().filter(|_| asked.wants("interrupt")) {
        say(&format!("interrupts, {}", language.id()));
        report.idle.push(idle::interrupts(&installation.api, language, asked.times(20, 3)).await?);
    }
    if asked.wants("load") {
        report.broke = loads(asked, installation, stack, &mut report.loads, &mut report.unread).await?;
    }
    Ok(())
}

async fn cold(asked: &Asked, installation: &Installation, report: &mut Report) -> anyhow::Result<()> {
    for language in LANGUAGES {
        say(&format!("starts without anything ready, {}", language.id()));
        let settled = async || {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(())
        };
        let times = asked.times(10, 2);
        report.idle.push(idle::first_byte("cold", &installation.api, language, times, settled).await?);
    }
    Ok(())
}

async fn echo(
    asked: &Asked,
    places: Places<'_>,
    installation: Option<&Installation>,
) -> anyhow::Result<Vec<report::Row>> {
    let arena = Arena::new(places.home, places.languages, places.harness)?;
    let mut all = Vec::new();
    all.extend(idle::local().await);
    let mut sandboxes = Vec::new();
    for language in LANGUAGES {
        let Some(languages) = arena.language(language.id()).await? else { continue };
        let site = arena.site(&languages, language.id(), Keep::Nothing).await?;
        let settings = languages.get(language.id()).context("no such language")?;
        all.push(idle::direct(&site.sandbox, settings, language).await?);
        sandboxes.push(site.sandbox);
    }
    for (installation, language) in installation.into_iter().flat_map(|i| LANGUAGES.map(|language| (i, language))) {
        all.push(idle::wire("the runner", &installation.runner, language).await?);
        all.push(idle::wire("through the API", &installation.api, language).await?);
    }
    let rounds = if asked.quick { 30 } else { usize::from(asked.rounds) };
    let rows = idle::compare(&mut all, rounds).await;
    for named in all {
        named.seat.leave().await;
    }
    for sandbox in sandboxes {
        sandbox.shutdown().await;
    }
    arena.end().await?;
    Ok(rows)
}

/// What broke, if something did.
async fn loads(
    asked: &Asked,
    installation: &Installation,
    stack: &Stack,
    loads: &mut Vec<Load>,
    unread: &mut Option<Unread>,
) -> anyhow::Result<Option<String>> {
    let grading = Grading::prepare(stack).await;
    // The first of each language finds nothing in any cache.
    grading.some(1).await;
    let alone = grading.some(asked.times(6, 2)).await;
    for language in LANGUAGES {
        installation.settled(language).await?;
    }
    let before_mb = watch_over::resident_mb(installation.watched.runner).unwrap_or(0.0);
    say("floods that nobody reads");
    *unread = Some(floods(installation, before_mb, asked.times(40, 4)).await?);
    installation.nobody().await?;
    let mut crowd = Crowd::new(installation.api.clone());
    let mut broke = None;
    for terminals in asked.steps() {
        say(&format!("{terminals} terminals are opened"));
        let arrival = crowd.grow(terminals).await;
        let mut load = Load { asked: terminals, live: crowd.live(), ..Load::default() };
        load.opening_s = arrival.took.as_secs_f64();
        for (language, samples) in [("java", &arrival.java), ("python", &arrival.python)] {
            let way = format!("{language}, all at once");
            load.rows.push(report::Row::new("run to first byte", &way, samples, 0));
        }
        say(&format!("{} terminals are typed into", crowd.live()));
        let (stop, stopped) = watch::channel(false);
        let (rounds, lines, times) = (asked.times(3, 1), asked.times(20, 2), asked.times(5, 1));
        let typing = async {
            load.rows.extend(crowd.in_turn(rounds).await);
            load.rows.extend(crowd.at_their_pace(PAUSE, lines).await);
            load.rows.extend(crowd.at_once(times).await);
            stop.send_replace(true);
        };
        let both = async { tokio::join!(typing, grading.until(stopped)).1 };
        let (meanwhile, used) = watch_over::during(installation.watched, before_mb, terminals, both).await;
        load.grading.extend(alone.rows("submission, alone"));
        load.grading.extend(meanwhile.rows("submission, beside"));
        load.used = used;
        load.complaints = crowd.complaints();
        load.complaints.extend(alone.complaint.clone().into_iter().chain(meanwhile.complaint));
        broke = judged(&load);
        loads.push(load);
        if broke.is_some() {
            break;
        }
    }
    let began = Instant::now();
    crowd.disperse().await;
    installation.nobody().await?;
    say(&format!("all have left, and their containers are gone after {:.1} s", began.elapsed().as_secs_f64()));
    Ok(broke)
}

/// What the runner takes when programs print as fast as they can and their browsers read nothing.
async fn floods(installation: &Installation, before_mb: f64, terminals: usize) -> anyhow::Result<Unread> {
    let mut seats = Vec::new();
    for language in LANGUAGES.into_iter().cycle().take(terminals) {
        seats.push(Seat::start(&(installation.api)(), language, Program::Floods).await?.0);
    }
    let (mut most, began) = (0.0_f64, Instant::now());
    while began.elapsed() < UNREAD {
        most = most.max(watch_over::resident_mb(installation.watched.runner).unwrap_or(0.0));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    futures_util::future::join_all(seats.into_iter().map(Seat::leave)).await;
    #[allow(clippy::cast_precision_loss, reason = "a few terminals")]
    let each = (most - before_mb) / terminals.max(1) as f64;
    Ok(Unread { terminals, runner_mb_each: short(each) })
}

/// Whether something is wrong, with what is known of why.
fn judged(load: &Load) -> Option<String> {
    let missing: usize = load.rows.iter().chain(&load.grading).map(|row| row.missing).sum();
    let slowest = load.rows.iter().filter(|row| row.what == "echo").map(|row| row.p99_ms).fold(0.0, f64::max);
    let what = if load.live < load.asked {
        format!("{} of {} terminals could not be opened", load.asked - load.live, load.asked)
    } else if missing > 0 {
        format!("at {} terminals {missing} things that were waited for did not come", load.asked)
    } else if slowest > UNBEARABLE_MS {
        format!("at {} terminals an echo takes {slowest:.0} ms at the 99th percentile", load.asked)
    } else {
        return None;
    };
    let said = load.complaints.first().map(|said| format!("; somebody was told: {said}")).unwrap_or_default();
    let used = &load.used;
    Some(format!(
        "{what}, with the CPUs {:.0} % busy, {:.0} MiB of memory available, dockerd at {:.0} MiB, the last terminal open \
         after {:.0} s{said}",
        used.cpu_percent, used.available_mb, used.dockerd_mb, load.opening_s
    ))
}
