//! What is asked for, once it is known to make sense.

use std::sync::Arc;

use iteratione_common::{
    language::Language,
    sources,
    terminal::{Run, Size},
};
use iteratione_sandbox::{Resources, Sandbox, WindowSize, protocol::ExecLimits};

use crate::RunnerConfig;

/// Characters of the name of an entry point; as for submissions.
const MAIN_CHARS: usize = 300;
/// Arguments of a program, and bytes of all of them.
const ARGS: usize = 64;
const ARG_BYTES: usize = 8 << 10;
/// What is wrong with files is told up to so many times.
const PROBLEMS: usize = 20;
/// Of a program, as when it is graded: `RLIMIT_FSIZE`, `RLIMIT_NOFILE` and `RLIMIT_STACK`.
const FILE_BYTES: u64 = 64 << 20;
const OPEN_FILES: u64 = 256;
const STACK_BYTES: u64 = 64 << 20;

/// The language of a run in which nothing is wrong; or all that is wrong, as sentences.
pub fn check<'a>(sandbox: &'a Sandbox, run: &Run) -> Result<&'a Arc<Language>, String> {
    let mut problems = Vec::new();
    if run.main.as_ref().is_some_and(|main| main.chars().count() > MAIN_CHARS || main.chars().any(char::is_control)) {
        problems.push(format!("The entry point's name must be one line of at most {MAIN_CHARS} characters."));
    }
    if run.args.len() > ARGS || run.args.iter().map(String::len).sum::<usize>() > ARG_BYTES {
        problems.push(format!("There are too many arguments: send at most {ARGS}, of {ARG_BYTES} bytes together."));
    }
    if run.args.iter().any(|arg| arg.contains('\0')) {
        problems.push("An argument holds a NUL byte.".to_owned());
    }
    let Some(language) = sandbox.languages().get(&run.language) else {
        let known: Vec<&str> = sandbox.languages().iter().map(|language| language.id.as_str()).collect();
        problems.push(format!("The language must be one of: {}.", known.join(", ")));
        return Err(problems.join("\n"));
    };
    if let Err(found) = sources::check(language, &run.files) {
        problems.extend(found.into_iter().take(PROBLEMS).map(|problem| problem.detail));
    }
    if problems.is_empty() { Ok(language) } else { Err(problems.join("\n")) }
}

/// What a jail has while a program of a language runs at a terminal.
pub fn resources(sandbox: &Sandbox, language: &Language) -> Resources {
    let defaults = sandbox.default_resources();
    // The harness is one of them.
    let processes = defaults.processes.saturating_add(language.run_limits.processes_extra).saturating_add(1);
    Resources { processes, ..defaults }
}

/// A program's own limits.
pub fn limits(config: &RunnerConfig) -> ExecLimits {
    ExecLimits {
        cpu_ms: config.cpu_seconds.saturating_mul(1000),
        wall_ms: config.wall_seconds.saturating_mul(1000),
        output_bytes: config.output_bytes(),
        file_bytes: FILE_BYTES,
        open_files: OPEN_FILES,
        stack_bytes: Some(STACK_BYTES),
    }
}

/// A size that there is.
pub fn window(size: Size) -> WindowSize {
    let size = size.clamped();
    WindowSize { cols: size.cols, rows: size.rows }
}
