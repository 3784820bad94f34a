//! From a submission's files to something that can be run: layout, one compilation, entry point.
//!
//! Everything is driven by the language's `language.toml`; only a package tree and class files need code of their own.

use std::collections::BTreeMap;

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    lab::SourceFile,
    language::{Entry, Language, with_memory},
    submission::CompileResult,
};

use crate::{
    Execution, Jail, Resources, Sandbox, SandboxError,
    protocol::{BUILD_DIR, ExecLimits, ExecRequest, FetchRequest, Role, SCRATCH_DIR, SOURCE_DIR, Stop},
};

pub mod diagnostics;
mod hot;
pub mod java;
pub mod layout;
pub mod names;
mod packed;
pub mod unit;

use layout::Laid;
use names::NameMap;
pub use packed::Packed;

/// Bytes of compiler output that a result keeps.
const OUTPUT_KEPT: usize = 64 * 1024;
/// `RLIMIT_FSIZE` of compilers; the build folder is smaller.
const COMPILER_FILE_BYTES: u64 = 256 << 20;
/// `RLIMIT_NOFILE` of compilers.
const COMPILER_OPEN_FILES: u64 = 512;
/// `RLIMIT_FSIZE` of programs; the scratch folder is smaller.
const PROGRAM_FILE_BYTES: u64 = 64 << 20;
/// `RLIMIT_NOFILE` of programs.
const PROGRAM_OPEN_FILES: u64 = 256;
/// `RLIMIT_STACK` of programs. Deep recursion is no crime; threads of native programs get as much address space each.
const PROGRAM_STACK_BYTES: u64 = 64 << 20;
/// Class files read to find the entry point.
const CLASSES_BYTES: u64 = 24 << 20;
const CLASSES_FILES: u32 = 4000;

/// What compiling gave.
#[derive(Debug)]
pub struct Build {
    /// For the result page.
    pub compile: CompileResult,
    /// What to run, or why there is nothing to run.
    pub program: Result<Program, BuildFailure>,
    /// Whether a resident compiler did it.
    pub resident: bool,
}

/// A program that is ready in its jail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As the language says it.
    run: Vec<String>,
    /// What `{main}` stands for.
    main: String,
    env: BTreeMap<String, String>,
    names: NameMap,
    /// What the runtime is told that it has, in bytes.
    memory: u64,
}

/// Why a submission cannot be run. Always the student's business, never ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildFailure {
    /// The compiler refused; see its diagnostics.
    Compiler,
    /// The compiler broke one of its limits.
    Limit {
        /// `time`, `memory` or `output`.
        which: &'static str,
        /// How much there was, as the end of "it took more than …".
        most: String,
    },
    /// No class can be started; perhaps one almost can.
    NoMain {
        /// What is almost an entry point.
        hint: Option<String>,
    },
    /// More than one could be started, and none was named.
    SeveralMains {
        /// Names to choose from.
        candidates: Vec<String>,
    },
    /// The one that was named is not there.
    UnknownMain {
        /// As named.
        wanted: String,
        /// Names to choose from.
        candidates: Vec<String>,
    },
    /// The files cannot be laid out.
    Layout(String),
}

impl BuildFailure {
    /// One or two sentences for people.
    pub fn message(&self) -> String {
        match self {
            Self::Compiler => "The program does not compile.".to_owned(),
            Self::Limit { which: _, most } => format!("Compiling was stopped: it took more than {most}."),
            Self::NoMain { hint } => {
                let hint = hint.as_ref().map(|h| format!(" ({h}.)")).unwrap_or_default();
                format!("There is no entry point: no class has a method public static void main(String[] args).{hint}")
            }
            Self::SeveralMains { candidates } => {
                format!("There are several entry points: {}. Say which one to run.", candidates.join(", "))
            }
            Self::UnknownMain { wanted, candidates } if candidates.is_empty() => {
                format!("{wanted} was to be run, but there is no entry point of that name.")
            }
            Self::UnknownMain { wanted, candidates } => {
                format!(
                    "{wanted} was to be run, but there is no entry point of that name. There are: {}.",
                    candidates.join(", ")
                )
            }
            Self::Layout(message) => format!("The files cannot be laid out: {message}."),
        }
    }
}

/// The limits of a program, whether it is graded or runs at a terminal: times in milliseconds, output in bytes.
pub const fn program_limits(cpu_ms: u64, wall_ms: u64, output_bytes: u64) -> ExecLimits {
    ExecLimits {
        cpu_ms,
        wall_ms,
        output_bytes,
        file_bytes: PROGRAM_FILE_BYTES,
        open_files: PROGRAM_OPEN_FILES,
        stack_bytes: Some(PROGRAM_STACK_BYTES),
    }
}

