//! The sessions of this runner: who may come back to which.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iteratione_common::{ids::UserId, terminal::Resume};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::socket::Socket;

/// Sockets that wait to be looked at by a session's task. It looks at once; more than one is already odd.
const KNOCKING: usize = 4;

/// The sessions of this runner. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<HashMap<String, Entry>>>);

struct Entry {
    account: UserId,
    door: mpsc::Sender<Newcomer>,
    /// Has no socket.
    detached: bool,
    /// Its program has ended; it is here only until its client knows.
    over: bool,
    end: CancellationToken,
}

/// A socket that wants a run.
pub(crate) struct Newcomer {
    pub(crate) socket: Socket,
    pub(crate) resume: Resume,
}

impl Registry {
    /// Ends a session of the account that has no socket, if there is one.
    pub fn end_detached(&self, account: UserId) -> bool {
        let entries = self.entries();
        let found = entries.values().find(|e| e.account == account && e.detached && !e.over && !e.end.is_cancelled());
        found.inspect(|entry| entry.end.cancel()).is_some()
    }

    /// Sessions, with and without a socket.
    pub fn live(&self) -> usize {
        self.entries().len()
    }

    /// A new session, under its secret name: its entry, the sockets that want it, and the wish to have it ended.
    pub(crate) fn register(
        &self,
        secret: &str,
        account: UserId,
    ) -> (Registration, mpsc::Receiver<Newcomer>, CancellationToken) {
        let (door, newcomers) = mpsc::channel(KNOCKING);
        let end = CancellationToken::new();
        let entry = Entry { account, door, detached: false, over: false, end: end.clone() };
        self.entries().insert(secret.to_owned(), entry);
        (Registration { registry: self.clone(), secret: secret.to_owned() }, newcomers, end)
    }

    /// Where a session takes sockets, if it is the account's.
    pub(crate) fn door(&self, secret: &str, account: UserId) -> Option<mpsc::Sender<Newcomer>> {
        self.entries().get(secret).filter(|e| e.account == account).map(|e| e.door.clone())
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's entry: it goes with this.
pub(crate) struct Registration {
    registry: Registry,
    secret: String,
}

impl Registration {
    /// Whether it has no socket.
    pub(crate) fn set_detached(&self, detached: bool) {
        if let Some(entry) = self.registry.entries().get_mut(&self.secret) {
            entry.detached = detached;
        }
    }

    /// Its program has ended.
    pub(crate) fn set_over(&self) {
        if let Some(entry) = self.registry.entries().get_mut(&self.secret) {
            entry.over = true;
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.entries().remove(&self.secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_of_a_session_finds_it_and_only_while_it_is_there() {
        let (registry, mine, other) = (Registry::default(), UserId::new(), UserId::new());
        let (registration, _newcomers, _end) = registry.register("secret", mine);
        assert!(registry.door("secret", mine).is_some());
        assert!(registry.door("secret", other).is_none());
        assert!(registry.door("another", mine).is_none());
        assert_eq!(registry.live(), 1);
        drop(registration);
        assert!(registry.door("secret", mine).is_none());
        assert_eq!(registry.live(), 0);
    }

    #[test]
    fn only_a_session_without_a_socket_makes_room_and_only_once() {
        let (registry, mine) = (Registry::default(), UserId::new());
        let (registration, _newcomers, end) = registry.register("secret", mine);
        assert!(!registry.end_detached(mine));
        registration.set_detached(true);
        assert!(!registry.end_detached(UserId::new()));
        assert!(registry.end_detached(mine) && end.is_cancelled());
        assert!(!registry.end_detached(mine));
        let (over, _newcomers, _end) = registry.register("another", mine);
        over.set_detached(true);
        over.set_over();
        assert!(!registry.end_detached(mine), "it has no place to give");
    }
}
