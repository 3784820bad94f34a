//! Submissions through real compilers in real jails. Needs a Docker engine with the language images.

#![allow(missing_docs, reason = "tests")]
#![allow(clippy::float_cmp, reason = "points are rounded, and these are whole")]

mod compile;
mod course_of_tests;
mod interactive;
mod java;
mod judges;
mod junit;
mod lost;
mod many;
mod pytest;
mod starter;
mod support;
mod tampering;
mod verdicts;
