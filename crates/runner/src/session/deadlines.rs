//! Everything that happens because time has passed.

use std::{ops::ControlFlow, time::Duration};

use iteratione_common::terminal::Reason;
use tokio::time::Instant;

use super::{End, KILL_PATIENCE, Next, Session, ending, work::Work};

/// It is looked at the clock at least so often.
const LOOK: Duration = Duration::from_secs(60);

impl Session {
    /// The next moment at which something is due.
    pub(super) fn alarm(&self) -> Instant {
        let mut alarms = vec![self.forget_at, self.rival.as_ref().map(|rival| rival.until)];
        if let Work::Running(running) = &self.work {
            let idle = running.ending.is_none().then(|| running.active + self.services.config.idle());
            alarms.extend([Some(running.end_by), running.pace_at, idle]);
        }
        alarms.into_iter().flatten().min().unwrap_or_else(|| Instant::now() + LOOK)
    }

    /// Does what is due.
    pub(super) fn on_clock(&mut self) -> Next {
        let now = Instant::now();
        let config = self.services.config;
        if self.rival.as_ref().is_some_and(|rival| rival.until <= now) {
            self.old_one_is_dead();
        }
        if let Work::Running(running) = &mut self.work {
            if running.pace_at.take_if(|at| *at <= now).is_some() {
                running.pacing = Some(Box::pin(running.terminal.pace(config.cpu_period())));
            }
            if running.active + config.idle() <= now {
                running.kill(Reason::Idle, KILL_PATIENCE);
            }
            if running.end_by <= now {
                self.give_up();
            }
        }
        if self.forget_at.is_some_and(|at| at <= now) {
            return self.forget(now);
        }
        ControlFlow::Continue(())
    }

    /// Nobody came back; or it has been over for so long that nobody needs to.
    fn forget(&mut self, now: Instant) -> Next {
        match self.socket.take() {
            None => {
                self.finish(ending::without_program(Reason::Killed, self.ran(), None));
                ControlFlow::Break(End::Gone)
            }
            Some(socket) if socket.outbox.is_finished() => ControlFlow::Break(End::Idle(Box::new(socket))),
            // It does not take what is left; its pings will tell.
            Some(socket) => {
                self.socket = Some(socket);
                self.forget_at = Some(now + self.services.config.grace().max(Duration::from_secs(1)));
                ControlFlow::Continue(())
            }
        }
    }
}
