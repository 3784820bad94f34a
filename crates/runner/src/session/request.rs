//! What is asked for, once it is known to make sense.

use std::sync::Arc;

use iteratione_common::{
    language::Language,
    sources,
    terminal::{Run, Size},
};
use iteratione_sandbox::{Sandbox, WindowSize};

/// Arguments of a program, and bytes of all of them.
const ARGS: usize = 64;
const ARG_BYTES: usize = 8 << 10;
/// What is wrong with files is told up to so many times.
const PROBLEMS: usize = 20;

/// The language of a run in which nothing is wrong; or all that is wrong, as sentences.
pub fn check<'a>(sandbox: &'a Sandbox, run: &Run) -> Result<&'a Arc<Language>, String> {
    let mut problems = Vec::new();
    if run.main.as_deref().is_some_and(|main| !sources::may_be_main(main)) {
        problems
            .push(format!("The entry point's name must be one line of at most {} characters.", sources::MAIN_CHARS));
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

/// A size that there is.
pub fn window(size: Size) -> WindowSize {
    let size = size.clamped();
    WindowSize { cols: size.cols, rows: size.rows }
}
