//! From what was measured to a verdict: the precedence of the contract, and one sentence for people.
//!
//! Nothing here believes a program: limits and deaths are the harness' and the cgroup's word, output is bytes to
//! compare. Only whether a *failed* run was out of heap is read from its error output, and that makes one failure another.

use iteratione_common::{
    language::{Entry, Language},
    submission::TimeLimit,
    verdict::Verdict,
};
use iteratione_sandbox::{Execution, protocol::Stop};

use crate::checkers::Opinion;

/// Bytes at the end of error output that are searched for a runtime's last words. A trace of Java has up to 1024 lines
/// for each of its causes, and what happened stands before them.
const LAST_WORDS: usize = 512 * 1024;

/// A test's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// For TLE, which limit.
    pub limit: Option<TimeLimit>,
    /// For people; `None` when there is nothing to say.
    pub message: Option<String>,
}

/// Judges one run. The checker is asked only if nothing else has failed it.
pub fn judge(
    language: &Language,
    done: &Execution,
    check: impl FnOnce() -> anyhow::Result<Opinion>,
) -> anyhow::Result<Judged> {
    if let Some(failed) = failed(language, done)? {
        return Ok(failed);
    }
    Ok(match check()? {
        Opinion::Pass => Judged { verdict: Verdict::Ac, limit: None, message: None },
        Opinion::Fail(message) => Judged { verdict: Verdict::Wa, limit: None, message: Some(message) },
    })
}

/// How a run failed by itself, whatever its output is; `None` if it did not.
pub fn failed(language: &Language, done: &Execution) -> anyhow::Result<Option<Judged>> {
    let result = &done.result;
    let judged = |verdict, message: String| Ok(Some(Judged { verdict, limit: None, message: Some(message) }));
    if let Some(why) = &result.spawn_error {
        return match unstartable(language, why) {
            Some((verdict, message)) => judged(verdict, message.to_owned()),
            None => anyhow::bail!("the program could not be started: {why}"),
        };
    }
    if result.stop == Some(Stop::Killed) {
        anyhow::bail!("the program was killed by nobody's order");
    }
    if result.stop.is_none() && result.exit_code.is_none() && result.signal.is_none() {
        anyhow::bail!("how the program ended is not known");
    }
    let failed = result.exit_code != Some(0);
    if result.stop == Some(Stop::Output) {
        return judged(
            Verdict::Ole,
            format!("stopped after {} of output", size(result.stdout_bytes + result.stderr_bytes)),
        );
    }
    if result.oom_kills > 0 {
        return judged(
            Verdict::Mle,
            format!("out of memory: a process was killed at the limit ({} used)", size(result.memory_bytes)),
        );
    }
    if failed && result.stop.is_none() && language.says_memory_exhausted(&last_words(&done.stderr)) {
        return judged(Verdict::Mle, "out of memory: the runtime's heap is exhausted".to_owned());
    }
    let time = match result.stop {
        Some(Stop::Cpu) if result.exit_code.is_some() => {
            Some((TimeLimit::Cpu, format!("it took {} of CPU time", seconds(result.cpu_us))))
        }
        Some(Stop::Cpu) => Some((TimeLimit::Cpu, format!("stopped after {} of CPU time", seconds(result.cpu_us)))),
        Some(Stop::Wall) => Some((
            TimeLimit::Wall,
            format!("stopped after {}; only {} of it were CPU time", seconds(result.wall_us), seconds(result.cpu_us)),
        )),
        _ => None,
    };
    if let Some((limit, message)) = time {
        return Ok(Some(Judged { verdict: Verdict::Tle, limit: Some(limit), message: Some(message) }));
    }
    if failed { judged(Verdict::Rte, failure(done)) } else { Ok(None) }
}

/// A program that a compiler made and the kernel does not take is the program's fault; a runtime of ours is not.
fn unstartable(language: &Language, why: &str) -> Option<(Verdict, &'static str)> {
    if language.entry != Entry::Binary || !why.starts_with("cannot run ") {
        None
    } else if why.ends_with("(os error 12)") {
        Some((Verdict::Mle, "the program needs more memory than there is before it even begins"))
    } else if why.ends_with("(os error 8)") || why.ends_with("(os error 7)") {
        Some((Verdict::Rte, "the program cannot be started: it is not one that the system can load"))
    } else {
        None
    }
}

