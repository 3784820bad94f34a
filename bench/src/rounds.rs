//! Times of single programs and of labs: every way of running them in turn, round by round, so that whatever else goes
//! on in the machine meets all of them. The first round is dropped.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use iteratione_common::language::Language;

use crate::{
    arena::{Arena, Keep},
    bare::Bare,
    cpu::{self, Cgroup},
    docker::Ended,
    ours::{self, Built, environment},
    report::{Mode, Row},
    stats::Samples,
    work::Work,
};

/// Between two runs of a Java program: a JVM uses its whole share of the CPU for a while, and the next one would have
/// to wait for what the last one has spent.
const REST: Duration = Duration::from_millis(120);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// Rounds that count.
    pub rounds: usize,
    /// Runs of the short ways in each round of a single program.
    pub repeat: usize,
}

/// Times of one work by the way it was done.
#[derive(Debug, Default)]
pub struct Times {
    by_mode: BTreeMap<Mode, Samples>,
    /// [`Mode::Warm`] as it is installed: CPUs of the compiler that stays, which are more than a jail's.
    installed: Option<(f64, Samples)>,
    /// From the end of compiling to the verdict.
    pub runs: BTreeMap<Mode, Samples>,
    /// CPU of our own for one test: harness, and this process.
    pub overhead: Option<Overhead>,
}

/// CPU milliseconds of our own for one test.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Overhead {
    /// Harness, and whatever else ran in the container but the program.
    pub harness_ms: f64,
    /// This process.
    pub own_ms: f64,
}

impl Times {
    fn add(&mut self, counts: bool, mode: Mode, time: Duration) {
        if counts {
            self.by_mode.entry(mode).or_default().add(time);
        }
    }

    fn add_runs(&mut self, counts: bool, mode: Mode, time: Duration) {
        if counts {
            self.runs.entry(mode).or_default().add(time);
        }
    }

    /// Rows of the report.
    pub fn rows(&self, work: &str, cpus: f64, all_cpus: f64) -> Vec<Row> {
        let row = |(mode, samples): (&Mode, &Samples)| {
            let cpus = if *mode == Mode::Bare { all_cpus } else { cpus };
            samples.summary().map(|s| Row::new(work, *mode, cpus, s))
        };
        let mut rows: Vec<_> = self.by_mode.iter().filter_map(row).collect();
        let installed = self.installed.as_ref().and_then(|(cpus, samples)| Some((*cpus, samples.summary()?)));
        rows.extend(installed.map(|(cpus, summary)| Row::new(work, Mode::Warm, cpus, summary)));
        rows
    }
}

/// One program that is there already: bare, as a container, in a new jail, in a waiting jail.
pub async fn hello(arena: &Arena, work: &Work, amount: Amount) -> anyhow::Result<Option<Times>> {
    let Some(languages) = arena.language(work.language).await? else { return Ok(None) };
    let language = languages.get(work.language).context("it was there")?;
    let cold = arena.site(&languages, work.language, Keep::Nothing).await?;
    let built = Built::new(&cold.sandbox, language, work).await?;
    let mut bare = match arena.bare(&languages, work, &built.made).await? {
        Some(mut bare) => {
            bare.put(&format!("/src/{}", work.file), work.source).await?;
            Some(bare)
        }
        None => None,
    };
    let published = arena.published(&languages, work)?;
    let submission = published.prepare(work)?;
    published.compile(&submission, work).await?;
    let warm = arena.site(&languages, work.language, Keep::Strictly).await?;
    let rest = if work.plain_run.first() == Some(&"java") { REST } else { Duration::ZERO };

    let mut times = Times::default();
    let mut spent = Vec::new();
    for round in 0..=amount.rounds {
        let counts = round > 0;
        warm.settled(0).await?;
        let mut jail = ours::take(&warm.sandbox, language).await?;
        built.deliver(&warm.sandbox, &mut jail).await?;
        warm.settled(1).await?;
        let inspected = warm.sandbox.inspect(&jail).await?;
        let cgroup = inspected["State"]["Pid"].as_u64().and_then(Cgroup::of_process);
        let mut programs_us = 0;
        let mut own = Duration::ZERO;
        let before = cgroup.as_ref().and_then(Cgroup::cpu_ms);
        for _ in 0..amount.repeat {
            if let Some(bare) = &mut bare {
                tokio::time::sleep(rest).await;
                let (argv, env, stdin) = built.command();
                let (took, ended) = bare.run(argv, env, false, stdin).await?;
                right(ended, built.expected(), work)?;
                times.add(counts, Mode::Bare, took);
            }
            tokio::time::sleep(rest).await;
            let began = cpu::own();
            let (took, result) = built.run(&mut jail).await?;
            own += cpu::own().saturating_sub(began);
            programs_us += result.cpu_us;
            times.add(counts, Mode::Warm, took);
        }
        if let (Some(before), Some(after), true) = (before, cgroup.as_ref().and_then(Cgroup::cpu_ms), counts) {
            spent.push((after - before, programs_us, own));
        }
        jail.destroy().await;
        times.add(counts, Mode::Published, published.test(&submission, work, 0).await?);
        times.add(counts, Mode::Cold, built.cold(&cold.sandbox, language).await?);
    }
    times.overhead = overhead(&spent, amount.repeat);
    drop(submission);
    warm.sandbox.shutdown().await;
    cold.sandbox.shutdown().await;
    Ok(Some(times))
}

