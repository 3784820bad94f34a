//! What is said of a run.

use std::fmt::Write as _;

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    terminal::{Exit, Phase, Reason},
};

/// Exit status when the program does not compile: there is nothing to start, as shells tell it.
const NOT_STARTED: u8 = 126;

/// How far a run is; nothing while it runs.
pub fn progress(phase: Phase, position: Option<u32>) -> Option<String> {
    match (phase, position) {
        (Phase::Queued, None) => Some("waiting".to_owned()),
        (Phase::Queued, Some(place)) => Some(format!("waiting, place {place} in the line")),
        (Phase::Compiling, _) => Some("compiling".to_owned()),
        (Phase::Running, _) => None,
    }
}

/// A compiler's message as compilers print them: editors find the place.
pub fn diagnostic(of: &Diagnostic) -> String {
    let mut line = String::new();
    if let Some(file) = &of.file {
        let _ = write!(line, "{file}:");
        for number in [of.line, of.line.and(of.column)].into_iter().flatten() {
            let _ = write!(line, "{number}:");
        }
        line.push(' ');
    }
    let severity = match of.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let _ = write!(line, "{severity}: {}", of.message.trim_end());
    line
}

/// The last line of a run.
pub fn end(exit: &Exit) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two decimals of some seconds")]
    let seconds = |ms: u64| format!("{:.2} s", ms as f64 / 1000.0);
    let used = || {
        let memory = match exit.memory_kb {
            0 => String::new(),
            kb => format!(" · {} MB", kb.div_ceil(1024)),
        };
        format!("{}{memory}", seconds(exit.wall_ms))
    };
    let stopped = |why: &str| format!("stopped after {}: {}", used(), exit.message.as_deref().unwrap_or(why));
    match exit.reason {
        Reason::Exited => match (exit.code, exit.signal) {
            (_, Some(signal)) => format!("ended by signal {}{} after {}", signal, signal_name(signal), used()),
            (code, None) => format!("exited {} in {}", code.unwrap_or_default(), used()),
        },
        Reason::Killed => stopped("killed"),
        Reason::Cpu => stopped(&format!("its CPU time is used up, {}", seconds(exit.cpu_ms))),
        Reason::Wall => stopped("its time is over"),
        Reason::Idle => stopped("nothing was typed and nothing printed for too long"),
        Reason::Memory => stopped("its memory is full"),
        Reason::Output => stopped("it printed too much"),
        Reason::Compile => exit.message.clone().unwrap_or_else(|| "it does not compile".to_owned()),
        Reason::Internal => exit.message.clone().unwrap_or_else(|| "the judge failed; try again".to_owned()),
    }
}

/// The exit status for whoever started us: the program's, or as a shell tells of a signal.
pub fn status(exit: &Exit) -> u8 {
    match exit.reason {
        Reason::Compile => NOT_STARTED,
        Reason::Internal => super::FAILED,
        _ => match (exit.code, exit.signal) {
            (_, Some(signal)) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            (Some(code), None) if exit.reason == Reason::Exited => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
            // Whatever stops a program does it by SIGKILL.
            _ => 128 + 9,
        },
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// Foreign text on a screen of ours: no control characters but line ends and tabs.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(reason: Reason, code: Option<i32>, signal: Option<i32>) -> Exit {
        Exit { code, signal, reason, wall_ms: 420, cpu_ms: 60_010, memory_kb: 38_000, message: None }
    }

    #[test]
    fn the_last_line_says_how_it_ended_and_what_it_took() {
        assert_eq!(end(&exit(Reason::Exited, Some(0), None)), "exited 0 in 0.42 s · 38 MB");
        assert_eq!(end(&exit(Reason::Exited, None, Some(11))), "ended by signal 11 (SIGSEGV) after 0.42 s · 38 MB");
        assert_eq!(
            end(&exit(Reason::Cpu, None, Some(9))),
            "stopped after 0.42 s · 38 MB: its CPU time is used up, 60.01 s"
        );
        let wall = Exit { message: Some("It ran for longer than 120 s.".to_owned()), ..exit(Reason::Wall, None, None) };
        assert_eq!(end(&wall), "stopped after 0.42 s · 38 MB: It ran for longer than 120 s.");
    }

    #[test]
    fn the_exit_status_is_the_programs() {
        assert_eq!(status(&exit(Reason::Exited, Some(0), None)), 0);
        assert_eq!(status(&exit(Reason::Exited, Some(300), None)), 44);
        assert_eq!(status(&exit(Reason::Exited, None, Some(11))), 139);
        assert_eq!(status(&exit(Reason::Wall, None, None)), 137);
        assert_eq!(status(&exit(Reason::Compile, None, None)), 126);
        assert_eq!(status(&exit(Reason::Internal, None, None)), 125);
    }

    #[test]
    fn a_message_of_a_compiler_begins_with_its_place() {
        let message = |file: Option<&str>, line, column| Diagnostic {
            file: file.map(str::to_owned),
            line,
            column,
            severity: Severity::Error,
            message: "';' expected\n  int x\n".to_owned(),
        };
        assert_eq!(
            diagnostic(&message(Some("Main.java"), Some(3), Some(9))),
            "Main.java:3:9: error: ';' expected\n  int x"
        );
        assert_eq!(diagnostic(&message(Some("a.c"), Some(3), None)), "a.c:3: error: ';' expected\n  int x");
        assert_eq!(diagnostic(&message(None, None, None)), "error: ';' expected\n  int x");
    }

    #[test]
    fn foreign_text_does_not_move_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2Jb\tc\r\n"), "a\u{fffd}[2Jb\tc\u{fffd}\n");
    }
}
