//! Black box: the real binary as the first process of a real container, hostile programs under it.
//!
//! Needs a Docker engine and the image `debian:trixie-slim`; without them these tests fail.

#[path = "jail/accounts.rs"]
mod accounts;
#[path = "jail/cleaning.rs"]
mod cleaning;
#[path = "jail/files.rs"]
mod files;
#[path = "jail/hostile.rs"]
mod hostile;
#[path = "jail/limits.rs"]
mod limits;
#[path = "jail/programs.rs"]
mod programs;
#[path = "jail/protocol.rs"]
mod protocol;
#[path = "jail/report.rs"]
mod report;
#[path = "jail/resident.rs"]
mod resident;
#[path = "jail/support.rs"]
mod support;
#[path = "jail/terminal.rs"]
mod terminal;
