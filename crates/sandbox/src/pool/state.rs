//! What the pool knows and decides, without Docker, clock or tasks: so that every decision can be tested.
//!
//! All jails of the shelves are started the same way, whether to fill one or because somebody waits: whoever has waited
//! longest gets the next one that is ready. A jail apart is started for one who asked for it and never shelved. A jail
//! counts from the decision to start it until the janitor has removed it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use uuid::Uuid;

/// Somebody who waits for a jail.
pub trait Waits {
    /// Has given up; is passed over.
    fn gave_up(&self) -> bool;
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<J, A> {
    /// Start a jail of this language; it counts already, under this id.
    Start(String, Uuid),
    /// Start the jail that was asked for; it counts already, under this id.
    StartApart(A, Uuid),
    /// Destroy this ready jail: somebody waits for another language, and there is no room.
    Evict(J),
    /// Nothing, until something changes or this moment comes.
    Rest(Option<Instant>),
}

/// What somebody gets who wants a jail.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<J> {
    /// This one. The place in the queue was not needed.
    Now(J),
    /// The next one.
    Wait,
    /// There is no such language.
    Unknown,
}

#[derive(Debug)]
struct Lane<J, W> {
    floor: usize,
    ready: VecDeque<J>,
    waiting: VecDeque<(u64, W)>,
    starting: usize,
    /// Starts that failed since one succeeded.
    failures: u32,
    /// No start before.
    not_before: Option<Instant>,
}

/// The pool's state. `J` is a ready jail, `W` somebody who waits for one, `A` somebody who wants one apart.
#[derive(Debug)]
pub struct State<J, W, A> {
    ceiling: usize,
    lanes: BTreeMap<String, Lane<J, W>>,
    live: BTreeSet<Uuid>,
    /// Asked for, in order.
    asked_apart: VecDeque<A>,
    /// Those of `live` that belong to no shelf.
    apart: BTreeSet<Uuid>,
    /// Evicted and not yet gone: room that is on its way.
    evicted: BTreeSet<Uuid>,
    tickets: u64,
    filling: bool,
}

