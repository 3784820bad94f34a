//! The live terminal, from outside: through the API's own address, with tickets, in real jails.

#[path = "console/floods.rs"]
mod floods;
#[path = "console/programs.rs"]
mod programs;
#[path = "console/sessions.rs"]
mod sessions;
