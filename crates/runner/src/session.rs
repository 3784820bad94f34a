//! One run, from `run` to the end of its jail.
//!
//! One task owns all of it: the socket, the place in the line, the jail, the output that was not acknowledged yet, and every
//! deadline. It waits for one [`Event`] at a time and then acts, without waiting for anything. So a keystroke is never
//! behind output, nor a kill behind keystrokes; and when the socket breaks, the same task goes on without one.
//!
//! Tasks: that of the socket with which the run began ([`serve`]); it goes on when that socket is gone. And for what must
//! not hold it up, each with a deadline of its own: closing sockets, and removing a jail that is done.

mod connection;
mod deadlines;
mod ending;
mod flow;
mod input;
mod launch;
mod output;
mod request;
mod resume;
mod work;

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use iteratione_common::{
    ids::UserId,
    language::Language,
    terminal::{ClientMessage, Exit, Phase, Reason, Run, ServerMessage, close},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, field};
use uuid::Uuid;

pub use self::connection::serve;
use self::{
    flow::Flow,
    resume::Rival,
    work::{Running, Work, WorkEvent},
};
use crate::{
    Services,
    admission::{Refusal, Turn},
    metrics::{self, Counted},
    registry::{Newcomer, Registration},
    ring::Ring,
    socket::{Socket, SocketEvent},
};

/// Bytes of a run's output that are kept…
const RING: usize = 256 << 10;
/// …and of those that are not acknowledged: never more.
const WINDOW: u64 = 192 << 10;
/// A program that is killed must have ended by then; so long its last output may take.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// So long after the watchdog's time the jail goes, even if nobody takes the output.
const WALL_PATIENCE: Duration = Duration::from_secs(10);
/// From the start of a program to the change of its CPU period: what it starts with is better for starting.
const PACE_AFTER: Duration = Duration::from_millis(300);

/// One run.
pub struct Session {
    services: Services,
    account: UserId,
    /// For logs; no secret.
    id: Uuid,
    /// For coming back.
    secret: String,
    language: Arc<Language>,
    run: Run,
    socket: Option<Socket>,
    ring: Ring,
    flow: Flow,
    work: Work,
    exit: Option<Exit>,
    registration: Registration,
    newcomers: mpsc::Receiver<Newcomer>,
    rival: Option<Rival>,
    /// Ended to make room for another of the account's.
    end: CancellationToken,
    /// Without a socket it ends then; once it is over, it is forgotten then.
    forget_at: Option<Instant>,
    /// From its place to its end.
    counted: Option<Counted>,
    drains: bool,
    times: Times,
}

/// How long each part took.
struct Times {
    began: Instant,
    phase: Instant,
    queued: Option<Duration>,
    compile: Option<Duration>,
    first_output: Option<Duration>,
}

/// What is left when a session ends.
pub enum End {
    /// Nothing.
    Gone,
    /// A socket that has no run.
    Idle(Box<Socket>),
    /// A socket that wants another run.
    Again(Box<Socket>, Box<Run>),
}

enum Event {
    Socket(SocketEvent),
    Work(WorkEvent),
    Newcomer(Box<Newcomer>),
    /// A deadline has passed, perhaps.
    Clock,
    /// Another session of the account wants the place.
    End,
    Soft,
    Hard,
}

type Next = ControlFlow<End>;

impl Session {
    /// Begins with getting into the line.
    pub fn new(services: &Services, account: UserId, mut socket: Socket, run: Run, language: Arc<Language>) -> Self {
        let id = Uuid::now_v7();
        let secret = format!("{:032x}", rand::random::<u128>());
        let (registration, newcomers, end) = services.registry.register(&secret, account);
        socket.begin(run.encoding, 0);
        let admission = services.admission.clone();
        let now = Instant::now();
        Self {
            services: services.clone(),
            account,
            id,
            secret,
            language,
            run,
            socket: Some(socket),
            ring: Ring::new(RING),
            flow: Flow::new(WINDOW),
            work: Work::Joining(Box::pin(async move { admission.join(account, id).await })),
            exit: None,
            registration,
            newcomers,
            rival: None,
            end,
            forget_at: None,
            counted: None,
            drains: false,
            times: Times { began: now, phase: now, queued: None, compile: None, first_output: None },
        }
    }

    /// To the end.
    pub async fn run(self) -> End {
        let span = tracing::info_span!(
            "runner.session",
            session.id = %self.id,
            user.id = %self.account,
            language = self.language.id,
            container.id = field::Empty,
        );
        self.live().instrument(span).await
    }

    async fn live(mut self) -> End {
        tracing::info!(files = self.run.files.len(), "a run begins");
        let end = loop {
            let event = self.event().await;
            if let ControlFlow::Break(end) = self.act(event) {
                break end;
            }
            // A peer that always has something to say must not keep others from their turn.
            tokio::task::coop::consume_budget().await;
        };
        self.leave();
        end
    }

