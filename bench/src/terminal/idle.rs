//! One terminal at a time: what lies between a key and its echo, way by way.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use iteratione_common::{lab::SourceFile, language::Language as Settings};
use iteratione_sandbox::{
    Sandbox, TerminalRequest, WindowSize,
    protocol::{ExecLimits, ExecRequest},
    toolchain::{self, Order},
};

use crate::stats::Samples;

use super::{
    crowd::Door,
    local::Local,
    programs::{Language, Program},
    report::Row,
    seat::{Seat, Way},
};

/// Between two rounds: whatever the last one left to do is done.
const REST: Duration = Duration::from_millis(8);
/// Bytes of a flood that are read before it is interrupted.
const FLOOD: usize = 2 << 20;
/// Rounds of each way that do not count.
const FIRST: usize = 5;

/// Starts that do not count: the first finds nothing in any cache, and a compiler may just be starting.
const FIRST_STARTS: usize = 3;

/// What somebody's terminal is called, and he.
pub struct Named {
    /// In the table.
    pub name: String,
    /// At the terminal.
    pub seat: Seat,
}

/// Python on a pty of this machine; `None` where there is no Python.
pub async fn local() -> Option<Named> {
    let content = Language::Python.source(Program::Answers).content;
    let mut seat = Seat::new(Way::Local(Local::start(&["python3", "-c", &content]).ok()?));
    seat.ready().await.ok()?;
    Some(Named { name: "local pty".to_owned(), seat })
}

/// A jail that this process drives itself.
pub async fn direct(sandbox: &Sandbox, settings: &Settings, language: Language) -> anyhow::Result<Named> {
    let files: [SourceFile; 1] = [language.source(Program::Answers)];
    let order = Order { files: &files, main: None, given: &[] };
    let (build, jail) = toolchain::open(sandbox, settings, order, sandbox.start_resources(settings), "bench").await?;
    let program = build.program.map_err(|failure| anyhow::anyhow!("{}", failure.message()))?;
    let limits = ExecLimits {
        cpu_ms: 3_600_000,
        wall_ms: 3_600_000,
        output_bytes: 1 << 30,
        file_bytes: 1 << 20,
        open_files: 256,
        stack_bytes: None,
    };
    let terminal = Some(TerminalRequest { size: WindowSize { cols: 80, rows: 24 }, window: 192 << 10 });
    let request = ExecRequest { terminal, ..program.exec_request(&[], limits) };
    let terminal = jail.context("there is no jail")?.open_terminal(request)?;
    let mut seat = Seat::new(Way::Direct(Box::new(terminal)));
    seat.ready().await?;
    Ok(Named { name: format!("sandbox, {}", language.id()), seat })
}

/// Over a WebSocket.
pub async fn wire(name: &str, door: &Door, language: Language) -> anyhow::Result<Named> {
    let (mut seat, _) = Seat::start(&door(), language, Program::Answers).await?;
    seat.ready().await?;
    Ok(Named { name: format!("{name}, {}", language.id()), seat })
}

/// Key to echo and line to answer of all of them in turn, round by round.
pub async fn compare(all: &mut [Named], rounds: usize) -> Vec<Row> {
    // By name: echoes, answers, and how many did not come.
    let mut seen: BTreeMap<usize, (Samples, Samples, usize)> = BTreeMap::new();
    for (round, key) in (0..rounds + FIRST).zip(('a'..='z').cycle()) {
        for (at, named) in all.iter_mut().enumerate() {
            tokio::time::sleep(REST).await;
            let (echoes, answers, missing) = seen.entry(at).or_default();
            match named.seat.round(key).await {
                Ok(times) if round >= FIRST => {
                    echoes.add(times.echo);
                    answers.add(times.answer);
                }
                Ok(_) => {}
                Err(_) => *missing += 1,
            }
        }
    }
    let name = |at: &usize| all.get(*at).map_or("", |named| named.name.as_str());
    let echoes = seen.iter().map(|(at, (echoes, _, missing))| Row::new("echo", name(at), echoes, *missing));
    let answers = seen.iter().map(|(at, (_, answers, _))| Row::new("line to answer", name(at), answers, 0));
    echoes.chain(answers).collect()
}

/// From `run` to the first byte of a program that says hello; `settled` is awaited before each.
pub async fn first_byte(
    way: &str,
    door: &Door,
    language: Language,
    times: usize,
    settled: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<Row> {
    let mut samples = Samples::default();
    for time in 0..times + FIRST_STARTS {
        settled().await?;
        let (mut seat, start) = Seat::start(&door(), language, Program::Hello).await?;
        seat.sees("Hello, World!").await?;
        if time >= FIRST_STARTS {
            samples.add(start.first_byte);
        }
        seat.leave().await;
    }
    Ok(Row::new("run to first byte", &format!("{}, {way}", language.id()), &samples, 0))
}

/// From Ctrl-C to the end of a program that floods.
pub async fn interrupts(door: &Door, language: Language, times: usize) -> anyhow::Result<Row> {
    let mut samples = Samples::default();
    let mut missing = 0;
    for _ in 0..times {
        let (mut seat, _) = Seat::start(&door(), language, Program::Floods).await?;
        seat.reads(FLOOD).await?;
        match seat.interrupts().await {
            Ok(time) => samples.add(time),
            Err(_) => missing += 1,
        }
    }
    Ok(Row::new("Ctrl-C under a flood", language.id(), &samples, missing))
}
