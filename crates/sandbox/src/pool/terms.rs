//! The words in which the pool's state is asked and answers.

use std::time::{Duration, Instant};

use uuid::Uuid;

/// Somebody who waits for a jail.
pub trait Waits {
    /// Has given up; is passed over.
    fn gave_up(&self) -> bool;
}

/// A ready jail has an id.
pub trait Ready {
    /// The id it counts under.
    fn id(&self) -> Uuid;
}

/// What the pool as a whole may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Jails in all.
    pub places: usize,
    /// Starts at the same time.
    pub starts: usize,
    /// MiB for all that waits: ready jails and jails apart.
    pub memory_mb: u64,
    /// MiB of a ready jail.
    pub ready_mb: u64,
    /// MiB of a jail apart.
    pub apart_mb: u64,
    /// The share of one CPU that starts nobody waits for may take while jails are in use.
    pub refill_share: f64,
    /// After a jail was taken nothing is started for this long that nobody waits for: most of what is short is over by
    /// then.
    pub calm: Duration,
}

/// One language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Its id.
    pub language: String,
    /// Ready jails when nobody has wanted one for long.
    pub floor: usize,
    /// The most ready jails.
    pub most: usize,
}

/// A jail to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Of this language.
    pub language: String,
    /// Under this id, by which it counts already.
    pub jail: Uuid,
    /// Nobody waited for it when this was decided.
    pub refill: bool,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<J, A> {
    /// Start one for whoever waits, or for the shelf.
    Start(Start),
    /// Start the jail that was asked for; it counts already, under this id.
    StartApart(A, Uuid),
    /// Destroy this ready jail: its place is needed for somebody who waits.
    Evict(J),
    /// Destroy this ready jail: there are more than are wanted.
    Shrink(J),
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

/// A language's shelf, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level<'a> {
    /// Its id.
    pub language: &'a str,
    /// Ready jails.
    pub ready: usize,
    /// How many there should be.
    pub target: usize,
}