impl Program {
    /// The same program in a jail of another size than it was built for.
    #[must_use]
    pub fn in_memory(&self, bytes: u64) -> Self {
        Self { memory: bytes, ..self.clone() }
    }

    /// The program as a process with arguments and limits.
    pub fn exec_request(&self, arguments: &[String], limits: ExecLimits) -> ExecRequest {
        let mut argv = expand(&self.run, self.memory, &[], &self.main);
        argv.extend_from_slice(arguments);
        ExecRequest {
            role: Role::Program,
            argv,
            env: told(&self.env, self.memory),
            cwd: SCRATCH_DIR.to_owned(),
            limits,
            terminal: None,
            report: None,
            joined: None,
        }
    }

    /// A program's words with paths of the jail replaced by the student's file names.
    pub fn rename_in(&self, text: &str) -> String {
        self.names.rename_in(text)
    }
}

/// What to build.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Every source file, names already checked.
    pub files: &'a [SourceFile],
    /// The entry point that was asked for: a class's qualified or simple name, or a file's name.
    pub main: Option<&'a str>,
    /// Names of those files that are the instructor's. If just one of them has an entry point, it is the one, unless
    /// another was asked for; they are not named when there is a choice to make.
    pub given: &'a [String],
}

/// Builds and gives the jail in which the program is: a fresh one in which nothing has run yet, if a resident compiler
/// was free, else the one in which it was compiled. There is none if there is nothing to run. `run` is what the jail
/// has afterwards; `job` names it in logs.
pub async fn open(
    sandbox: &Sandbox,
    language: &Language,
    order: Order<'_>,
    run: Resources,
    job: &str,
) -> Result<(Build, Option<Jail>), SandboxError> {
    open_as(sandbox, language, order, run, job, Purpose::Program).await
}

/// As [`open`], of what others call: there need not be an entry point.
pub async fn open_library(
    sandbox: &Sandbox,
    language: &Language,
    order: Order<'_>,
    run: Resources,
    job: &str,
) -> Result<(Build, Option<Jail>), SandboxError> {
    open_as(sandbox, language, order, run, job, Purpose::Library).await
}

/// What is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be started.
    Program,
    /// To be called by tests: where nothing can be started, that is no failure.
    Library,
}

impl Purpose {
    fn main(self, found: Result<String, BuildFailure>) -> Result<String, BuildFailure> {
        if self == Self::Library { Ok(found.unwrap_or_default()) } else { found }
    }
}

async fn open_as(
    sandbox: &Sandbox,
    language: &Language,
    order: Order<'_>,
    run: Resources,
    job: &str,
    purpose: Purpose,
) -> Result<(Build, Option<Jail>), SandboxError> {
    let (laid, start) = match plan(language, order) {
        Ok(planned) => planned,
        Err(build) => return Ok((*build, None)),
    };
    let Some(hot) = hot::compile(sandbox, language, &laid, &start).await else {
        let mut jail = sandbox.take(language, sandbox.compile_resources(language), job).await?;
        let build = build_in(&mut jail, language, order, run, (laid, &start, purpose)).await?;
        return Ok((build, Some(jail)));
    };
    let (result, failure) = judged(language, &laid, &hot.done);
    if let Some(failure) = failure.or(hot.failure()) {
        let build = failed(CompileResult { ok: false, ..result }, failure);
        return Ok((Build { resident: true, ..build }, None));
    }
    let classes = || hot.files.iter().map(|(_, bytes)| bytes.as_slice());
    let main = match language.entry {
        Entry::Binary => Ok(String::new()),
        Entry::File => main_file(language, &laid.sources, order),
        Entry::JavaClass => java::entry::choose(&parsed(classes()), order.main, order.given),
    };
    let main = purpose.main(main);
    let mut jail = None;
    if main.is_ok() {
        let fresh = jail.insert(sandbox.take(language, run, job).await?);
        fresh.write_sources(&laid.files).await?;
        fresh.put_build(&hot.files).await?;
    }
    Ok((Build { resident: true, ..finished(language, laid, result, main, run) }, jail))
}

/// Compiles once in a fresh jail. `run` is what the jail has afterwards; the compiler has its own memory and processes.
pub async fn build(
    jail: &mut Jail,
    language: &Language,
    order: Order<'_>,
    run: Resources,
) -> Result<Build, SandboxError> {
    match plan(language, order) {
        Ok((laid, start)) => build_in(jail, language, order, run, (laid, &start, Purpose::Program)).await,
        Err(build) => Ok(*build),
    }
}