/// A ready jail has an id.
pub trait Ready {
    /// The id it counts under.
    fn id(&self) -> Uuid;
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl<J: Ready, W: Waits, A: Waits> State<J, W, A> {
    /// An empty pool: languages with their floors, and the most jails in all.
    pub fn new(floors: impl IntoIterator<Item = (String, usize)>, ceiling: usize) -> Self {
        let lane = |floor| Lane {
            floor,
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            starting: 0,
            failures: 0,
            not_before: None,
        };
        Self {
            ceiling,
            lanes: floors.into_iter().map(|(language, floor)| (language, lane(floor))).collect(),
            live: BTreeSet::new(),
            asked_apart: VecDeque::new(),
            apart: BTreeSet::new(),
            evicted: BTreeSet::new(),
            tickets: 0,
            filling: true,
        }
    }

    /// A ready jail, or a place in the queue: in one step, so that a jail that becomes ready in between is not missed.
    pub fn take_or_wait(&mut self, language: &str, who: W) -> Turn<J> {
        let Some(lane) = self.lanes.get_mut(language) else { return Turn::Unknown };
        if let Some(jail) = lane.ready.pop_front() {
            return Turn::Now(jail);
        }
        self.tickets += 1;
        lane.waiting.push_back((self.tickets, who));
        Turn::Wait
    }

    /// A place in the queue for a jail apart.
    pub fn ask_apart(&mut self, who: A) {
        self.asked_apart.push_back(who);
    }

    /// The most jails apart: what they hold for good must leave room for those that come and go.
    fn most_apart(&self) -> usize {
        (self.ceiling / 4).max(1).min(self.ceiling.saturating_sub(1))
    }

    /// What to do now. To be asked again until it says [`Step::Rest`].
    pub fn next(&mut self, now: Instant) -> Step<J, A> {
        let mut wake: Option<Instant> = None;
        for lane in self.lanes.values_mut() {
            lane.waiting.retain(|(_, w)| !w.gave_up());
        }
        self.asked_apart.retain(|a| !a.gave_up());
        // First those who wait, the longest first; then who wants one apart; then the floors, the emptiest shelf first.
        let mut wanted: Vec<(u64, usize, String)> = Vec::new();
        for (language, lane) in &self.lanes {
            let unserved = lane.waiting.get(lane.starting).map(|(ticket, _)| *ticket);
            let below_floor = self.filling && lane.ready.len() + lane.starting < lane.floor + lane.waiting.len();
            let Some(urgency) = unserved.or(below_floor.then_some(u64::MAX)) else { continue };
            if let Some(moment) = lane.not_before.filter(|m| *m > now) {
                wake = Some(wake.map_or(moment, |w| w.min(moment)));
                continue;
            }
            wanted.push((urgency, lane.ready.len() + lane.starting, language.clone()));
        }
        wanted.sort();
        let first = wanted.into_iter().next();
        let somebody_waits = first.as_ref().is_some_and(|(urgency, ..)| *urgency != u64::MAX);
        if !somebody_waits
            && self.live.len() < self.ceiling
            && self.apart.len() < self.most_apart()
            && let Some(who) = self.asked_apart.pop_front()
        {
            let jail = Uuid::new_v4();
            self.live.insert(jail);
            self.apart.insert(jail);
            return Step::StartApart(who, jail);
        }
        let Some((urgency, _, language)) = first else { return Step::Rest(wake) };
        if self.live.len() < self.ceiling {
            let jail = Uuid::new_v4();
            self.live.insert(jail);
            if let Some(lane) = self.lanes.get_mut(&language) {
                lane.starting += 1;
            }
            return Step::Start(language, jail);
        }
        // No room. Only somebody who waits may take it from a shelf, and only one eviction per waiter.
        let waiters: usize = self.lanes.values().map(|s| s.waiting.len().saturating_sub(s.starting)).sum();
        if urgency != u64::MAX && waiters > self.evicted.len() {
            let fullest = self.lanes.values_mut().filter(|s| s.waiting.is_empty()).max_by_key(|s| s.ready.len());
            if let Some(jail) = fullest.and_then(|s| s.ready.pop_back()) {
                self.evicted.insert(jail.id());
                return Step::Evict(jail);
            }
        }
        Step::Rest(wake)
    }

    /// A start has succeeded: gives the jail back with the one who waits for it, or shelves it.
    pub fn started(&mut self, language: &str, jail: J) -> Option<(J, W)> {
        let lane = self.lanes.get_mut(language)?;
        lane.starting = lane.starting.saturating_sub(1);
        lane.failures = 0;
        lane.not_before = None;
        self.offer(language, jail)
    }

    /// A jail for whoever waits, or for the shelf.
    pub fn offer(&mut self, language: &str, jail: J) -> Option<(J, W)> {
        let lane = self.lanes.get_mut(language)?;
        while let Some((_, who)) = lane.waiting.pop_front() {
            if !who.gave_up() {
                return Some((jail, who));
            }
        }
        lane.ready.push_back(jail);
        None
    }

    /// A start has failed: the next waits longer each time. Gives those who should be told: nobody after a first
    /// failure that may pass (`for_good` is false), which is tried again at once.
    pub fn failed(&mut self, language: &str, now: Instant, for_good: bool) -> Vec<W> {
        let Some(lane) = self.lanes.get_mut(language) else { return Vec::new() };
        lane.starting = lane.starting.saturating_sub(1);
        lane.failures = lane.failures.saturating_add(1);
        if lane.failures == 1 && !for_good {
            return Vec::new();
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << lane.failures.min(10)).min(LONGEST_PAUSE);
        lane.not_before = Some(now + pause);
        lane.waiting.drain(..).map(|(_, w)| w).collect()
    }

    /// The janitor has removed a jail, or it never came to be.
    pub fn gone(&mut self, jail: Uuid) {
        self.live.remove(&jail);
        self.apart.remove(&jail);
        self.evicted.remove(&jail);
    }

    /// Takes ready jails off their shelf that are not fit any more.
    pub fn discard(&mut self, language: &str, mut unfit: impl FnMut(&J) -> bool) -> Vec<J> {
        let Some(lane) = self.lanes.get_mut(language) else { return Vec::new() };
        let (out, keep) = std::mem::take(&mut lane.ready).into_iter().partition(|j| unfit(j));
        lane.ready = keep;
        out.into_iter().collect::<Vec<J>>()
    }

    /// Fills no shelf any more; who waits is still served.
    pub fn stop_filling(&mut self) {
        self.filling = false;
    }

    /// Empties everything.
    pub fn close(&mut self) -> (Vec<J>, Vec<W>, Vec<A>) {
        self.filling = false;
        let apart = self.asked_apart.drain(..).collect();
        let lanes = self.lanes.values_mut();
        let (mut ready, mut waiting) = (Vec::new(), Vec::new());
        for lane in lanes {
            ready.extend(lane.ready.drain(..));
            waiting.extend(lane.waiting.drain(..).map(|(_, w)| w));
        }
        (ready, waiting, apart)
    }

    /// Whether a jail counts.
    pub fn is_live(&self, jail: Uuid) -> bool {
        self.live.contains(&jail)
    }

    /// Jails in all.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Ready jails per language.
    pub fn levels(&self) -> impl Iterator<Item = (&str, usize)> {
        self.lanes.iter().map(|(language, lane)| (language.as_str(), lane.ready.len()))
    }
}

#[cfg(test)]
mod tests;
