//! Who may run when.
//!
//! An account's place comes first: so many sessions, over all runners, those that wait included ([`Runs::lease`]). Then this
//! runner's line ([`line`]), which moves whenever a place is freed, and while the machine has memory left ([`memory`]).
//! Every change is made under one lock, and under the same lock the consequences are drawn: who is next is let in, and all
//! others are told their position. So no change can be lost.
//!
//! Tasks: one, [`Admission::tend`], which looks again while memory is short, and empties the line at the soft stop, with
//! which it ends.

mod line;
mod memory;
mod refusal;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use iteratione_common::{
    ids::UserId,
    lifecycle::Lifecycle,
    runs::{Lease, Runs},
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use self::{
    line::{Line, Number},
    memory::Memory,
};
pub use self::{
    memory::{Probe, available},
    refusal::Refusal,
};
use crate::{RunnerConfig, metrics};

/// How often memory is looked at while it is short.
const LOOK: Duration = Duration::from_millis(250);
/// How long a session that is ended for another one of its account may take to be gone.
const ENDING: Duration = Duration::from_secs(5);
/// Between tries to get its place. The runner's own sessions need one try only; this is for what Redis says late.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Ends a session of the account that has no socket, if there is one on this runner: [`crate::registry::Registry`] knows.
pub type EndDetached = Box<dyn Fn(UserId) -> bool + Send + Sync>;

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Admission(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Memory may be short: [`Admission::tend`] must look again.
    short: Notify,
    runs: Runs,
    per_account: u32,
    end_detached: EndDetached,
    lifecycle: Lifecycle,
}

struct State {
    line: Line<UserId>,
    memory: Memory,
    told: HashMap<Number, watch::Sender<Standing>>,
}

/// What one who waits is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Waits(u32),
    IsIn,
    /// The service ends.
    IsOut,
}

impl Admission {
    /// With a way to ask for available memory ([`available`]).
    pub fn new(
        config: &RunnerConfig,
        runs: Runs,
        end_detached: EndDetached,
        probe: Probe,
        lifecycle: &Lifecycle,
    ) -> Self {
        let state = State {
            line: Line::new(config.sessions, config.waiting_most),
            memory: Memory::new(config.min_free_memory(), probe),
            told: HashMap::new(),
        };
        let this = Self(Arc::new(Shared {
            state: Mutex::new(state),
            short: Notify::new(),
            runs,
            per_account: config.sessions_per_account,
            end_detached,
            lifecycle: lifecycle.clone(),
        }));
        lifecycle.spawn(this.clone().tend());
        this
    }

    /// Joins the line. Refused at once: the account has its sessions (over all runners) and none of them is detached here
    /// and could be ended, or the line is full, or the service drains.
    pub async fn join(&self, account: UserId, session: Uuid) -> Result<Waiting, Refusal> {
        self.enter(account, session).await.inspect_err(|refusal| metrics::refused(refusal.code))
    }

    async fn enter(&self, account: UserId, session: Uuid) -> Result<Waiting, Refusal> {
        let shared = &self.0;
        if shared.lifecycle.soft.is_cancelled() {
            return Err(Refusal::restarting());
        }
        // Before Redis is asked: a full line must be cheap.
        shared.state().line.admits().map_err(Refusal::closed)?;
        let lease = self.lease(account, session).await?;
        let (tell, standing) = watch::channel(Standing::Waits(u32::MAX));
        let mut state = shared.state();
        let number = state.line.join(account).map_err(Refusal::closed)?;
        state.told.insert(number, tell);
        // Before the line moves: from here on only the seat frees the place.
        let seat = Seat { number, shared: Arc::clone(shared), _lease: lease };
        shared.advance(&mut state);
        drop(state);
        Ok(Waiting { seat: Some(seat), standing, told: None })
    }

