//! Messages, one enum per direction. How they are laid out as bytes is in [`crate::frame`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Sent in [`FromHarness::Hello`]; a host refuses a harness of another version.
pub const PROTOCOL_VERSION: u32 = 5;
/// The most payload bytes one frame may carry. A longer length is a protocol error, never an allocation.
pub const MAX_PAYLOAD: usize = 256 * 1024;
/// Bytes of `Stdin` that may be under way to a program on a terminal, that is sent and not yet `Taken`.
pub const TERMINAL_INPUT_MOST: u64 = 1 << 20;

/// Uid and gid under which compilers run; may write [`BUILD_DIR`].
pub const COMPILER_UID: u32 = 10002;
/// Uid and gid under which student programs run; may write the scratch folders only.
pub const PROGRAM_UID: u32 = 10001;
/// Sources, bind-mounted read-only.
pub const SOURCE_DIR: &str = "/src";
/// What the compiler makes: a tmpfs owned by the compiler, readable by the program.
pub const BUILD_DIR: &str = "/build";
/// Working folder of programs: a tmpfs, root-owned and sticky.
pub const SCRATCH_DIR: &str = "/scratch";
/// Every folder in which student code may leave something; all are wiped by [`ToHarness::Clean`].
pub const WRITABLE_DIRS: [&str; 3] = [SCRATCH_DIR, "/tmp", "/dev/shm"];

/// Host → harness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToHarness {
    /// Start a process. Only one runs at a time; it is followed by any number of `Stdin` and exactly one `StdinEnd`.
    Exec(ExecRequest),
    /// Bytes for the standard input of the running process. When it has ended they are discarded.
    Stdin(Vec<u8>),
    /// No more standard input: the process sees end-of-file.
    StdinEnd,
    /// Begin a file in the scratch folder, owned by the program's uid; `PutData` frames with exactly `len` bytes follow.
    Put(FileHeader),
    /// As `Put`, but in the build folder, owned by the compiler's uid and executable: what was compiled elsewhere.
    PutBuild(FileHeader),
    /// Contents of the file begun by `Put` or `PutBuild`.
    PutData(Vec<u8>),
    /// Send back files of the build folder, or of one in the scratch folder: answered by `File`/`FileData` for each and one `FetchEnd`.
    Fetch(FetchRequest),
    /// Kill every process but the harness, wipe the writable folders (the build folder stays), prove it.
    Clean,
    /// Kill the running process tree. Its `Exit` follows with [`Stop::Killed`].
    Kill,
    /// Answered by `Pong`.
    Ping,
    /// Start a resident: the jail is its own from then on. Answered by `Served` when it is ready, or when it is not.
    Serve(ServeRequest),
    /// Hand the resident one request; `AskData` frames with exactly `len` bytes follow. Answered by any number of
    /// `Answer` and one `Answered`.
    Ask(AskRequest),
    /// Contents of the request begun by `Ask`.
    AskData(Vec<u8>),
    /// The terminal of the running program has another size.
    Resize(WindowSize),
    /// So much more output of the program on the terminal may be sent.
    Credit(Credit),
}

/// Harness → host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromHarness {
    /// First frame after the start.
    Hello(Hello),
    /// A joined process is there: its ends of the two FIFOs are open.
    Started,
    /// Bytes of the process' standard output.
    Stdout(Vec<u8>),
    /// Bytes of the process' standard error.
    Stderr(Vec<u8>),
    /// Bytes that the process wrote to its report.
    Report(Vec<u8>),
    /// The process has ended, every descendant is dead, all its output was sent before this frame.
    Exit(ExecResult),
    /// One file of the build folder; `FileData` frames with exactly `len` bytes follow.
    File(FileHeader),
    /// Contents of the file begun by `File`.
    FileData(Vec<u8>),
    /// The answer to `Fetch` is complete.
    FetchEnd(FetchEnd),
    /// Answer to `Clean`.
    Cleaned(Cleaned),
    /// Answer to `Ping`.
    Pong,
    /// Answer to `Serve`.
    Served(Served),
    /// Bytes of the resident's answer.
    Answer(Vec<u8>),
    /// End of the resident's answer, or of the resident.
    Answered(Answered),
    /// So much more of the standard input has gone to the terminal, or was thrown away by an interrupt.
    Taken(Taken),
    /// The harness met something it cannot go on from; the jail must be thrown away.
    Fault(Fault),
}