/// What ended a program that failed: the signal, or the exit code with the runtime's own words put simply.
fn failure(done: &Execution) -> String {
    if let Some(signal) = done.result.signal {
        let killed = format!("killed by signal {signal} ({})", signal_name(signal));
        // An abort is a program's own decision: C++ and assert() say why.
        let why = if signal == 6 { abort_reason(&last_words(&done.stderr)) } else { None };
        return why.map_or(killed.clone(), |why| format!("{killed}: {why}"));
    }
    let code = done.result.exit_code.unwrap_or(-1);
    let words = last_words(&done.stderr);
    // From the last uncaught exception on: what a program printed before may quote any other.
    let uncaught =
        ["Exception in thread ", "Traceback (most recent call last)"].iter().filter_map(|m| words.rfind(m)).max();
    let words = &words[uncaught.unwrap_or(0)..];
    let explained = KNOWN.iter().find(|(mark, _)| words.contains(mark)).map(|(_, meaning)| (*meaning).to_owned());
    match explained.or_else(|| complaint(words)) {
        Some(reason) => format!("exited with code {code}: {reason}"),
        None => format!("exited with code {code}"),
    }
}

/// Marks of common failures, the more telling first, and what they mean to a beginner.
const KNOWN: [(&str, &str); 10] = [
    ("java.lang.StackOverflowError", "stack overflow: a method calls itself without end, or too deeply"),
    (
        "RecursionError: maximum recursion depth exceeded",
        "recursion too deep: a function calls itself without end, or too deeply",
    ),
    (
        "java.util.NoSuchElementException: No line found",
        "the input had no more lines: the program read more than there is",
    ),
    ("java.util.InputMismatchException", "the input was not of the type that the Scanner was asked for"),
    (
        "java.util.NoSuchElementException\n\tat java.base/java.util.Scanner",
        "the input had ended: the Scanner read more than there is",
    ),
    ("EOFError: EOF when reading a line", "the input had ended: input() read more than there is"),
    ("unable to create native thread", "too many threads"),
    ("can't start new thread", "too many threads"),
    ("Could not find or load main class", "the class to run was not found"),
    ("java.lang.NoClassDefFoundError", "a class was not found"),
];

/// The line in which a runtime says what happened: Java's `Exception in thread …`, Python's last line.
fn complaint(words: &str) -> Option<String> {
    let java = words.lines().find(|l| l.starts_with("Exception in thread "));
    let line = java.or_else(|| words.lines().rev().find(|l| l.contains("Error") || l.contains("Exception")))?;
    Some(line.trim().chars().take(200).collect())
}

/// The lines in which C++ and `assert` say why they end a program.
fn abort_reason(words: &str) -> Option<String> {
    let find = |mark: &str| words.lines().rev().find(|l| l.contains(mark)).map(str::trim);
    let thrown = find("terminate called after throwing").and_then(|l| l.split('\'').nth(1));
    let reason = match (thrown, find("what():")) {
        (Some(kind), Some(what)) => format!("{kind}, {what}"),
        (Some(kind), None) => kind.to_owned(),
        (None, _) => find("Assertion `")?.to_owned(),
    };
    Some(reason.chars().take(200).collect())
}

fn last_words(stderr: &[u8]) -> String {
    String::from_utf8_lossy(&stderr[stderr.len().saturating_sub(LAST_WORDS)..]).into_owned()
}