/// Where everything goes, and the file to begin with, if the compiler is told one; or what is in the way.
fn plan(language: &Language, order: Order<'_>) -> Result<(Laid, String), Box<Build>> {
    let laid = layout::lay_out(language, order.files)
        .map_err(|failure| Box::new(failed(nothing_compiled(failure.message()), failure)))?;
    match language.compiles_main_file().then(|| main_file(language, &laid.sources, order)) {
        Some(Err(failure)) => {
            let mut result = nothing_compiled(failure.message());
            result.diagnostics.push(unplaced(&failure, ""));
            Err(Box::new(failed(result, failure)))
        }
        Some(Ok(path)) => Ok((laid, path)),
        None => Ok((laid, String::new())),
    }
}

async fn build_in(
    jail: &mut Jail,
    language: &Language,
    order: Order<'_>,
    run: Resources,
    (laid, start, purpose): (Laid, &str, Purpose),
) -> Result<Build, SandboxError> {
    jail.write_sources(&laid.files).await?;
    let (result, failure) = compile(jail, language, &laid, start, run.cpus).await?;
    if let Some(failure) = failure {
        return Ok(failed(result, failure));
    }
    jail.set_resources(run).await?;
    let main = match language.entry {
        Entry::Binary => Ok(String::new()),
        Entry::File => main_file(language, &laid.sources, order),
        Entry::JavaClass => main_class(jail, order).await?,
    };
    Ok(finished(language, laid, result, purpose.main(main), run))
}

fn finished(
    language: &Language,
    laid: Laid,
    mut result: CompileResult,
    main: Result<String, BuildFailure>,
    run: Resources,
) -> Build {
    let program = main.map(|main| Program {
        run: language.run.clone(),
        main,
        env: environment(language),
        names: laid.names,
        memory: run.memory_bytes,
    });
    if let Err(failure) = &program {
        result.ok = false;
        result.diagnostics.insert(0, unplaced(failure, ""));
    }
    Build { compile: result, program, resident: false }
}

fn failed(compile: CompileResult, failure: BuildFailure) -> Build {
    Build { compile, program: Err(failure), resident: false }
}

fn nothing_compiled(output: String) -> CompileResult {
    CompileResult { ok: false, cpu_ms: 0, diagnostics: Vec::new(), output }
}

/// Runs the compiler, if the language has one.
async fn compile(
    jail: &mut Jail,
    language: &Language,
    laid: &Laid,
    main: &str,
    cpus: f64,
) -> Result<(CompileResult, Option<BuildFailure>), SandboxError> {
    if language.compile.is_empty() {
        return Ok((CompileResult { ok: true, ..nothing_compiled(String::new()) }, None));
    }
    let limits = language.compile_limits;
    let resources = Resources { memory_bytes: limits.memory_mb << 20, cpus, processes: limits.processes };
    jail.set_resources(resources).await?;
    let request = ExecRequest {
        role: Role::Compiler,
        argv: expand(&language.compile, resources.memory_bytes, &laid.sources, main),
        env: told(&environment(language), resources.memory_bytes),
        cwd: SOURCE_DIR.to_owned(),
        limits: ExecLimits {
            cpu_ms: limits.cpu_ms,
            wall_ms: limits.wall_ms,
            output_bytes: limits.output_kb << 10,
            file_bytes: COMPILER_FILE_BYTES,
            open_files: COMPILER_OPEN_FILES,
            stack_bytes: None,
        },
        terminal: None,
        report: None,
        joined: None,
    };
    let done = jail.exec(request, b"").await?;
    if let Some(why) = &done.result.spawn_error {
        return Err(SandboxError::JailLost(format!("the compiler of {} did not start: {why}", language.name)));
    }
    if !jail.clean().await? {
        return Err(SandboxError::JailLost("it was not clean after compiling".to_owned()));
    }
    Ok(judged(language, laid, &done))
}

/// What the compiler's end and its words mean.
fn judged(language: &Language, laid: &Laid, done: &Execution) -> (CompileResult, Option<BuildFailure>) {
    let raw = [done.stdout.as_slice(), done.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&raw);
    let failure = verdict(language, done, &text);
    let mut diagnostics = laid.notes.clone();
    diagnostics.extend(diagnostics::read(&language.diagnostics, &text, laid));
    if let Some(failure) = &failure
        && (*failure != BuildFailure::Compiler || diagnostics.iter().all(|d| d.severity != Severity::Error))
    {
        diagnostics.insert(0, unplaced(failure, &laid.names.rename_in(&text)));
    }
    let result = CompileResult {
        ok: failure.is_none(),
        cpu_ms: done.result.cpu_us / 1000,
        diagnostics,
        output: cut(&laid.names.rename_in(&text), OUTPUT_KEPT),
    };
    (result, failure)
}

