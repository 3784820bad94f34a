//! Who runs and who waits, without clock or tasks: so that every order of events can be tested.
//!
//! Next is whoever's account has the fewest live sessions, then who came first. So an account with many sessions never
//! keeps out one that has none. Someone's position is the number of those who would be let in before and with them if
//! nothing else happened.

use std::collections::{BTreeMap, HashMap};

/// Somebody's place, in the order of coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u64);

/// Why somebody cannot even wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The line has its full length.
    Full,
    /// Nobody is let in any more.
    ForGood,
}

/// The state. `A` is an account.
#[derive(Debug)]
pub struct Line<A> {
    places: usize,
    waiting_most: usize,
    next: u64,
    live: BTreeMap<Number, A>,
    waiting: BTreeMap<Number, A>,
    closed: bool,
}

impl<A: Copy + Eq + std::hash::Hash> Line<A> {
    /// Empty, with so many places, and so many who may wait for one.
    pub fn new(places: usize, waiting_most: usize) -> Self {
        Self { places, waiting_most, next: 0, live: BTreeMap::new(), waiting: BTreeMap::new(), closed: false }
    }

    /// Whether somebody could join now. Who does not have to wait does not need room to do so.
    pub fn admits(&self) -> Result<(), Closed> {
        let at_once = self.waiting.is_empty() && self.live.len() < self.places;
        if self.closed {
            Err(Closed::ForGood)
        } else if !at_once && self.waiting.len() >= self.waiting_most {
            Err(Closed::Full)
        } else {
            Ok(())
        }
    }

    /// Joins the line at its end, also if there is a free place.
    pub fn join(&mut self, account: A) -> Result<Number, Closed> {
        self.admits()?;
        let number = Number(self.next);
        self.next += 1;
        self.waiting.insert(number, account);
        Ok(number)
    }

    /// Leaves the line, or frees a place.
    pub fn leave(&mut self, number: Number) {
        if self.waiting.remove(&number).is_none() {
            self.live.remove(&number);
        }
    }

    /// Lets the next one in, if there is a free place.
    pub fn let_in(&mut self) -> Option<Number> {
        if self.live.len() >= self.places {
            return None;
        }
        let number = self.order().into_iter().next()?;
        let account = self.waiting.remove(&number)?;
        self.live.insert(number, account);
        Some(number)
    }

    /// Whether there is somebody whom a free place waits for.
    pub fn could_let_in(&self) -> bool {
        !self.waiting.is_empty() && self.live.len() < self.places
    }

    /// Those who wait, in the order in which they are let in.
    pub fn order(&self) -> Vec<Number> {
        let mut sessions: HashMap<A, usize> = HashMap::new();
        for account in self.live.values() {
            *sessions.entry(*account).or_default() += 1;
        }
        // The second of an account comes when its first is live.
        let mut order: Vec<(usize, Number)> = Vec::with_capacity(self.waiting.len());
        for (number, account) in &self.waiting {
            let before = sessions.entry(*account).or_default();
            order.push((*before, *number));
            *before += 1;
        }
        order.sort_unstable();
        order.into_iter().map(|(_, number)| number).collect()
    }

    /// Lets nobody join or in any more; those who wait, who are now out of the line.
    pub fn close(&mut self) -> Vec<Number> {
        self.closed = true;
        std::mem::take(&mut self.waiting).into_keys().collect()
    }

    /// How many are in.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests;
