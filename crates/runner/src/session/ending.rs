//! How a run ended, for people.

use std::time::Duration;

use iteratione_common::{
    diagnostic::Diagnostic,
    terminal::{Exit, Reason},
};
use iteratione_sandbox::protocol::{ExecResult, Stop};

use crate::RunnerConfig;

/// Bytes of JSON that the compiler's messages may have, in all.
const DIAGNOSTICS_BYTES: usize = 128 << 10;

/// An end without a program.
pub fn without_program(reason: Reason, ran: Duration, message: Option<String>) -> Exit {
    let wall_ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
    Exit { code: None, signal: None, reason, wall_ms, cpu_ms: 0, memory_kb: 0, message }
}

/// What the harness says about a program, which we may have `wanted` to end for a reason.
pub fn of(result: &ExecResult, wanted: Option<Reason>) -> Exit {
    let reason = if result.spawn_error.is_some() {
        Reason::Internal
    } else {
        match result.stop {
            Some(Stop::Cpu) => Reason::Cpu,
            Some(Stop::Wall) => Reason::Wall,
            Some(Stop::Output) => Reason::Output,
            _ if result.oom_kills > 0 && result.exit_code != Some(0) => Reason::Memory,
            Some(Stop::Killed) => wanted.unwrap_or(Reason::Killed),
            None => Reason::Exited,
        }
    };
    let message = result.spawn_error.as_ref().map(|why| format!("The program could not be started: {why}."));
    Exit {
        code: result.exit_code,
        signal: result.signal,
        reason,
        wall_ms: result.wall_us / 1000,
        cpu_ms: result.cpu_us / 1000,
        memory_kb: result.memory_bytes / 1024,
        message,
    }
}

/// Adds the sentence that a reason needs.
pub fn explained(mut exit: Exit, config: &RunnerConfig, memory_bytes: u64) -> Exit {
    let why = match exit.reason {
        Reason::Cpu => format!("It used more than {} s of CPU time.", config.cpu_seconds),
        Reason::Wall => format!("It ran for longer than {} s.", config.wall_seconds),
        Reason::Idle => format!("Nothing was typed and nothing printed for {} s.", config.idle_seconds),
        Reason::Memory => format!("It needed more than {} MiB of memory.", memory_bytes >> 20),
        Reason::Output => format!("It printed more than {} MiB.", config.output_mb),
        Reason::Exited | Reason::Killed | Reason::Compile | Reason::Internal => return exit,
    };
    exit.message.get_or_insert(why);
    exit
}

/// As many of the compiler's messages as fit.
pub fn bounded(mut items: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut left = DIAGNOSTICS_BYTES;
    let fit = items.iter().take_while(|item| {
        let bytes = serde_json::to_vec(item).map_or(usize::MAX, |json| json.len());
        left.checked_sub(bytes).inspect(|rest| left = *rest).is_some()
    });
    let fit = fit.count();
    items.truncate(fit);
    items
}

#[cfg(test)]
mod tests {
    use iteratione_common::diagnostic::Severity;

    use super::*;

    fn result(stop: Option<Stop>, exit_code: Option<i32>, oom_kills: u64) -> ExecResult {
        ExecResult {
            exit_code,
            signal: None,
            stop,
            cpu_us: 2_500,
            wall_us: 7_000,
            memory_bytes: 4096,
            oom_kills,
            stdout_bytes: 0,
            stderr_bytes: 0,
            survivors: 0,
            input_ended: false,
            ended_us: 0,
            spawn_error: None,
        }
    }

    #[test]
    fn every_end_has_its_reason() {
        for (stop, code, oom, wanted, reason) in [
            (None, Some(3), 0, None, Reason::Exited),
            (None, Some(0), 1, None, Reason::Exited),
            (None, None, 1, None, Reason::Memory),
            (Some(Stop::Killed), None, 0, None, Reason::Killed),
            (Some(Stop::Killed), None, 0, Some(Reason::Idle), Reason::Idle),
            (Some(Stop::Cpu), None, 0, Some(Reason::Killed), Reason::Cpu),
            (Some(Stop::Wall), None, 0, None, Reason::Wall),
            (Some(Stop::Output), None, 0, None, Reason::Output),
            // It had ended before the kill came.
            (None, Some(0), 0, Some(Reason::Killed), Reason::Exited),
        ] {
            let exit = of(&result(stop, code, oom), wanted);
            assert_eq!(exit.reason, reason, "{stop:?} {code:?} {oom} {wanted:?}");
            assert_eq!((exit.code, exit.cpu_ms, exit.wall_ms, exit.memory_kb), (code, 2, 7, 4));
        }
        let unborn = ExecResult { spawn_error: Some("no such file".to_owned()), ..result(None, None, 0) };
        assert_eq!(of(&unborn, None).reason, Reason::Internal);
    }

    #[test]
    fn what_a_compiler_says_is_bounded() {
        let item = |length| Diagnostic {
            file: None,
            line: None,
            column: None,
            severity: Severity::Error,
            message: "\u{1b}".repeat(length),
        };
        assert_eq!(bounded(vec![item(10); 5]).len(), 5);
        assert!(serde_json::to_vec(&bounded(vec![item(1000); 500])).expect("JSON").len() < DIAGNOSTICS_BYTES + 1000);
    }
}