    async fn event(&mut self) -> Event {
        let alarm = self.alarm();
        let Self { socket, ring, work, newcomers, end, services, drains, .. } = self;
        let (soft, hard) = (&services.lifecycle.soft, &services.lifecycle.hard);
        // In any order: neither the socket nor the program may keep the other from being heard.
        tokio::select! {
            event = heard(socket, ring) => Event::Socket(event),
            event = work.event() => Event::Work(event),
            Some(newcomer) = newcomers.recv() => Event::Newcomer(Box::new(newcomer)),
            () = end.cancelled() => Event::End,
            () = hard.cancelled() => Event::Hard,
            () = soft.cancelled(), if !*drains => Event::Soft,
            () = tokio::time::sleep_until(alarm) => Event::Clock,
        }
    }

    fn act(&mut self, event: Event) -> Next {
        match event {
            Event::Socket(event) => self.on_socket(event),
            Event::Work(event) => self.on_work(event),
            Event::Newcomer(newcomer) => self.on_newcomer(*newcomer),
            Event::Clock => self.on_clock(),
            Event::End => {
                self.finish(ending::without_program(Reason::Killed, self.ran(), None));
                Next::Break(End::Gone)
            }
            Event::Soft => self.drain(),
            Event::Hard => {
                let message = "The terminal service is being restarted.".to_owned();
                self.finish(ending::without_program(Reason::Killed, self.ran(), Some(message)));
                self.hang_up(close::RESTARTING, "restarting");
                Next::Break(End::Gone)
            }
        }
    }

    fn on_socket(&mut self, event: SocketEvent) -> Next {
        match event {
            SocketEvent::Said(ClientMessage::Run(run)) => return self.again(run),
            SocketEvent::Said(ClientMessage::Resume(_)) => {
                self.complain("running", "This terminal has a program already: it cannot go on with another.");
            }
            SocketEvent::Said(ClientMessage::Stdin { data }) => self.type_in(data.as_bytes()),
            SocketEvent::Typed(bytes) => self.type_in(&bytes),
            SocketEvent::Said(ClientMessage::Resize(size)) => self.resize(size),
            SocketEvent::Said(ClientMessage::Ack { seq }) => return self.acknowledged(seq),
            SocketEvent::Said(ClientMessage::Kill) => self.kill(),
            SocketEvent::Written(seq) => {
                if !self.run.acks {
                    self.flow.ack(seq);
                    self.credit();
                }
                // Says nothing of the peer: it was given to the kernel.
                return Next::Continue(());
            }
            SocketEvent::Nonsense(why) => {
                self.protest(why);
                return Next::Continue(());
            }
            SocketEvent::Answered => {}
            SocketEvent::Gone(code) => return self.gone(code),
        }
        self.old_one_lives();
        Next::Continue(())
    }

    fn on_work(&mut self, event: WorkEvent) -> Next {
        match event {
            WorkEvent::Joined(Ok(waiting)) => self.work = Work::Waiting(waiting),
            WorkEvent::Joined(Err(refusal)) | WorkEvent::Turn(Turn::Refused(refusal)) => return self.refused(refusal),
            WorkEvent::Turn(Turn::Position(position)) => self.status(Phase::Queued, Some(position)),
            WorkEvent::Turn(Turn::Go(permit)) => self.build(permit),
            WorkEvent::Built(built) => self.built(built),
            WorkEvent::Terminal(event) => self.on_terminal(event),
            WorkEvent::Paced(paced) => {
                if let Work::Running(running) = &mut self.work {
                    running.pacing = None;
                }
                if let Err(error) = paced {
                    tracing::warn!(%error, "the CPU period stays as it is");
                }
            }
            WorkEvent::Examined(of_memory) => {
                let message = format!("The program's jail was lost; this is not its fault. (Run {}.)", self.id);
                let (reason, message) =
                    if of_memory { (Reason::Memory, None) } else { (Reason::Internal, Some(message)) };
                self.finish(ending::without_program(reason, self.ran(), message));
            }
        }
        Next::Continue(())
    }

    fn refused(&mut self, refusal: Refusal) -> Next {
        tracing::info!(code = refusal.code, "a run is refused");
        self.work = Work::Over;
        let Some(mut socket) = self.socket.take() else { return Next::Break(End::Gone) };
        socket.complain(refusal.code, refusal.message, refusal.retry_after);
        let Some(code) = refusal.close else { return Next::Break(End::Idle(Box::new(socket))) };
        self.socket = Some(socket);
        self.hang_up(code, refusal.code);
        Next::Break(End::Gone)
    }

