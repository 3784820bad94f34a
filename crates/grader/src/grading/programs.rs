//! The lab's own programs that judge. They are called as the Kattis problem package format has it ("Output validators",
//! specification 2025-09): `program input answer feedback_dir [arguments]`, the output of the submission on standard input;
//! exit code 42 is right, 43 is wrong, and anything else is the program's own failure.
//!
//! Each is built once and kept ([`Builds`]), and runs in a jail of its own, which no submission ever enters: what it reads,
//! the answer included, is not where a submission is.

use std::collections::BTreeMap;

use iteratione_common::{
    lab::{JudgeProgram, LabDocument, ProgramCall},
    language::Language,
};
use iteratione_sandbox::{
    Execution, Jail, Resources, Sandbox, SandboxError,
    protocol::{ExecLimits, ExecRequest, FetchRequest, SCRATCH_DIR, Stop},
    toolchain::{self, Order, Packed, Program},
};

mod builds;
mod feedback;

pub use builds::Builds;
pub(super) use feedback::Feedback;

/// CPU milliseconds of one call. The format's own default, `validation_time`, is 60 s; a course waits for an answer.
const CPU_MS: u64 = 20_000;
/// Elapsed milliseconds of one call, of an interactor on top of what the submission may take.
const WALL_MS: u64 = 30_000;
/// MiB of memory, within the operator's ceiling.
const MEMORY_MB: u64 = 512;
/// Bytes of what it prints, which nobody reads but when it fails: the format's `validation_output` is 8 MiB.
const OUTPUT_BYTES: u64 = 8 << 20;
/// Bytes of its last words that are told to the instructor.
const LAST_WORDS: usize = 2000;
/// Names of what it is given, in its working folder.
const INPUT: &str = "data.in";
const ANSWER: &str = "data.ans";
const FEEDBACK: &str = "feedback";
/// Makes the feedback folder, which may not be empty in a jail.
const PLACEHOLDER: &str = ".placeholder";
/// Bounds of the feedback folder.
const FEEDBACK_BYTES: u64 = 32 << 20;
const FEEDBACK_FILES: u32 = 100;

pub(super) const ACCEPTED: i32 = 42;
const REJECTED: i32 = 43;

/// Why a judging program gave no opinion: the instructor's business, and never the student's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

/// What a judging program said of one run.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) accepted: bool,
    pub(super) feedback: Feedback,
}

/// What a judging program is given.
#[derive(Debug)]
pub(super) struct Papers<'a> {
    pub(super) input: &'a [u8],
    pub(super) answer: &'a [u8],
    /// The feedback folder as the pass before has left it.
    pub(super) feedback: &'a [(String, Vec<u8>)],
}

/// The judging programs of one submission's lab, those that were needed so far.
pub(super) struct Judges<'a> {
    sandbox: &'a Sandbox,
    builds: &'a Builds,
    document: &'a LabDocument,
    job: String,
    seats: BTreeMap<String, Seat>,
}

/// One that is ready in its jail.
pub(super) struct Seat {
    jail: Jail,
    program: Program,
    memory: u64,
}

impl<'a> Judges<'a> {
    pub(super) fn new(sandbox: &'a Sandbox, builds: &'a Builds, document: &'a LabDocument, job: String) -> Self {
        Self { sandbox, builds, document, job, seats: BTreeMap::new() }
    }

    /// Has a checker look at an output.
    pub(super) async fn check(
        &mut self,
        call: &ProgramCall,
        papers: &Papers<'_>,
        output: &[u8],
    ) -> Result<Result<Said, Fault>, SandboxError> {
        let mut seat = match self.take(call, papers).await? {
            Ok(seat) => seat,
            Err(fault) => return Ok(Err(fault)),
        };
        let request = seat.request(call, WALL_MS);
        let done = match seat.jail.exec(request, output).await {
            Ok(done) => done,
            Err(lost) => return seat.lost(lost).await.map(Err),
        };
        self.hear(call, seat, &done).await
    }

