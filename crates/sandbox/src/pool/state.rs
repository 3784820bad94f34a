//! What the pool knows and decides, without Docker, clock or tasks: so that every decision can be tested.
//!
//! All jails of the shelves are started the same way, whether to fill one or because somebody waits: whoever has waited
//! longest gets the next one that is ready. A jail apart is started for one who asked for it and never shelved. A jail
//! counts from the decision to start it until the janitor has removed it.
//!
//! How many are kept ready of a language follows its [`Demand`], between its floor and its ceiling; where places or
//! memory are short they are dealt by demand. What nobody waits for yields: one start fewer at a time than there may
//! be, so that whoever comes finds a free one, and, while jails are in use, one at a time with pauses between.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    demand::{Demand, deal},
    terms::{Bounds, Level, Ready, Shelf, Start, Step, Turn, Waits},
};

#[derive(Debug)]
struct Lane<J, W> {
    floor: usize,
    most: usize,
    ready: VecDeque<J>,
    waiting: VecDeque<(u64, W)>,
    starting: usize,
    demand: Demand,
    /// As dealt by the last look.
    target: usize,
    /// Starts that failed since one succeeded.
    failures: u32,
    /// No start before.
    not_before: Option<Instant>,
}

/// The pool's state. `J` is a ready jail, `W` somebody who waits for one, `A` somebody who wants one apart.
#[derive(Debug)]
pub struct State<J, W, A> {
    bounds: Bounds,
    lanes: BTreeMap<String, Lane<J, W>>,
    live: BTreeSet<Uuid>,
    /// Asked for, in order.
    asked_apart: VecDeque<A>,
    /// Those of `live` that belong to no shelf.
    apart: BTreeSet<Uuid>,
    apart_starting: usize,
    /// Starts under way that nobody waited for when they were decided.
    refilling: usize,
    /// How long a start takes, of late.
    start_time: Duration,
    /// No start that nobody waits for before, while jails are in use.
    refill_not_before: Option<Instant>,
    shrink_not_before: Option<Instant>,
    /// Evicted and not yet gone: room that is on its way.
    evicted: BTreeSet<Uuid>,
    tickets: u64,
    filling: bool,
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Between two jails that are given up because fewer are wanted.
const SHRINK_PAUSE: Duration = Duration::from_secs(5);
/// What a start is taken to need before one was seen.
const START_TIME: Duration = Duration::from_millis(300);
/// How much a language that nobody has wanted counts when places are dealt.
const UNWANTED: f64 = 0.5;

impl<J: Ready, W: Waits, A: Waits> State<J, W, A> {
    /// An empty pool.
    pub fn new(shelves: impl IntoIterator<Item = Shelf>, bounds: Bounds) -> Self {
        let lane = |shelf: &Shelf| Lane {
            floor: shelf.floor,
            most: shelf.most.max(shelf.floor),
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            starting: 0,
            demand: Demand::default(),
            target: 0,
            failures: 0,
            not_before: None,
        };
        Self {
            bounds,
            lanes: shelves.into_iter().map(|s| (s.language.clone(), lane(&s))).collect(),
            live: BTreeSet::new(),
            asked_apart: VecDeque::new(),
            apart: BTreeSet::new(),
            apart_starting: 0,
            refilling: 0,
            start_time: START_TIME,
            refill_not_before: None,
            shrink_not_before: None,
            evicted: BTreeSet::new(),
            tickets: 0,
            filling: true,
        }
    }

    /// A ready jail, or a place in the queue: in one step, so that a jail that becomes ready in between is not missed.
    pub fn take_or_wait(&mut self, language: &str, who: W, now: Instant) -> Turn<J> {
        let Some(lane) = self.lanes.get_mut(language) else { return Turn::Unknown };
        lane.demand.taken(now);
        if let Some(jail) = lane.ready.pop_front() {
            // Not put off again by each take, or a steady stream would find the shelf empty.
            if self.refill_not_before.is_none_or(|m| m <= now) {
                self.refill_not_before = Some(now + self.bounds.calm);
            }
            return Turn::Now(jail);
        }
        self.tickets += 1;
        lane.waiting.push_back((self.tickets, who));
        Turn::Wait
    }