/// An error about no file: why the compiler was stopped, or the first thing that it said when that was not understood.
fn unplaced(failure: &BuildFailure, output: &str) -> Diagnostic {
    let said = output.lines().map(str::trim).find(|l| !l.is_empty());
    let message = match (failure, said) {
        // javac speaks of the system's resources; it is the program that is nested too deeply.
        (BuildFailure::Compiler, Some(_)) if output.contains("java.lang.StackOverflowError") => {
            "the compiler ran out of stack: the program is nested too deeply".to_owned()
        }
        (BuildFailure::Compiler, Some(said)) => cut(said, 500),
        (BuildFailure::Compiler, None) => "the compiler failed without a word".to_owned(),
        (failure, _) => failure.message(),
    };
    Diagnostic { file: None, line: None, column: None, severity: Severity::Error, message }
}

fn verdict(language: &Language, done: &Execution, text: &str) -> Option<BuildFailure> {
    let limits = language.compile_limits;
    let limit = |which, most: String| Some(BuildFailure::Limit { which, most });
    // A compiler that was killed for its memory may also look stopped: the kernel's count comes first.
    match done.result.stop {
        Some(Stop::Output) => limit("output", format!("{} KiB of output", limits.output_kb)),
        _ if done.result.oom_kills > 0 => limit("memory", format!("{} MiB of memory", limits.memory_mb)),
        Some(Stop::Cpu) => limit("time", format!("{} s of CPU time", limits.cpu_ms / 1000)),
        Some(Stop::Wall) => limit("time", format!("{} s", limits.wall_ms / 1000)),
        _ if done.result.exit_code == Some(0) => None,
        _ if language.says_memory_exhausted(text) || text.contains(": out of memory allocating ") => {
            limit("memory", format!("{} MiB of memory", limits.memory_mb))
        }
        _ => Some(BuildFailure::Compiler),
    }
}

/// A command line with its placeholders filled in. An element `{sources}` becomes one element per source file.
fn expand(command: &[String], memory: u64, sources: &[String], main: &str) -> Vec<String> {
    let mut argv = Vec::new();
    for element in command {
        if element == "{sources}" {
            argv.extend(sources.iter().cloned());
        } else {
            argv.push(with_memory(element, memory).replace("{build}", BUILD_DIR).replace("{main}", main));
        }
    }
    argv
}

fn environment(language: &Language) -> BTreeMap<String, String> {
    let mut env = language.env.clone();
    env.entry("HOME".to_owned()).or_insert_with(|| SCRATCH_DIR.to_owned());
    env.entry("TMPDIR".to_owned()).or_insert_with(|| "/tmp".to_owned());
    env
}

/// An environment with the jail's memory in it.
fn told(env: &BTreeMap<String, String>, memory: u64) -> BTreeMap<String, String> {
    env.iter().map(|(name, value)| (name.clone(), with_memory(value, memory))).collect()
}

/// The file to run: the one that was asked for, with or without its ending, the language's usual one, or the only one.
fn main_file(language: &Language, sources: &[String], order: Order<'_>) -> Result<String, BuildFailure> {
    let path = |name: &str| format!("{SOURCE_DIR}/{name}");
    let stem = |name: &str| name.rsplit_once('.').map(|(stem, _)| stem.to_owned());
    let found = |name: &str| {
        let exact = sources.iter().find(|s| s.as_str() == name);
        exact.or_else(|| sources.iter().find(|s| stem(s).as_deref() == Some(name)))
    };
    let candidates = || sources.iter().filter(|s| !order.given.contains(s)).cloned().collect();
    if let Some(wanted) = order.main {
        let unknown = || BuildFailure::UnknownMain { wanted: wanted.to_owned(), candidates: candidates() };
        return found(wanted).map(|s| path(s)).ok_or_else(unknown);
    }
    if let Some(usual) = language.main_file.as_deref().and_then(found) {
        return Ok(path(usual));
    }
    match sources {
        [one] => Ok(path(one)),
        _ => Err(BuildFailure::SeveralMains { candidates: candidates() }),
    }
}

async fn main_class(jail: &mut Jail, order: Order<'_>) -> Result<Result<String, BuildFailure>, SandboxError> {
    let classes =
        FetchRequest { suffix: ".class".to_owned(), max_bytes: CLASSES_BYTES, max_files: CLASSES_FILES, scratch: None };
    let fetched = jail.fetch(classes).await?;
    if fetched.truncated {
        return Ok(Err(too_much()));
    }
    let classes = parsed(fetched.files.iter().map(|(_, bytes)| bytes.as_slice()));
    Ok(java::entry::choose(&classes, order.main, order.given))
}

fn parsed<'a>(classes: impl Iterator<Item = &'a [u8]>) -> Vec<java::class_file::Class> {
    classes.filter_map(java::class_file::parse).collect()
}

fn too_much() -> BuildFailure {
    BuildFailure::Layout("it makes too many or too big classes".to_owned())
}

/// At most so many bytes, cut between characters, and without NUL: not every store of JSON takes it.
fn cut(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].replace('\0', "\u{1a}")
}

#[cfg(test)]
mod tests;
