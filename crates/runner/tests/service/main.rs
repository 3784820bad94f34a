//! The service around sessions, against the real Redis (`ITERATIONE_TEST_REDIS_URL`).

mod admission;
mod crowds;
mod health;
mod support;
