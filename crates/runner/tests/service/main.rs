//! The service around sessions, against the real Redis (`ITERATIONE_TEST_REDIS_URL`) and a real Docker.

mod admission;
mod crowds;
mod health;
mod process;
mod support;
