//! Sockets that come and go while a run goes on.

use std::{ops::ControlFlow, time::Duration};

use iteratione_common::terminal::{Phase, Reason, ServerMessage, close};
use tokio::time::Instant;

use super::{End, Next, Session, connection, ending, work::Work};
use crate::{
    metrics::{self, Resumed},
    registry::Newcomer,
    ring::Ring,
    socket::Socket,
};

/// Within this time a socket must show that it lives, when another one wants its run.
const LIVES: Duration = Duration::from_secs(2);

/// A socket that wants the run, while it is asked whether the one that has it still lives.
pub(super) struct Rival {
    pub newcomer: Newcomer,
    pub until: Instant,
}

impl Session {
    /// A socket wants this run.
    pub(super) fn on_newcomer(&mut self, newcomer: Newcomer) -> Next {
        if newcomer.resume.seq > self.ring.end() {
            let message = format!("Byte {} of the output cannot have come yet.", newcomer.resume.seq);
            let refusal = newcomer.socket.refuse("bad_message", message, None, close::PROTOCOL);
            self.services.lifecycle.spawn(refusal);
        } else if let Some(socket) = &mut self.socket {
            if self.rival.is_some() {
                self.services.lifecycle.spawn(connection::in_use(newcomer.socket));
            } else {
                socket.ask(LIVES);
                self.rival = Some(Rival { newcomer, until: Instant::now() + LIVES });
            }
        } else {
            self.attach(newcomer);
        }
        ControlFlow::Continue(())
    }

    /// The socket that has the run has shown that it lives.
    pub(super) fn old_one_lives(&mut self) {
        if self.socket.is_some()
            && let Some(rival) = self.rival.take()
        {
            self.services.lifecycle.spawn(connection::in_use(rival.newcomer.socket));
        }
    }

    /// The socket that has the run is dead, and another one wants it.
    pub(super) fn old_one_is_dead(&mut self) {
        if let Some(rival) = self.rival.take() {
            if let Some(old) = self.socket.take() {
                let gone = async move { old.farewell(&Ring::new(0), close::IDLE, "another socket has the run").await };
                self.services.lifecycle.spawn(gone);
            }
            self.attach(rival.newcomer);
        }
    }

    /// The socket is gone: closed with a code by the client, or broken.
    pub(super) fn gone(&mut self, code: Option<u16>) -> Next {
        if code == Some(close::NORMAL) {
            // Whoever says goodbye does not come back.
            self.finish(ending::without_program(Reason::Killed, self.ran(), None));
            self.hang_up(close::NORMAL, "");
            return ControlFlow::Break(End::Gone);
        }
        let silent = code == Some(close::IDLE);
        self.part_with(close::IDLE, if silent { "no answer to pings" } else { "" });
        ControlFlow::Continue(())
    }

    /// Goes on without a socket, or with the one that waits.
    pub(super) fn part_with(&mut self, code: u16, reason: &'static str) {
        if let Some(socket) = self.socket.take() {
            self.services.lifecycle.spawn(async move { socket.farewell(&Ring::new(0), code, reason).await });
        }
        if let Some(rival) = self.rival.take() {
            return self.attach(rival.newcomer);
        }
        // Nobody can come back to a service that takes no sockets any more.
        let grace = if self.drains { Duration::ZERO } else { self.services.config.grace() };
        let until = Instant::now() + grace;
        tracing::info!("the socket is gone");
        self.forget_at = Some(until);
        self.registration.set_detached(true);
        if let Some(counted) = &mut self.counted {
            counted.detached(true);
        }
    }

    fn attach(&mut self, newcomer: Newcomer) {
        let Newcomer { mut socket, resume } = newcomer;
        let from = resume.seq.max(self.ring.start());
        let missed = from - resume.seq;
        metrics::resumed(if missed == 0 { Resumed::Done } else { Resumed::Missed });
        tracing::info!(missed, "another socket goes on with the run");
        socket.begin(resume.encoding, from);
        self.run.acks = resume.acks;
        socket.outbox.say(&ServerMessage::Resumed { session: self.secret.clone(), seq: from, missed });
        let phase = match self.work {
            Work::Waiting(_) => Some(Phase::Queued),
            Work::Building(..) => Some(Phase::Compiling),
            Work::Running(_) | Work::Lost(..) => Some(Phase::Running),
            Work::Joining(_) | Work::Over => None,
        };
        self.attached(socket, phase);
        self.flow.ack(from);
        self.credit();
        if let Some(size) = resume.size {
            self.resize(size);
        }
    }

    fn attached(&mut self, mut socket: Socket, phase: Option<Phase>) {
        if let Some(exit) = &self.exit {
            socket.outbox.finish(&ServerMessage::Exit(exit.clone()));
        }
        self.socket = Some(socket);
        if let Some(phase) = phase {
            self.status(phase, None);
        }
        self.forget_at = self.exit.as_ref().map(|_| Instant::now() + self.services.config.grace());
        self.registration.set_detached(false);
        if let Some(counted) = &mut self.counted {
            counted.detached(false);
        }
    }
}