/// What the harness is and sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the harness.
    pub version: u32,
    /// Cgroup hierarchy it measures with: 1 or 2.
    pub cgroup: u8,
}

/// Under which uid a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Uid [`COMPILER_UID`].
    Compiler,
    /// Uid [`PROGRAM_UID`].
    Program,
}

/// A process to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    /// Whose rights it has.
    pub role: Role,
    /// Program (looked up in `PATH` of `env` when it has no slash) and arguments; never empty.
    pub argv: Vec<String>,
    /// The whole environment of the process.
    pub env: BTreeMap<String, String>,
    /// Working folder, absolute.
    pub cwd: String,
    /// When it is stopped.
    pub limits: ExecLimits,
    /// A terminal as its standard streams, instead of pipes.
    #[serde(default)]
    pub terminal: Option<TerminalRequest>,
    /// A channel beside its standard streams, on descriptor [`REPORT_FD`], for at most so many bytes. It is the
    /// harness' own: no other uid can open it by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<u64>,
    /// FIFOs as its standard input and output, instead of pipes: the other ends are a process' of another jail. What it
    /// writes there is nobody else's, and does not count as output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
}

/// The FIFOs of a joined process. The host holds both of them open until it has heard `Started` from both processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Its standard input, an absolute path.
    pub input: String,
    /// Its standard output, an absolute path.
    pub output: String,
    /// Whether the output ends with the process and not before: the other one cannot have ended of that end until this
    /// one's was seen.
    #[serde(default)]
    pub to_the_end: bool,
}

/// The descriptor of the channel that [`ExecRequest::report`] asks for.
pub const REPORT_FD: i32 = 3;

/// A terminal for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalRequest {
    /// Its size when the program starts.
    pub size: WindowSize,
    /// Bytes of output that may be sent before the first `Credit`.
    pub window: u64,
}

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSize {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// Leave to send more output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Bytes, on top of what was granted before.
    pub bytes: u64,
}

/// Input that is no longer under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Bytes, on top of what was told before.
    pub bytes: u64,
}

/// Limits that the harness enforces. Memory and process count are the container's cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecLimits {
    /// User + system time of the whole tree, in milliseconds.
    pub cpu_ms: u64,
    /// Elapsed time in milliseconds.
    pub wall_ms: u64,
    /// Bytes of stdout and stderr together that are passed on; one more byte stops the process.
    pub output_bytes: u64,
    /// `RLIMIT_FSIZE` in bytes.
    pub file_bytes: u64,
    /// `RLIMIT_NOFILE`.
    pub open_files: u64,
    /// `RLIMIT_STACK` in bytes; `None` leaves the container's.
    pub stack_bytes: Option<u64>,
}

/// Why the harness ended a process before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// CPU limit.
    Cpu,
    /// Wall limit.
    Wall,
    /// Output limit.
    Output,
    /// A `Kill` frame.
    Killed,
}