    /// One of the account's places; makes room for it if that is possible.
    async fn lease(&self, account: UserId, session: Uuid) -> Result<Lease, Refusal> {
        let shared = &self.0;
        let began = Instant::now();
        let mut ended = false;
        loop {
            match shared.runs.lease(account, session, shared.per_account).await {
                Ok(Some(lease)) => return Ok(lease),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error = %format!("{error:#}"), "no session can begin without Redis");
                    return Err(Refusal::unavailable());
                }
            }
            ended = ended || (shared.end_detached)(account);
            if !ended || began.elapsed() > ENDING {
                return Err(Refusal::account_full(shared.per_account));
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Programs that run or are about to, and how many wait.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.0.state();
        (state.line.live(), state.line.waiting())
    }

    async fn tend(self) {
        let shared = self.0;
        let soft = shared.lifecycle.soft.clone();
        let look = async {
            loop {
                shared.short.notified().await;
                tokio::time::sleep(LOOK).await;
                shared.advance(&mut shared.state());
            }
        };
        soft.run_until_cancelled(look).await;
        shared.state().close();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the consequences of a change.
    fn advance(&self, state: &mut State) {
        if state.advance(Instant::now()) {
            self.short.notify_one();
        }
    }
}

impl State {
    /// Lets in who may come in, and tells all others where they stand. `true` if somebody waits for memory alone.
    fn advance(&mut self, now: Instant) -> bool {
        let mut short = false;
        while self.line.could_let_in() {
            if !self.memory.has_room(now) {
                short = true;
                break;
            }
            let Some(number) = self.line.let_in() else { break };
            self.memory.taken(now);
            self.tell(number, Standing::IsIn);
        }
        for (number, position) in self.line.order().into_iter().zip(1..) {
            self.tell(number, Standing::Waits(position));
        }
        self.report();
        short
    }

    fn close(&mut self) {
        for number in self.line.close() {
            self.tell(number, Standing::IsOut);
        }
        self.report();
    }

    fn leave(&mut self, number: Number) {
        self.told.remove(&number);
        self.line.leave(number);
    }

    fn tell(&self, number: Number, standing: Standing) {
        if let Some(told) = self.told.get(&number) {
            told.send_if_modified(|now| std::mem::replace(now, standing) != standing);
        }
    }

    fn report(&self) {
        metrics::waiting(self.line.waiting());
    }
}

/// A place in the line or among those who are in: dropping it frees it, wherever it is.
struct Seat {
    number: Number,
    shared: Arc<Shared>,
    _lease: Lease,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.leave(self.number);
        self.shared.advance(&mut state);
    }
}

/// Somebody in the line. Dropping it leaves the line.
pub struct Waiting {
    /// `None` when the permit was handed out.
    seat: Option<Seat>,
    standing: watch::Receiver<Standing>,
    told: Option<Standing>,
}

/// What happened to one who waits.
#[derive(Debug)]
pub enum Turn {
    /// The place in the line, from 1.
    Position(u32),
    /// It may run.
    Go(Permit),
    /// It will not run.
    Refused(Refusal),
}

impl Waiting {
    /// Where it stands, then each change of it, and last the permit or a refusal, after which there is nothing more to wait
    /// for: it is pending for ever. Cancel-safe. Of several changes only the last may be told.
    pub async fn next(&mut self) -> Turn {
        loop {
            let standing = *self.standing.borrow_and_update();
            if self.told != Some(standing) {
                self.told = Some(standing);
                match standing {
                    Standing::Waits(position) => return Turn::Position(position),
                    Standing::IsIn => {
                        if let Some(seat) = self.seat.take() {
                            return Turn::Go(Permit { _seat: seat });
                        }
                    }
                    Standing::IsOut => {
                        let refusal = Refusal::restarting();
                        metrics::refused(refusal.code);
                        return Turn::Refused(refusal);
                    }
                }
            }
            if self.standing.changed().await.is_err() {
                // Its sender goes with the seat, which is out.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Leave to run. Dropping it frees the place and the account's lease.
pub struct Permit {
    _seat: Seat,
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}