    /// A judging program that is ready and has its papers. It must be given back to [`Judges::hear`] when it has run, or
    /// its jail is thrown away.
    pub(super) async fn take(
        &mut self,
        call: &ProgramCall,
        papers: &Papers<'_>,
    ) -> Result<Result<Seat, Fault>, SandboxError> {
        let mut seat = match self.seats.remove(&call.program) {
            Some(seat) => seat,
            None => match self.open(&call.program).await? {
                Ok(seat) => seat,
                Err(fault) => return Ok(Err(fault)),
            },
        };
        seat.jail.put(INPUT, papers.input).await?;
        seat.jail.put(ANSWER, papers.answer).await?;
        seat.jail.put(&format!("{FEEDBACK}/{PLACEHOLDER}"), b"").await?;
        for (path, content) in papers.feedback {
            seat.jail.put(&format!("{FEEDBACK}/{path}"), content).await?;
        }
        Ok(Ok(seat))
    }

    /// What a run of a judging program means.
    pub(super) async fn hear(
        &mut self,
        call: &ProgramCall,
        mut seat: Seat,
        done: &Execution,
    ) -> Result<Result<Said, Fault>, SandboxError> {
        let heard = match verdict(done) {
            Ok(accepted) => {
                let wanted = FetchRequest {
                    suffix: String::new(),
                    max_bytes: FEEDBACK_BYTES,
                    max_files: FEEDBACK_FILES,
                    scratch: Some(FEEDBACK.to_owned()),
                };
                let fetched = seat.jail.fetch(wanted).await?;
                if fetched.truncated {
                    Err(Fault(format!(
                        "its feedback folder holds more than {FEEDBACK_FILES} files or {} MiB",
                        FEEDBACK_BYTES >> 20
                    )))
                } else {
                    let files = fetched.files.into_iter().filter(|(path, _)| path != PLACEHOLDER);
                    Feedback::read(files.collect()).map(|feedback| Said { accepted, feedback })
                }
            }
            Err(fault) => Err(fault),
        };
        // One that is not proven clean is not taken again.
        if matches!(seat.jail.clean().await, Ok(true)) {
            self.seats.insert(call.program.clone(), seat);
        }
        Ok(heard.map_err(|Fault(why)| Fault(format!("the program {}: {why}", call.program))))
    }

    async fn open(&self, name: &str) -> Result<Result<Seat, Fault>, SandboxError> {
        let fault = |why: String| Ok(Err(Fault(format!("the program {name}: {why}"))));
        let Some(source) = self.document.programs.get(name) else { return fault("there is no such program".into()) };
        let Some(language) = self.sandbox.languages().get(&source.language) else {
            return fault(format!("this grader has no language {}", source.language));
        };
        let memory = self.sandbox.most_memory().min(MEMORY_MB << 20);
        let resources = Resources { memory_bytes: memory, ..self.sandbox.program_resources(language) };
        if let Some(packed) = self.builds.find(source)
            && let Some(jail) = packed.unpack(self.sandbox, language, resources, &self.job).await?
        {
            return Ok(Ok(Seat { jail, program: packed.program.clone(), memory }));
        }
        self.build(source, language, resources)
            .await
            .map(|built| built.map_err(|why| Fault(format!("the program {name} cannot be built: {why}"))))
    }

    async fn build(
        &self,
        source: &JudgeProgram,
        language: &Language,
        resources: Resources,
    ) -> Result<Result<Seat, String>, SandboxError> {
        let order = Order { files: &source.files, main: source.main.as_deref(), given: &[] };
        let (build, jail) = toolchain::open(self.sandbox, language, order, resources, &self.job).await?;
        let (program, mut jail) = match (build.program, jail) {
            (Ok(program), Some(jail)) => (program, jail),
            (Ok(_), None) => return Err(SandboxError::Unit("it was built, and then there was no jail".to_owned())),
            (Err(failure), _) => {
                return Ok(Err(format!("{} {}", failure.message(), tail(build.compile.output.as_bytes()))));
            }
        };
        let packed = Packed::pack(&mut jail, language, &source.files, program.clone()).await?;
        self.builds.keep(source, packed);
        Ok(Ok(Seat { jail, program, memory: resources.memory_bytes }))
    }
}

