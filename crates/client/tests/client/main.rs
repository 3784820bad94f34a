//! The client against a peer whose every word the test says: what a real runner does only when a network breaks or a
//! service restarts. How it works with real runners is tested in `tests/`.

mod peer;
mod program;
mod session;
