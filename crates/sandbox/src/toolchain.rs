//! From a submission's files to something that can be run: layout, one compilation, entry point.
//!
//! Everything is driven by the language's `language.toml`; only a package tree and class files need code of their own.

use std::collections::BTreeMap;

use iteratione_common::{
    lab::SourceFile,
    language::{Entry, Language},
    submission::CompileResult,
};

use crate::{
    Execution, Jail, Resources, SandboxError,
    protocol::{BUILD_DIR, ExecLimits, ExecRequest, FetchRequest, Role, SCRATCH_DIR, SOURCE_DIR, Stop},
};

pub mod diagnostics;
pub mod java;
pub mod layout;

use layout::NameMap;

/// Bytes of compiler output that a result keeps.
const OUTPUT_KEPT: usize = 64 * 1024;
/// `RLIMIT_FSIZE` of compilers; the build folder is smaller.
const COMPILER_FILE_BYTES: u64 = 256 << 20;
/// `RLIMIT_NOFILE` of compilers.
const COMPILER_OPEN_FILES: u64 = 512;
/// Class files read to find the entry point.
const CLASSES: FetchRequest = FetchRequest { suffix: String::new(), max_bytes: 24 << 20, max_files: 4000 };

/// What compiling gave.
#[derive(Debug)]
pub struct Build {
    /// For the result page.
    pub compile: CompileResult,
    /// What to run, or why there is nothing to run.
    pub program: Result<Program, BuildFailure>,
}

/// A program that is ready in its jail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    names: NameMap,
}