    /// The soft stop: whoever runs may go on for a while.
    fn drain(&mut self) -> Next {
        self.drains = true;
        if self.socket.is_none() {
            // Nobody can come back to a service that takes no sockets.
            self.finish(ending::without_program(Reason::Killed, self.ran(), None));
            return Next::Break(End::Gone);
        }
        match self.work {
            // The line refuses them.
            Work::Joining(_) | Work::Waiting(_) => Next::Continue(()),
            Work::Over => {
                self.hang_up(close::RESTARTING, "restarting");
                Next::Break(End::Gone)
            }
            _ => {
                let seconds = self.services.config.drain_seconds;
                let message =
                    format!("The terminal service is being restarted: this program will be ended in {seconds} s.");
                self.say(&ServerMessage::Notice { code: "restarting".to_owned(), message });
                Next::Continue(())
            }
        }
    }

    /// Another run on the same socket, once this one is over and told so.
    fn again(&mut self, run: Box<Run>) -> Next {
        let told = self.socket.as_ref().is_some_and(|socket| socket.outbox.is_finished());
        if !self.work.is_over() || !told {
            self.complain("running", "A program is running at this terminal: end it first.");
            return Next::Continue(());
        }
        self.socket.take().map_or(Next::Continue(()), |socket| Next::Break(End::Again(Box::new(socket), run)))
    }

    /// The run is over: the place is free, the jail goes, and its client is told after the last output. Only the first
    /// end counts.
    fn finish(&mut self, exit: Exit) {
        match std::mem::replace(&mut self.work, Work::Over) {
            Work::Over => return,
            Work::Running(running) => {
                let Running { terminal, permit, pacing, .. } = *running;
                drop((permit, pacing));
                self.services.lifecycle.spawn(terminal.destroy().in_current_span());
            }
            other => drop(other),
        }
        self.registration.set_over();
        self.counted = None;
        let memory = self.services.sandbox.default_resources().memory_bytes;
        let exit = ending::explained(exit, &self.services.config, memory);
        metrics::ended(exit.reason);
        self.times.log(&exit, &self.ring);
        let grace = self.services.config.grace();
        self.forget_at = Some(self.forget_at.unwrap_or_else(|| Instant::now() + grace));
        if let Some(socket) = &mut self.socket {
            socket.outbox.finish(&ServerMessage::Exit(exit.clone()));
            if self.drains {
                self.hang_up(close::RESTARTING, "restarting");
                self.forget_at = Some(Instant::now());
            }
        }
        self.exit = Some(exit);
    }

    /// What must be done however it ended.
    fn leave(&mut self) {
        if !self.work.is_over() && self.exit.is_none() {
            self.finish(ending::without_program(Reason::Killed, self.ran(), None));
        }
        self.newcomers.close();
        while let Ok(newcomer) = self.newcomers.try_recv() {
            self.services.lifecycle.spawn(connection::no_session(newcomer.socket));
        }
        if let Some(rival) = self.rival.take() {
            self.services.lifecycle.spawn(connection::no_session(rival.newcomer.socket));
        }
    }

    /// Closes the socket, after all that is to be said; in a task of its own.
    fn hang_up(&mut self, code: u16, reason: &'static str) {
        if let Some(socket) = self.socket.take() {
            let ring = std::mem::replace(&mut self.ring, Ring::new(0));
            self.services.lifecycle.spawn(async move { socket.farewell(&ring, code, reason).await });
        }
    }

    fn say(&mut self, message: &ServerMessage) {
        if let Some(socket) = &mut self.socket {
            socket.outbox.say(message);
        }
    }

    fn complain(&mut self, code: &'static str, message: &str) {
        if let Some(socket) = &mut self.socket {
            socket.complain(code, message, None);
        }
    }

    fn status(&mut self, phase: Phase, position: Option<u32>) {
        let session = Some(self.secret.clone());
        self.say(&ServerMessage::Status { phase, position, session });
    }

    fn ran(&self) -> Duration {
        match &self.work {
            Work::Running(running) => running.began.elapsed(),
            _ => Duration::ZERO,
        }
    }
}

impl Times {
    /// How long the part took that has just ended; the next one begins.
    fn part(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.phase, now)
    }

    fn log(&self, exit: &Exit, ring: &Ring) {
        let ms = |part: Option<Duration>| part.map(|part| u64::try_from(part.as_millis()).unwrap_or(u64::MAX));
        tracing::info!(
            reason = ?exit.reason,
            queued_ms = ms(self.queued),
            compile_ms = ms(self.compile),
            first_output_ms = ms(self.first_output),
            duration_ms = ms(Some(self.began.elapsed())),
            bytes_out = ring.end(),
            "a run is over"
        );
    }
}

async fn heard(socket: &mut Option<Socket>, ring: &Ring) -> SocketEvent {
    match socket {
        Some(socket) => socket.event(ring).await,
        None => std::future::pending().await,
    }
}