    /// A place in the queue for a jail apart; `false` if there is no room for such a jail at all.
    pub fn ask_apart(&mut self, who: A) -> bool {
        let possible = self.most_apart() > 0;
        if possible {
            self.asked_apart.push_back(who);
        }
        possible
    }

    /// What to do now. To be asked again until it says [`Step::Rest`].
    pub fn next(&mut self, now: Instant) -> Step<J, A> {
        for lane in self.lanes.values_mut() {
            lane.waiting.retain(|(_, w)| !w.gave_up());
        }
        self.asked_apart.retain(|a| !a.gave_up());
        self.deal(now);
        if let Some(jail) = self.beyond_bounds() {
            return Step::Shrink(jail);
        }
        if self.starting() >= self.bounds.starts {
            // A start that ends will say so.
            return Step::Rest(None);
        }
        let mut wake = None;
        if let Some(step) = self.serve(now, &mut wake) {
            return step;
        }
        if let Some(step) = self.start_apart() {
            return step;
        }
        if let Some(step) = self.refill(now, &mut wake) {
            return step;
        }
        self.shrink(now, &mut wake).unwrap_or(Step::Rest(wake))
    }

    /// A start has succeeded, after `took`: gives the jail back with the one who waits for it, or shelves it.
    pub fn started(&mut self, start: &Start, jail: J, now: Instant, took: Duration) -> Option<(J, W)> {
        self.start_time = (self.start_time * 4 + took) / 5;
        self.start_ended(start, now, took);
        let lane = self.lanes.get_mut(&start.language)?;
        lane.failures = 0;
        lane.not_before = None;
        self.offer(&start.language, jail)
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
    pub fn failed(&mut self, start: &Start, now: Instant, for_good: bool) -> Vec<W> {
        self.start_ended(start, now, Duration::ZERO);
        let Some(lane) = self.lanes.get_mut(&start.language) else { return Vec::new() };
        lane.failures = lane.failures.saturating_add(1);
        if lane.failures == 1 && !for_good {
            return Vec::new();
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << lane.failures.min(10)).min(LONGEST_PAUSE);
        lane.not_before = Some(now + pause);
        lane.waiting.drain(..).map(|(_, w)| w).collect()
    }

    /// The start of a jail apart has ended, well or not.
    pub fn apart_ended(&mut self, now: Instant, took: Duration) {
        self.apart_starting = self.apart_starting.saturating_sub(1);
        self.pause_refills(now, took);
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

    /// Each language's shelf.
    pub fn levels(&self) -> impl Iterator<Item = Level<'_>> {
        self.lanes.iter().map(|(language, l)| Level { language, ready: l.ready.len(), target: l.target })
    }

    /// MiB that all that waits is reckoned to take.
    pub fn memory_mb(&self) -> u64 {
        let of = |count: usize, each: u64| u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(each);
        of(self.shelved(), self.bounds.ready_mb).saturating_add(of(self.apart.len(), self.bounds.apart_mb))
    }

    /// Jails that are neither ready, nor being started, nor apart: in somebody's hands, or on their way out.
    pub fn in_use(&self) -> usize {
        let starting: usize = self.lanes.values().map(|l| l.starting).sum();
        self.live.len().saturating_sub(self.shelved() + starting + self.apart.len() + self.evicted.len())
    }

    fn shelved(&self) -> usize {
        self.lanes.values().map(|l| l.ready.len()).sum()
    }

    fn starting(&self) -> usize {
        self.lanes.values().map(|l| l.starting).sum::<usize>() + self.apart_starting
    }

    /// The most jails apart: what they hold for good must leave room for those that come and go.
    fn most_apart(&self) -> usize {
        let places = (self.bounds.places / 4).max(1).min(self.bounds.places.saturating_sub(1));
        let memory = self.bounds.memory_mb / self.bounds.apart_mb.max(1);
        places.min(usize::try_from(memory).unwrap_or(usize::MAX))
    }

    /// The most ready jails, of all languages together: the last eighth of all places is for those who come, and memory
    /// is what jails apart leave of it.
    fn most_ready(&self) -> usize {
        let places = self.places_for_refills().saturating_sub(self.apart.len());
        let apart = u64::try_from(self.apart.len()).unwrap_or(u64::MAX).saturating_mul(self.bounds.apart_mb);
        let memory = self.bounds.memory_mb.saturating_sub(apart) / self.bounds.ready_mb.max(1);
        places.min(usize::try_from(memory).unwrap_or(usize::MAX))
    }

    fn places_for_refills(&self) -> usize {
        self.bounds.places - self.bounds.places / 8
    }

    /// While jails are in use a start that nobody waits for is followed by a pause, so that such starts take no more than
    /// their share.
    fn refill_pause(&self, took: Duration) -> Duration {
        took.mul_f64((1.0 / self.bounds.refill_share.clamp(0.01, 1.0) - 1.0).max(0.0))
    }

    fn start_ended(&mut self, start: &Start, now: Instant, took: Duration) {
        if let Some(lane) = self.lanes.get_mut(&start.language) {
            lane.starting = lane.starting.saturating_sub(1);
        }
        if start.refill {
            self.refilling = self.refilling.saturating_sub(1);
            self.pause_refills(now, took);
        }
    }

    fn pause_refills(&mut self, now: Instant, took: Duration) {
        self.refill_not_before = Some(now + self.refill_pause(took));
    }

    /// Sets every shelf's target.
    fn deal(&mut self, now: Instant) {
        let lead = self.start_time + self.refill_pause(self.start_time);
        let wants: Vec<(usize, f64)> = self
            .lanes
            .values()
            .map(|lane| {
                let wanted = lane.demand.wanted(now, lead);
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small, not negative")]
                let target = (wanted.ceil() as usize).clamp(lane.floor, lane.most);
                (target, wanted.max(UNWANTED))
            })
            .collect();
        let dealt = deal(self.most_ready(), &wants);
        for (lane, target) in self.lanes.values_mut().zip(dealt) {
            lane.target = target;
        }
    }

    /// One of a shelf that is fuller than it may ever be, or one too many for the memory.
    fn beyond_bounds(&mut self) -> Option<J> {
        let too_many = self.shelved() > self.most_ready();
        let lane = self
            .lanes
            .values_mut()
            .filter(|l| l.ready.len() > l.most || (too_many && l.ready.len() > l.target))
            .max_by_key(|l| l.ready.len() - l.target.min(l.ready.len()))?;
        lane.ready.pop_back()
    }

    /// For who waits, the longest first.
    fn serve(&mut self, now: Instant, wake: &mut Option<Instant>) -> Option<Step<J, A>> {
        let mut first: Option<(u64, String)> = None;
        for (language, lane) in &self.lanes {
            let Some((ticket, _)) = lane.waiting.get(lane.starting) else { continue };
            if let Some(moment) = lane.not_before.filter(|m| *m > now) {
                sooner(wake, moment);
            } else if first.as_ref().is_none_or(|(t, _)| ticket < t) {
                first = Some((*ticket, language.clone()));
            }
        }
        let (_, language) = first?;
        if self.live.len() < self.bounds.places {
            return Some(Step::Start(self.start(language, false)));
        }
        // No room. One eviction for each who waits.
        let waiters: usize = self.lanes.values().map(|l| l.waiting.len().saturating_sub(l.starting)).sum();
        Some(self.evict(waiters).map_or(Step::Rest(*wake), Step::Evict))
    }

    /// For who wants one apart, when nobody waits for a place.
    fn start_apart(&mut self) -> Option<Step<J, A>> {
        if self.asked_apart.is_empty() || self.apart.len() >= self.most_apart() || self.background_is_busy() {
            return None;
        }
        if self.live.len() >= self.bounds.places {
            return self.evict(1).map(Step::Evict);
        }
        let who = self.asked_apart.pop_front()?;
        let jail = Uuid::new_v4();
        self.live.insert(jail);
        self.apart.insert(jail);
        self.apart_starting += 1;
        Some(Step::StartApart(who, jail))
    }

    /// For the shelves, the emptiest first.
    fn refill(&mut self, now: Instant, wake: &mut Option<Instant>) -> Option<Step<J, A>> {
        let room = self.shelved() + self.refilling < self.most_ready() && self.live.len() < self.places_for_refills();
        if !self.filling || !room || self.background_is_busy() {
            return None;
        }
        let mut emptiest: Option<(usize, String)> = None;
        for (language, lane) in &self.lanes {
            let ready = lane.ready.len() + lane.starting;
            if ready >= lane.target + lane.waiting.len() {
                continue;
            }
            if let Some(moment) = lane.not_before.filter(|m| *m > now) {
                sooner(wake, moment);
            } else if emptiest.as_ref().is_none_or(|(n, _)| ready < *n) {
                emptiest = Some((ready, language.clone()));
            }
        }
        let (_, language) = emptiest?;
        if let Some(moment) = self.refill_not_before.filter(|m| *m > now && self.in_use() > 0) {
            // An empty shelf whose next taker comes before the pause is over makes him wait for a start, which costs
            // the others as much: then it is better made now.
            let missed = |l: &Lane<J, W>| l.ready.is_empty() && l.demand.expected(now, moment - now) >= 1.0;
            if !self.lanes.get(&language).is_some_and(missed) {
                sooner(wake, moment);
                return None;
            }
        }
        self.refilling += 1;
        Some(Step::Start(self.start(language, true)))
    }

    /// One that is not wanted any more, seldom.
    fn shrink(&mut self, now: Instant, wake: &mut Option<Instant>) -> Option<Step<J, A>> {
        let lane =
            self.lanes.values_mut().filter(|l| l.ready.len() > l.target).max_by_key(|l| l.ready.len() - l.target)?;
        if let Some(moment) = self.shrink_not_before.filter(|m| *m > now) {
            sooner(wake, moment);
            return None;
        }
        self.shrink_not_before = Some(now + SHRINK_PAUSE);
        lane.ready.pop_back().map(Step::Shrink)
    }

    /// Of the starts, one at least is kept for whoever comes, if there may be several.
    fn background_is_busy(&self) -> bool {
        let most = if self.in_use() > 0 { 1 } else { self.bounds.starts.saturating_sub(1).max(1) };
        self.refilling + self.apart_starting >= most
    }

    fn start(&mut self, language: String, refill: bool) -> Start {
        let jail = Uuid::new_v4();
        self.live.insert(jail);
        if let Some(lane) = self.lanes.get_mut(&language) {
            lane.starting += 1;
        }
        Start { language, jail, refill }
    }

    /// A ready jail of the fullest shelf that nobody waits at, unless enough are on their way out.
    fn evict(&mut self, wanted: usize) -> Option<J> {
        if wanted <= self.evicted.len() {
            return None;
        }
        let fullest = self.lanes.values_mut().filter(|l| l.waiting.is_empty()).max_by_key(|l| l.ready.len())?;
        let jail = fullest.ready.pop_back()?;
        self.evicted.insert(jail.id());
        Some(jail)
    }
}

fn sooner(wake: &mut Option<Instant>, moment: Instant) {
    *wake = Some(wake.map_or(moment, |w| w.min(moment)));
}

#[cfg(test)]
mod tests;