/// How a process ended and what it used, measured over its whole tree. The default is that of one that never began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecResult {
    /// Exit status of the first process, if it exited.
    pub exit_code: Option<i32>,
    /// Signal that ended the first process, if one did.
    pub signal: Option<i32>,
    /// Set when a limit or `Kill` ended it.
    pub stop: Option<Stop>,
    /// User + system microseconds of the tree, by the cgroup.
    pub cpu_us: u64,
    /// Elapsed microseconds from before fork to the end of the first process.
    pub wall_us: u64,
    /// Peak memory in bytes (see the specification for how it is found on cgroup v1 and v2).
    pub memory_bytes: u64,
    /// OOM kills that the cgroup counted during this process.
    pub oom_kills: u64,
    /// Bytes of stdout passed on.
    pub stdout_bytes: u64,
    /// Bytes of stderr passed on.
    pub stderr_bytes: u64,
    /// Processes of the tree that had to be killed after the first one had ended.
    pub survivors: u32,
    /// Of a joined process: when its end was seen, nobody was left who could write to its input.
    #[serde(default)]
    pub input_ended: bool,
    /// When the end of the first process was seen: microseconds of the machine's monotonic clock, which all its jails share.
    #[serde(default)]
    pub ended_us: u64,
    /// The process could not be started: why (for people). Exit code and signal are then `None`.
    pub spawn_error: Option<String>,
}

/// A process that stays and answers requests: a compiler that executes nothing of what it is given.
///
/// On its standard input and output messages are four bytes of length, big-endian, and so many bytes. It sends an empty
/// one when it is ready, and then exactly one for each that it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServeRequest {
    /// As in [`ExecRequest`]. Its role is the compiler's.
    pub argv: Vec<String>,
    /// The whole environment of the process.
    pub env: BTreeMap<String, String>,
    /// Working folder, absolute.
    pub cwd: String,
    /// `RLIMIT_FSIZE` in bytes.
    pub file_bytes: u64,
    /// `RLIMIT_NOFILE`.
    pub open_files: u64,
    /// Milliseconds until it must be ready.
    pub ready_ms: u64,
}

/// Whether a resident is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Why it is not (for people). The jail must then be thrown away.
    pub error: Option<String>,
    /// User + system microseconds until it was ready.
    pub cpu_us: u64,
    /// Elapsed microseconds until it was ready.
    pub wall_us: u64,
}

/// One request to the resident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRequest {
    /// Bytes of the request, at most [`ASK_MOST`].
    pub len: u64,
    /// User + system time of the whole jail for this request, in milliseconds.
    pub cpu_ms: u64,
    /// Elapsed time in milliseconds.
    pub wall_ms: u64,
    /// The longest answer.
    pub answer_bytes: u64,
}

/// The longest request to a resident, in bytes.
pub const ASK_MOST: u64 = 64 << 20;

/// How a request to the resident ended. Unless both `stop` and `broken` are `None` the resident is dead and the jail
/// must be thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Set when a limit or `Kill` ended it.
    pub stop: Option<Stop>,
    /// It broke its protocol, or died: how (for the log).
    pub broken: Option<String>,
    /// User + system microseconds of the whole jail, without the harness.
    pub cpu_us: u64,
    /// Elapsed microseconds from the `Ask` to the end of the answer.
    pub wall_us: u64,
    /// Peak memory in bytes above what the jail held before.
    pub memory_bytes: u64,
    /// OOM kills that the cgroup counted meanwhile.
    pub oom_kills: u64,
    /// Bytes of the answer that were passed on.
    pub answer_bytes: u64,
}

/// A file on its way; `path` is relative, without `..`, `.` or empty parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHeader {
    /// Relative path, `/`-separated.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
}

/// Which files to send. Regular files only, links are not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// Only names with this ending; empty for all.
    pub suffix: String,
    /// Stop with `truncated` before more than this many bytes are sent.
    pub max_bytes: u64,
    /// Stop with `truncated` before more than this many files are sent.
    pub max_files: u32,
    /// Those in this folder, one step below the scratch folder, instead of those of the build folder. If it is not there,
    /// there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<String>,
}

/// End of a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchEnd {
    /// Files sent.
    pub files: u32,
    /// A limit of the request cut the answer short.
    pub truncated: bool,
}

/// Whether the jail is as it was before the last process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    /// Proven clean. If not, the jail must be thrown away.
    pub clean: bool,
    /// What was left, for the log.
    pub detail: Option<String>,
}

/// Something broke inside the harness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// For the log.
    pub message: String,
}
