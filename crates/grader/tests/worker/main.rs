//! The worker with real queue and store, and a grading that does what the test says: what is tested is everything
//! around grading.

#[path = "../../../common/tests/queue/fixture.rs"]
#[allow(dead_code, reason = "shared with the tests of the queue")]
mod fixture;

mod endpoint;
mod faults;
mod scripted;
mod ways;
