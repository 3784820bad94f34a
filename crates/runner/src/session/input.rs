//! What the client wants of the program.

use std::time::Duration;

use iteratione_common::terminal::{Reason, ServerMessage, Size};
use tokio::time::Instant;

use super::{KILL_PATIENCE, Session, ending, request, work::Work};
use crate::metrics;

impl Session {
    pub(super) fn type_in(&mut self, bytes: &[u8]) {
        let Work::Running(running) = &mut self.work else { return };
        let accepted = running.terminal.type_in(bytes);
        metrics::input(accepted as u64);
        if accepted > 0 {
            running.active = Instant::now();
        }
        let dropped = bytes.len() - accepted;
        let tell = dropped > 0 && !running.overflows;
        running.overflows = dropped > 0;
        if dropped > 0 {
            metrics::input_dropped(dropped as u64);
        }
        if tell {
            let message = "The program does not read its input: what is typed now is thrown away.".to_owned();
            self.say(&ServerMessage::Notice { code: "input_dropped".to_owned(), message });
        }
    }

    pub(super) fn resize(&mut self, size: Size) {
        self.run.size = size;
        if let Work::Running(running) = &mut self.work {
            running.terminal.resize(request::window(size));
        }
    }

    pub(super) fn kill(&mut self) {
        match &mut self.work {
            Work::Running(running) => running.kill(Reason::Killed, KILL_PATIENCE),
            Work::Over => {}
            _ => self.finish(ending::without_program(Reason::Killed, Duration::ZERO, None)),
        }
    }
}
