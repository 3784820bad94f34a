//! From the sources to a program on its terminal.

use std::{sync::Arc, time::Duration};

use iteratione_common::terminal::{Phase, Reason, ServerMessage};
use iteratione_sandbox::{
    Jail, SandboxError, TerminalRequest,
    toolchain::{self, Build, Order, Program, program_limits},
};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    PACE_AFTER, Session, WALL_PATIENCE, WINDOW, ending, request,
    work::{Running, Work},
};
use crate::{
    admission::Permit,
    metrics::{self, Counted, Part},
};

impl Session {
    pub(super) fn build(&mut self, permit: Permit) {
        let queued = self.times.part();
        self.times.queued = Some(queued);
        let mut counted = Counted::new();
        counted.detached(self.socket.is_none());
        self.counted = Some(counted);
        metrics::start(Part::Queued, queued);
        self.status(Phase::Compiling, None);
        let (sandbox, language, id) = (self.services.sandbox.clone(), Arc::clone(&self.language), self.id);
        let (files, main) = (std::mem::take(&mut self.run.files), self.run.main.take());
        let resources = sandbox.program_resources(&language);
        let building = async move {
            let order = Order { files: &files, main: main.as_deref(), given: &[] };
            toolchain::open(&sandbox, &language, order, resources, &id.to_string()).await
        };
        self.work = Work::Building(permit, Box::pin(building.in_current_span()));
    }

    pub(super) fn built(&mut self, outcome: Result<Box<(Build, Option<Jail>)>, SandboxError>) {
        let compile = self.times.part();
        self.times.compile = Some(compile);
        metrics::start(Part::Compile, compile);
        let (build, jail) = match outcome {
            Ok(built) => *built,
            Err(error) => return self.broken(&error),
        };
        let items = ending::bounded(build.compile.diagnostics);
        if !items.is_empty() {
            self.say(&ServerMessage::Diagnostics { items });
        }
        match (build.program, jail) {
            (Err(failure), _) => {
                self.finish(ending::without_program(Reason::Compile, Duration::ZERO, Some(failure.message())));
            }
            (Ok(_), None) => self.broken(&SandboxError::JailLost("there is a program but no jail".to_owned())),
            (Ok(program), Some(jail)) => {
                if let Err(error) = self.start(&program, jail) {
                    self.broken(&error);
                }
            }
        }
    }

    pub(super) fn start(&mut self, program: &Program, jail: Jail) -> Result<(), SandboxError> {
        let config = &self.services.config;
        let millis = |seconds: u64| seconds.saturating_mul(1000);
        let limits = program_limits(millis(config.cpu_seconds), millis(config.wall_seconds), config.output_bytes());
        let mut request = program.exec_request(&self.run.args, limits);
        request.terminal = Some(TerminalRequest { size: request::window(self.run.size), window: WINDOW });
        let terminal = jail.open_terminal(request)?;
        tracing::Span::current().record("container.id", terminal.container_id());
        let Work::Building(permit, _) = std::mem::replace(&mut self.work, Work::Over) else {
            return Err(SandboxError::Stopping);
        };
        let now = Instant::now();
        self.work = Work::Running(Box::new(Running {
            terminal,
            permit,
            began: now,
            active: now,
            pace_at: Some(now + PACE_AFTER),
            pacing: None,
            ending: None,
            end_by: now + config.wall() + WALL_PATIENCE,
            overflows: false,
            silent: true,
        }));
        self.status(Phase::Running, None);
        Ok(())
    }

    /// Something of ours broke.
    pub(super) fn broken(&mut self, error: &SandboxError) {
        tracing::error!(%error, "a run ends because something of ours broke");
        let message = format!("Something of ours broke; this is not the program's fault. (Run {}.)", self.id);
        self.finish(ending::without_program(Reason::Internal, self.ran(), Some(message)));
    }
}
