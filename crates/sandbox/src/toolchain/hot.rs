//! Compiling where a compiler is warm already. What comes back is put into the terms of one that was run in a jail, so
//! that everything after it is the same.

use iteratione_common::language::Language;

use super::{BuildFailure, CLASSES_BYTES, CLASSES_FILES, expand, layout::Laid, too_much};
use crate::{
    Execution, Sandbox,
    compilers::{
        Outcome,
        wire::{Answer, Order},
    },
    protocol::{Answered, ExecResult, Stop},
};

/// What a resident compiler made.
pub(super) struct Hot {
    /// As if it had been a process.
    pub(super) done: Execution,
    /// For the build folder.
    pub(super) files: Vec<(String, Vec<u8>)>,
    too_much: bool,
}

impl Hot {
    /// What is wrong although it compiles.
    pub(super) fn failure(&self) -> Option<BuildFailure> {
        self.too_much.then(too_much)
    }
}

/// `None`: there is no resident compiler, it is busy for too long, or something is wrong with it.
pub(super) async fn compile(sandbox: &Sandbox, language: &Language, laid: &Laid, main: &str) -> Option<Hot> {
    let limits = language.compile_limits;
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let memory = language.warm.as_ref()?.memory_mb << 20;
    let arguments = expand(&language.compile, memory, &laid.sources, main);
    // Only what is named is compiled, as with an empty path to look for more.
    let named = laid.files.iter().filter(|(path, _)| laid.sources.contains(path));
    let sources: Vec<_> = named.cloned().collect();
    let order = Order {
        arguments: &arguments,
        sources: &sources,
        text_bytes: narrow(limits.output_kb << 10),
        files_bytes: narrow(CLASSES_BYTES),
        files: CLASSES_FILES,
    };
    match sandbox.residents().compile(language, &order).await {
        Outcome::Nobody => None,
        Outcome::Stopped(end) => Some(Hot { done: stopped(&end), files: Vec::new(), too_much: false }),
        Outcome::Answered(answer, end) => {
            let Answer { status, text, cut, files, too_much, last: _ } = answer;
            let mut done = stopped(&end);
            done.result.exit_code = Some(status);
            done.result.stop = cut.then_some(Stop::Output);
            done.result.stderr_bytes = text.len() as u64;
            done.stderr = text;
            Some(Hot { done, files, too_much })
        }
    }
}

fn stopped(end: &Answered) -> Execution {
    let result = ExecResult {
        stop: end.stop,
        cpu_us: end.cpu_us,
        wall_us: end.wall_us,
        memory_bytes: end.memory_bytes,
        oom_kills: end.oom_kills,
        ..ExecResult::default()
    };
    Execution { result, stdout: Vec::new(), stderr: Vec::new() }
}
