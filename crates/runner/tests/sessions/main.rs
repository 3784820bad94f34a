//! Whole sessions over real sockets, in real jails, with the real Redis: `ITERATIONE_TEST_HARNESS`,
//! `ITERATIONE_TEST_LANGUAGES_DIR` and `ITERATIONE_TEST_REDIS_URL` say where things are.
//!
//! Nothing here is measured by the clock: a test waits until what it wants has happened, and gives up after a time that no
//! machine needs.

mod client;
mod drain;
mod ends;
mod flow;
mod hostile;
mod refusals;
mod resume;
mod runs;
mod stage;
