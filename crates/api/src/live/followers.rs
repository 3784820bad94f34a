//! How many streams one account holds open: each costs a look at the database now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iteratione_common::ids::UserId;

/// Everybody who follows something through this process.
#[derive(Debug, Clone, Default)]
pub struct Followers(Arc<Mutex<HashMap<UserId, usize>>>);

impl Followers {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more stream of an account; `None` if it holds `most` already.
    pub fn enter(&self, account: UserId, most: usize) -> Option<Following> {
        let mut all = self.lock();
        let open = all.entry(account).or_default();
        if *open >= most {
            return None;
        }
        *open += 1;
        metrics::gauge!("iteratione_followers").increment(1);
        Some(Following { account, followers: self.clone() })
    }
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub struct Following {
    account: UserId,
    followers: Followers,
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut all = self.followers.lock();
        metrics::gauge!("iteratione_followers").decrement(1);
        if let Some(open) = all.get_mut(&self.account) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_each_accounts_own_and_come_back() {
        let (followers, one, two) = (Followers::default(), UserId::new(), UserId::new());
        let first = followers.enter(one, 2).expect("room");
        let second = followers.enter(one, 2).expect("room");
        assert!(followers.enter(one, 2).is_none());
        let other = followers.enter(two, 2).expect("room");
        drop(first);
        let third = followers.enter(one, 2).expect("room again");
        drop((second, third, other));
        assert!(followers.lock().is_empty());
    }
}