/// Why a submission cannot be run. Always the student's business, never ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildFailure {
    /// The compiler refused; see its diagnostics.
    Compiler,
    /// The compiler broke one of its limits.
    Limit(&'static str),
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
            Self::Limit(which) => format!("Compiling was stopped: it took too much {which}."),
            Self::NoMain { hint } => {
                let hint = hint.as_ref().map(|h| format!(" ({h}.)")).unwrap_or_default();
                format!("There is no entry point: no class has a method public static void main(String[] args).{hint}")
            }
            Self::SeveralMains { candidates } => {
                format!(
                    "Several classes have a main method: {}. Say which one to run in the field main.",
                    candidates.join(", ")
                )
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

impl Program {
    /// The program as a process with arguments and limits.
    pub fn exec_request(&self, arguments: &[String], limits: ExecLimits) -> ExecRequest {
        ExecRequest {
            role: Role::Program,
            argv: self.argv.iter().chain(arguments).cloned().collect(),
            env: self.env.clone(),
            cwd: SCRATCH_DIR.to_owned(),
            limits,
        }
    }

    /// A program's words with paths of the jail replaced by the student's file names.
    pub fn rename_in(&self, text: &str) -> String {
        self.names.rename_in(text)
    }
}

/// Compiles once in a fresh jail. `run` is what the jail has afterwards; the compiler has its own memory and processes.
pub async fn build(
    jail: &mut Jail,
    language: &Language,
    files: &[SourceFile],
    main: Option<&str>,
    run: Resources,
) -> Result<Build, SandboxError> {
    let laid = match layout::lay_out(language.layout, files) {
        Ok(laid) => laid,
        Err(failure) => return Ok(failed(nothing_compiled(failure.message()), failure)),
    };
    let contents: Vec<_> =
        laid.paths.iter().map(|(path, index)| (path.clone(), files[*index].content.clone().into_bytes())).collect();
    jail.write_sources(&contents).await?;
    let sources: Vec<String> =
        laid.paths.iter().filter(|(path, _)| language.compiles(path)).map(|(path, _)| path.clone()).collect();
    if sources.is_empty() {
        let endings = language.compile_extensions.join(", .");
        let failure = BuildFailure::Layout(format!("there is no file ending in .{endings}"));
        return Ok(failed(nothing_compiled(failure.message()), failure));
    }
    let compile = compile(jail, language, &sources, &laid.names, run.cpus).await?;
    jail.set_resources(run).await?;
    let (mut result, failure) = compile;
    if let Some(failure) = failure {
        return Ok(failed(result, failure));
    }
    let main = match language.entry {
        Entry::Binary => Ok(String::new()),
        Entry::File => main_file(language, &sources, main),
        Entry::JavaClass => main_class(jail, main).await?,
    };
    let program = main.map(|main| Program {
        argv: expand(&language.run, &[], &main),
        env: environment(language),
        names: laid.names,
    });
    if let Err(failure) = &program {
        result.ok = false;
        if result.output.is_empty() {
            result.output = failure.message();
        }
    }
    Ok(Build { compile: result, program })
}

fn failed(compile: CompileResult, failure: BuildFailure) -> Build {
    Build { compile, program: Err(failure) }
}

fn nothing_compiled(output: String) -> CompileResult {
    CompileResult { ok: false, cpu_ms: 0, diagnostics: Vec::new(), output }
}

/// Runs the compiler, if the language has one.
async fn compile(
    jail: &mut Jail,
    language: &Language,
    sources: &[String],
    names: &NameMap,
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
        argv: expand(&language.compile, sources, ""),
        env: environment(language),
        cwd: SOURCE_DIR.to_owned(),
        limits: ExecLimits {
            cpu_ms: limits.cpu_ms,
            wall_ms: limits.wall_ms,
            output_bytes: limits.output_kb << 10,
            file_bytes: COMPILER_FILE_BYTES,
            open_files: COMPILER_OPEN_FILES,
            stack_bytes: None,
        },
    };
    let done = jail.exec(request, b"").await?;
    if let Some(why) = &done.result.spawn_error {
        return Err(SandboxError::JailLost(format!("the compiler of {} did not start: {why}", language.name)));
    }
    if !jail.clean().await? {
        return Err(SandboxError::JailLost("it was not clean after compiling".to_owned()));
    }
    let failure = verdict(&done);
    let raw = [done.stdout.as_slice(), done.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&raw);
    let result = CompileResult {
        ok: failure.is_none(),
        cpu_ms: done.result.cpu_us / 1000,
        diagnostics: diagnostics::read(language.diagnostics, &text, names),
        output: cut(&names.rename_in(&text), OUTPUT_KEPT),
    };
    Ok((result, failure))
}

fn verdict(done: &Execution) -> Option<BuildFailure> {
    match done.result.stop {
        Some(Stop::Cpu | Stop::Wall) => Some(BuildFailure::Limit("time")),
        Some(Stop::Output) => Some(BuildFailure::Limit("output")),
        _ if done.result.oom_kills > 0 => Some(BuildFailure::Limit("memory")),
        _ if done.result.exit_code == Some(0) => None,
        _ => Some(BuildFailure::Compiler),
    }
}

/// A command line with its placeholders filled in. An element `{sources}` becomes one element per source file.
fn expand(command: &[String], sources: &[String], main: &str) -> Vec<String> {
    let mut argv = Vec::new();
    for element in command {
        if element == "{sources}" {
            argv.extend(sources.iter().cloned());
        } else {
            argv.push(element.replace("{build}", BUILD_DIR).replace("{main}", main));
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

/// The file to run: the one that was asked for, the language's usual one, or the only one.
fn main_file(language: &Language, sources: &[String], wanted: Option<&str>) -> Result<String, BuildFailure> {
    let path = |name: &str| format!("{SOURCE_DIR}/{name}");
    let found = |name: &str| sources.iter().find(|s| s.as_str() == name || s.split('.').next() == Some(name));
    if let Some(wanted) = wanted {
        let unknown = || BuildFailure::UnknownMain { wanted: wanted.to_owned(), candidates: sources.to_vec() };
        return found(wanted).map(|s| path(s)).ok_or_else(unknown);
    }
    if let Some(usual) = language.main_file.as_deref().and_then(found) {
        return Ok(path(usual));
    }
    match sources {
        [one] => Ok(path(one)),
        several => Err(BuildFailure::SeveralMains { candidates: several.to_vec() }),
    }
}

async fn main_class(jail: &mut Jail, wanted: Option<&str>) -> Result<Result<String, BuildFailure>, SandboxError> {
    let fetched = jail.fetch(FetchRequest { suffix: ".class".to_owned(), ..CLASSES }).await?;
    if fetched.truncated {
        return Ok(Err(BuildFailure::Layout("it makes too many or too big classes".to_owned())));
    }
    let classes: Vec<_> = fetched.files.iter().filter_map(|(_, bytes)| java::class_file::parse(bytes)).collect();
    Ok(java::entry::choose(&classes, wanted))
}

/// At most so many bytes, cut between characters.
fn cut(text: &str, bytes: usize) -> String {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn python() -> Language {
        Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/python")).expect("valid")
    }

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn placeholders_are_filled_in_and_a_source_is_one_argument_whatever_its_name() {
        let argv = expand(&texts(&["cc", "-o", "{build}/main", "{sources}"]), &texts(&["a b.c", "{main}.c"]), "x");
        assert_eq!(argv, ["cc", "-o", "/build/main", "a b.c", "{main}.c"]);
    }

    #[test]
    fn the_main_file_is_the_named_the_usual_or_the_only_one() {
        let language = python();
        let main = |sources: &[&str], wanted| main_file(&language, &texts(sources), wanted);
        assert_eq!(main(&["a.py", "main.py"], None).ok().as_deref(), Some("/src/main.py"));
        assert_eq!(main(&["only.py"], None).ok().as_deref(), Some("/src/only.py"));
        assert_eq!(main(&["a.py", "b.py"], Some("b.py")).ok().as_deref(), Some("/src/b.py"));
        assert_eq!(main(&["a.py", "b.py"], Some("b")).ok().as_deref(), Some("/src/b.py"));
        assert!(matches!(main(&["a.py", "b.py"], None), Err(BuildFailure::SeveralMains { .. })));
        assert!(matches!(main(&["a.py"], Some("z.py")), Err(BuildFailure::UnknownMain { .. })));
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
