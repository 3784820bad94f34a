//! What comes from the program, and what is known of what the client has.

use std::ops::ControlFlow;

use iteratione_common::terminal::{Reason, close};
use iteratione_sandbox::{SandboxError, TerminalEvent};
use tokio::time::Instant;

use super::{Next, Running, Session, ending, work::Work};
use crate::metrics::{self, Part};

impl Session {
    pub(super) fn on_terminal(&mut self, event: Result<TerminalEvent, SandboxError>) {
        match event {
            Ok(TerminalEvent::Output(bytes)) => {
                if let Work::Running(running) = &mut self.work {
                    running.active = Instant::now();
                    if std::mem::take(&mut running.silent) {
                        let first = running.began.elapsed();
                        self.times.first_output = Some(first);
                        metrics::start(Part::FirstOutput, first);
                    }
                }
                metrics::output(bytes.len() as u64);
                self.flow.produce(bytes.len() as u64);
                self.ring.push(&bytes);
            }
            Ok(TerminalEvent::Exit(result)) => {
                let wanted = match &self.work {
                    Work::Running(running) => running.ending,
                    _ => None,
                };
                if let Some(why) = &result.spawn_error {
                    tracing::error!(error = why, "a program could not be started");
                }
                self.finish(ending::of(&result, wanted));
            }
            Err(error) => self.lost(&error),
        }
    }

    /// The jail is lost: was it full?
    fn lost(&mut self, error: &SandboxError) {
        let Work::Running(running) = std::mem::replace(&mut self.work, Work::Over) else { return };
        let Running { terminal, permit, .. } = *running;
        tracing::error!(%error, "a jail was lost under its program");
        let lifecycle = self.services.lifecycle.clone();
        let examining = async move {
            let full = terminal.died_of_memory().await;
            lifecycle.spawn(terminal.destroy());
            full
        };
        self.work = Work::Lost(permit, Box::pin(examining));
    }

    /// Output was shown up to this byte.
    pub(super) fn acknowledged(&mut self, seq: u64) -> Next {
        let sent = self.socket.as_ref().map_or(0, |socket| socket.outbox.sent());
        if seq > sent.max(self.flow.acked()) {
            self.protest(format!("Byte {seq} of the output cannot have been shown: only {sent} were sent."));
            return ControlFlow::Continue(());
        }
        if self.run.acks {
            self.flow.ack(seq);
            self.credit();
        }
        self.old_one_lives();
        ControlFlow::Continue(())
    }

    /// Lets the program go on as far as its output was taken.
    pub(super) fn credit(&mut self) {
        let due = self.flow.grant();
        if let (true, Work::Running(running)) = (due > 0, &mut self.work) {
            running.terminal.credit(due);
        }
    }

    /// Hangs up on a client that does not keep to the protocol; its run has the grace of a broken socket.
    pub(super) fn protest(&mut self, why: String) {
        metrics::refused("bad_message");
        if let Some(socket) = &mut self.socket {
            socket.complain("bad_message", why, None);
        }
        self.part_with(close::PROTOCOL, "bad_message");
    }

    /// The jail did not end by itself in time.
    pub(super) fn give_up(&mut self) {
        let (reason, ran) = match &self.work {
            Work::Running(running) => (running.ending.unwrap_or(Reason::Wall), running.began.elapsed()),
            _ => return,
        };
        self.finish(ending::without_program(reason, ran, None));
    }
}
