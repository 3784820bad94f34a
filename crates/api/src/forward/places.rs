//! How many terminals there are, in all and of each account.
//!
//! A runner refuses who has no business there, but only after its 101, and whoever is refused can leave the connection
//! open for some seconds. So one account's sockets, and all of those without a valid ticket, must not fill the house.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iteratione_common::ids::UserId;

use crate::config::ApiConfig;

/// Of all who have no valid ticket, together: enough for those whose ticket has just become too old.
const STRANGERS: usize = 64;

/// The terminals that are forwarded, and how many there may be.
#[derive(Debug, Clone)]
pub struct Tunnels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    per_account: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By account, `None` for strangers; nobody who has none.
    by: HashMap<Option<UserId>, usize>,
}

/// One of the terminals; dropped, it is over.
#[derive(Debug)]
pub(super) struct Tunnel {
    of: Tunnels,
    account: Option<UserId>,
}

/// Why there is no place for another terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All places are taken.
    OfAll,
    /// Those of this account, or of strangers, are.
    OfOne,
}

impl Tunnels {
    /// As the settings say.
    pub fn new(config: &ApiConfig) -> Self {
        Self::with(config.limits.terminals, config.limits.terminals_per_account)
    }

    fn with(most: usize, per_account: usize) -> Self {
        Self(Arc::new(Inner { most, per_account, taken: Mutex::default() }))
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.taken().all
    }

    /// A place for a terminal of an account, or of a stranger.
    pub(super) fn begin(&self, account: Option<UserId>) -> Result<Tunnel, Full> {
        let mut taken = self.taken();
        let own = taken.by.get(&account).copied().unwrap_or_default();
        if own >= account.map_or(STRANGERS, |_| self.0.per_account) {
            return Err(Full::OfOne);
        }
        if taken.all >= self.0.most {
            return Err(Full::OfAll);
        }
        taken.all += 1;
        taken.by.insert(account, own + 1);
        metrics::gauge!("iteratione_terminals_forwarded").increment(1.0);
        Ok(Tunnel { of: self.clone(), account })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        taken.all -= 1;
        metrics::gauge!("iteratione_terminals_forwarded").decrement(1.0);
        if let Some(own) = taken.by.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(tunnels: &Tunnels, account: Option<UserId>) -> Full {
        tunnels.begin(account).map(drop).expect_err("full")
    }

    #[test]
    fn places_are_each_accounts_own_within_those_of_all_and_come_back() {
        let (tunnels, one, two) = (Tunnels::with(3, 2), Some(UserId::new()), Some(UserId::new()));
        let first = tunnels.begin(one).expect("room");
        let second = tunnels.begin(one).expect("room");
        assert_eq!(full(&tunnels, one), Full::OfOne);
        let third = tunnels.begin(two).expect("others have theirs");
        assert_eq!((tunnels.open(), full(&tunnels, two)), (3, Full::OfAll));
        drop(first);
        let again = tunnels.begin(one).expect("room again");
        drop((second, third, again));
        assert_eq!(tunnels.open(), 0);
        assert!(tunnels.taken().by.is_empty(), "nobody is remembered");
    }

    #[test]
    fn strangers_cannot_fill_the_house() {
        let tunnels = Tunnels::with(1000, 1);
        let strangers: Vec<_> = std::iter::repeat_with(|| tunnels.begin(None)).take_while(Result::is_ok).collect();
        assert_eq!((strangers.len(), full(&tunnels, None)), (STRANGERS, Full::OfOne));
        tunnels.begin(Some(UserId::new())).expect("room for who has a ticket");
    }
}