#[allow(clippy::cast_precision_loss, reason = "counts and microseconds")]
fn overhead(spent: &[(f64, u64, Duration)], repeat: usize) -> Option<Overhead> {
    let tests = (spent.len() * repeat) as f64;
    let harness: f64 = spent.iter().map(|(all, programs, _)| all - *programs as f64 / 1e3).sum();
    let own: f64 = spent.iter().map(|(_, _, own)| own.as_secs_f64() * 1e3).sum();
    (tests > 0.0).then(|| Overhead { harness_ms: harness / tests, own_ms: own / tests })
}

/// A submission of one source file and all its tests. `published`: whether the slow way is measured too.
pub async fn lab(arena: &Arena, work: &Work, amount: Amount, published: bool) -> anyhow::Result<Option<Times>> {
    let Some(languages) = arena.language(work.language).await? else { return Ok(None) };
    let language = languages.get(work.language).context("it was there")?;
    let document = work.document()?;
    let mut times = Times::default();
    let mut bare = arena.bare(&languages, work, &[]).await?;
    let slow = arena.published(&languages, work)?;
    let cold = arena.site(&languages, work.language, Keep::Nothing).await?;
    let warm = arena.site(&languages, work.language, Keep::Strictly).await?;
    let config = arena.config()?;
    // Where an installation gives the compiler that stays more CPU than the jails have.
    let installed = match &language.warm {
        Some(_) if config.compiler_cpus > config.cpus => {
            times.installed = Some((config.compiler_cpus, Samples::default()));
            Some(arena.site(&languages, work.language, Keep::AsInstalled).await?)
        }
        _ => None,
    };
    for round in 0..=amount.rounds {
        let counts = round > 0;
        if let Some(bare) = &mut bare {
            let (took, runs) = by_hand(bare, language, work).await?;
            times.add(counts, Mode::Bare, took);
            times.add_runs(counts, Mode::Bare, runs);
        }
        if published {
            times.add(counts, Mode::Published, slow.submit(work).await?);
        }
        let graded = Box::pin(ours::submit(&cold.sandbox, language, work, &document)).await?;
        times.add(counts, Mode::Cold, graded.took);
        warm.settled(0).await?;
        let graded = Box::pin(ours::submit(&warm.sandbox, language, work, &document)).await?;
        times.add(counts, Mode::Warm, graded.took);
        times.add_runs(counts, Mode::Warm, graded.took.saturating_sub(graded.compiled));
        if let (Some(site), Some((_, samples))) = (&installed, &mut times.installed) {
            site.settled(0).await?;
            let graded = Box::pin(ours::submit(&site.sandbox, language, work, &document)).await?;
            if counts {
                samples.add(graded.took);
            }
        }
    }
    if let Some(site) = installed {
        site.sandbox.shutdown().await;
    }
    warm.sandbox.shutdown().await;
    cold.sandbox.shutdown().await;
    Ok(Some(times))
}

/// The language's own commands, one after the other, as bare processes: the whole, and the tests alone.
async fn by_hand(bare: &mut Bare, language: &Language, work: &Work) -> anyhow::Result<(Duration, Duration)> {
    let env = environment(language);
    bare.put(&format!("/src/{}", work.file), work.source).await?;
    let (compiled, ended) = bare.run(&work.compile(language), &env, true, "").await?;
    ended.well().with_context(|| format!("{}: compiling", work.name))?;
    let mut runs = Duration::ZERO;
    for (stdin, expected) in &work.tests {
        let (took, ended) = bare.run(&work.run(language), &env, false, stdin).await?;
        right(ended, expected, work)?;
        runs += took;
    }
    Ok((compiled + runs, runs))
}

fn right(ended: Ended, expected: &str, work: &Work) -> anyhow::Result<()> {
    let output = ended.well().with_context(|| format!("bare {}", work.name))?;
    ensure!(output == expected, "bare {}: printed {output:?} instead of {expected:?}", work.name);
    Ok(())
}

impl Arena {
    /// A forking process in the language's file system with these files in `/build`; `None` for who is not root.
    async fn bare(
        &self,
        languages: &iteratione_common::language::Languages,
        work: &Work,
        files: &[(String, Vec<u8>)],
    ) -> anyhow::Result<Option<Bare>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let root = self.rootfs(languages, work.language).await?;
        let folder = self.folder()?;
        let started = async {
            for (name, content) in files {
                std::fs::write(folder.join(Path::new(name).file_name().context("a name")?), content)?;
            }
            let mut bare = Bare::start(&root, &folder)?;
            // It has copied the files when it answers.
            bare.put("/src/ready", "").await?;
            anyhow::Ok(bare)
        };
        let bare = started.await;
        std::fs::remove_dir_all(&folder)?;
        bare.map(Some)
    }
}
