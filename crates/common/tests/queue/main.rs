//! The life of jobs, events and sessions, against the real PostgreSQL (`DATABASE_URL`) and Redis (`ITERATIONE_TEST_REDIS_URL`).

mod claims;
mod crashes;
mod dispatching;
mod endings;
mod events;
mod fixture;
mod rejudges;
mod runs;
mod streams;
mod submissions;
mod validations;