fn seconds(micros: u64) -> String {
    let hundredths = micros / 10_000;
    format!("{}.{:02} s", hundredths / 100, hundredths % 100)
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

/// Linux' names of the signals that programs die of.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => "illegal instruction",
        6 => "abort",
        7 => "bus error",
        8 => "arithmetic error, such as a division by zero",
        9 => "kill",
        11 => "segmentation fault: memory that is not the program's",
        13 => "broken pipe",
        15 => "termination",
        24 => "CPU limit",
        25 => "file size limit",
        31 => "forbidden system call",
        _ => "see signal(7)",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use iteratione_sandbox::protocol::ExecResult;

    use super::*;

    fn java() -> Language {
        Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/java")).expect("valid")
    }

    fn run(change: impl FnOnce(&mut ExecResult), stderr: &str) -> Execution {
        let mut result = ExecResult {
            exit_code: Some(0),
            signal: None,
            stop: None,
            cpu_us: 1_234_567,
            wall_us: 6_000_000,
            memory_bytes: 5 << 20,
            oom_kills: 0,
            stdout_bytes: 1 << 20,
            stderr_bytes: 0,
            survivors: 0,
            input_ended: false,
            ended_us: 0,
            spawn_error: None,
        };
        change(&mut result);
        Execution { result, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() }
    }

    fn judged(done: &Execution, opinion: Opinion) -> Judged {
        judge(&java(), done, || Ok(opinion)).expect("judged")
    }

    const HEAP: &str = "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat Main.main";

    #[test]
    fn when_several_things_are_true_the_contracts_precedence_decides() {
        type Change = fn(&mut ExecResult);
        let table: [(Change, &str, Verdict); 12] = [
            (
                |r| (r.stop, r.oom_kills, r.signal, r.exit_code) = (Some(Stop::Output), 1, Some(9), None),
                HEAP,
                Verdict::Ole,
            ),
            (|r| (r.stop, r.oom_kills, r.signal, r.exit_code) = (Some(Stop::Cpu), 1, Some(9), None), "", Verdict::Mle),
            (|r| r.oom_kills = 1, "", Verdict::Mle),
            (|r| r.exit_code = Some(1), HEAP, Verdict::Mle),
            (|_| (), HEAP, Verdict::Ac),
            (|r| (r.stop, r.signal, r.exit_code) = (Some(Stop::Cpu), Some(9), None), HEAP, Verdict::Tle),
            (|r| (r.stop, r.exit_code) = (Some(Stop::Wall), Some(1)), "", Verdict::Tle),
            (|r| (r.signal, r.exit_code) = (Some(9), None), "", Verdict::Rte),
            (|r| (r.signal, r.exit_code) = (Some(11), None), "", Verdict::Rte),
            (|r| r.exit_code = Some(3), "", Verdict::Rte),
            (|r| r.exit_code = Some(1), "java.lang.OutOfMemoryError: unable to create native thread", Verdict::Rte),
            (|_| (), "", Verdict::Ac),
        ];
        for (n, (change, stderr, verdict)) in table.into_iter().enumerate() {
            assert_eq!(judged(&run(change, stderr), Opinion::Pass).verdict, verdict, "row {n}");
        }
        assert_eq!(judged(&run(|_| (), ""), Opinion::Fail("line 1".to_owned())).verdict, Verdict::Wa);
    }

    #[test]
    fn the_two_time_limits_are_told_apart() {
        let cpu =
            judged(&run(|r| (r.stop, r.exit_code, r.signal) = (Some(Stop::Cpu), None, Some(9)), ""), Opinion::Pass);
        assert_eq!(
            (cpu.limit, cpu.message.as_deref()),
            (Some(TimeLimit::Cpu), Some("stopped after 1.23 s of CPU time"))
        );
        let missed = judged(&run(|r| r.stop = Some(Stop::Cpu), ""), Opinion::Pass);
        assert_eq!((missed.verdict, missed.message.as_deref()), (Verdict::Tle, Some("it took 1.23 s of CPU time")));
        let wall = judged(&run(|r| r.stop = Some(Stop::Wall), ""), Opinion::Pass);
        assert_eq!(wall.limit, Some(TimeLimit::Wall));
        assert!(wall.message.is_some_and(|m| m.contains("6.00 s") && m.contains("1.23 s")));
    }

    #[test]
    fn a_failure_says_what_it_means() {
        let message =
            |stderr: &str| judged(&run(|r| r.exit_code = Some(1), stderr), Opinion::Pass).message.expect("said");
        let scanner = "Exception in thread \"main\" java.util.NoSuchElementException\n\tat java.base/java.util.Scanner.throwFor(Scanner.java:945)";
        assert!(message(scanner).contains("input had ended"));
        assert!(
            message("Exception in thread \"main\" java.lang.StackOverflowError\n\tat A.f").contains("stack overflow")
        );
        assert!(
            message("Exception in thread \"main\" java.lang.IllegalStateException: no\n\tat A.f")
                .ends_with("IllegalStateException: no")
        );
        assert!(
            message("Traceback (most recent call last):\nZeroDivisionError: division by zero\n")
                .ends_with("division by zero")
        );
        let deep = "\tat some.package.with.a.long.name.Main.function(Main.java:17)\n".repeat(1024);
        let deep = format!("Exception in thread \"main\" java.lang.StackOverflowError\n{deep}");
        assert!(message(&deep).contains("stack overflow"), "what happened stands before a very long trace");
        let caught =
            "caught java.lang.StackOverflowError\nException in thread \"main\" java.lang.RuntimeException: x\n\tat A.f";
        assert!(message(caught).ends_with("java.lang.RuntimeException: x"), "the one that was not caught counts");
        assert_eq!(message(""), "exited with code 1");
        let signal = judged(&run(|r| (r.signal, r.exit_code) = (Some(11), None), ""), Opinion::Pass);
        assert!(signal.message.is_some_and(|m| m.contains("signal 11 (segmentation fault")));
    }

    #[test]
    fn what_is_our_fault_is_no_verdict() {
        let done = run(|r| (r.spawn_error, r.exit_code) = (Some("no such program".to_owned()), None), "");
        assert!(judge(&java(), &done, || Ok(Opinion::Pass)).is_err());
        assert!(judge(&java(), &run(|r| r.stop = Some(Stop::Killed), ""), || Ok(Opinion::Pass)).is_err());
        assert!(judge(&java(), &run(|_| (), ""), || anyhow::bail!("bad pattern")).is_err());
    }

    #[test]
    fn a_run_without_an_end_is_never_a_pass() {
        let lost = run(|r| r.exit_code = None, "");
        assert!(judge(&java(), &lost, || Ok(Opinion::Pass)).is_err());
    }

    #[test]
    fn a_program_that_the_system_cannot_load_is_the_programs_fault_and_a_missing_runtime_is_ours() {
        let c = Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/c")).expect("valid");
        let start = |language: &Language, why: &str| {
            let done = run(|r| (r.spawn_error, r.exit_code) = (Some(why.to_owned()), None), "");
            judge(language, &done, || Ok(Opinion::Pass)).map(|j| j.verdict).ok()
        };
        assert_eq!(start(&c, "cannot run /build/main: Cannot allocate memory (os error 12)"), Some(Verdict::Mle));
        assert_eq!(start(&c, "cannot run /build/main: Exec format error (os error 8)"), Some(Verdict::Rte));
        assert_eq!(start(&c, "cannot run /build/main: Permission denied (os error 13)"), None);
        assert_eq!(start(&c, "cannot start a process: Cannot allocate memory (os error 12)"), None);
        assert_eq!(start(&java(), "cannot run java: Exec format error (os error 8)"), None);
    }

    #[test]
    fn an_abort_says_why() {
        let message = |stderr: &str| {
            judged(&run(|r| (r.signal, r.exit_code) = (Some(6), None), stderr), Opinion::Pass).message.expect("said")
        };
        let thrown =
            "terminate called after throwing an instance of 'std::out_of_range'\n  what():  vector::_M_range_check\n";
        assert!(message(thrown).ends_with("(abort): std::out_of_range, what():  vector::_M_range_check"));
        assert!(message("terminate called after throwing an instance of 'int'\n").ends_with("(abort): int"));
        assert!(message("main: main.c:3: main: Assertion `x > 0' failed.\n").ends_with("Assertion `x > 0' failed."));
        assert!(message("free(): invalid pointer\n").ends_with("(abort)"));
    }

    #[test]
    fn the_checker_is_not_asked_about_a_failed_run() {
        let failed = run(|r| r.exit_code = Some(1), "");
        judge(&java(), &failed, || panic!("asked")).expect("judged");
    }
}
