//! The sessions of this runner.

use iteratione_common::ids::UserId;

/// The sessions of this runner. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry;

impl Registry {
    /// Ends a session of the account that has no socket, if there is one.
    pub fn end_detached(&self, _account: UserId) -> bool {
        false
    }

    /// Sessions, with and without a socket.
    pub fn live(&self) -> usize {
        0
    }
}