impl Seat {
    /// Its process for one call, which may take so long.
    pub(super) fn request(&self, call: &ProgramCall, wall_ms: u64) -> ExecRequest {
        // With a separator at its end, for those who only append a name.
        let mut arguments = vec![path(INPUT), path(ANSWER), format!("{}/", path(FEEDBACK))];
        arguments.extend(call.args.iter().cloned());
        let limits: ExecLimits = toolchain::program_limits(CPU_MS, wall_ms, OUTPUT_BYTES);
        self.program.in_memory(self.memory).exec_request(&arguments, limits)
    }

    /// The same of an interactor, whose submission may take so long.
    pub(super) fn interactor_request(&self, call: &ProgramCall, submission_wall_ms: u64) -> ExecRequest {
        self.request(call, submission_wall_ms.saturating_add(WALL_MS))
    }

    pub(super) fn jail(&mut self) -> &mut Jail {
        &mut self.jail
    }

    /// Its jail was lost: of its own memory, or by our fault.
    pub(super) async fn lost(self, error: SandboxError) -> Result<Fault, SandboxError> {
        if matches!(error, SandboxError::JailLost(_)) && self.jail.died_of_memory().await {
            return Ok(Fault("a judging program filled its whole memory".to_owned()));
        }
        Err(error)
    }
}

fn path(name: &str) -> String {
    format!("{SCRATCH_DIR}/{name}")
}

/// Whether it accepts, by the way in which it ended.
fn verdict(done: &Execution) -> Result<bool, Fault> {
    let result = &done.result;
    let why = if let Some(why) = &result.spawn_error {
        format!("it could not be started: {why}")
    } else if result.oom_kills > 0 {
        "it needs more memory than it may have".to_owned()
    } else {
        match (result.stop, result.exit_code, result.signal) {
            (None, Some(ACCEPTED), _) => return Ok(true),
            (None, Some(REJECTED), _) => return Ok(false),
            (Some(Stop::Cpu), ..) => format!("it took more than {} s of CPU time", CPU_MS / 1000),
            (Some(Stop::Wall), ..) => "it did not come to an end".to_owned(),
            (Some(Stop::Output), ..) => format!("it printed more than {} MiB", OUTPUT_BYTES >> 20),
            (Some(Stop::Killed), ..) => "it was killed".to_owned(),
            (None, Some(code), _) => {
                format!("it exited with {code}, which is neither 42 (accepted) nor 43 (wrong answer)")
            }
            (None, None, Some(signal)) => format!("it was killed by signal {signal}"),
            (None, None, None) => "how it ended is not known".to_owned(),
        }
    };
    let said = tail(&done.stderr);
    Err(Fault(if said.is_empty() { why } else { format!("{why}; it said: {said}") }))
}

/// The end of some text, without what PostgreSQL does not take.
fn tail(text: &[u8]) -> String {
    let start = text.len().saturating_sub(LAST_WORDS);
    String::from_utf8_lossy(&text[start..]).replace('\0', "␀").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use iteratione_sandbox::protocol::ExecResult;

    use super::*;

    fn ended(change: impl FnOnce(&mut ExecResult), stderr: &str) -> Result<bool, Fault> {
        let mut result = ExecResult::default();
        change(&mut result);
        verdict(&Execution { result, stdout: Vec::new(), stderr: stderr.into() })
    }

    #[test]
    fn only_42_accepts_only_43_rejects_and_everything_else_is_a_fault_with_its_reason() {
        assert_eq!(ended(|r| r.exit_code = Some(42), "noise"), Ok(true));
        assert_eq!(ended(|r| r.exit_code = Some(43), ""), Ok(false));
        for (change, words) in [
            ((|r| r.exit_code = Some(0)) as fn(&mut ExecResult), "exited with 0"),
            (|r| r.exit_code = Some(1), "exited with 1"),
            (|r| r.signal = Some(11), "signal 11"),
            (|r| (r.exit_code, r.stop) = (Some(42), Some(Stop::Cpu)), "CPU time"),
            (|r| (r.signal, r.stop) = (Some(9), Some(Stop::Wall)), "come to an end"),
            (|r| (r.exit_code, r.oom_kills) = (Some(42), 1), "memory"),
            (|r| r.spawn_error = Some("no such file".to_owned()), "no such file"),
            (|_| (), "not known"),
        ] {
            let why = ended(change, "Traceback: boom").expect_err(words).0;
            assert!(why.contains(words) && why.ends_with("boom"), "{why}");
        }
    }
}
