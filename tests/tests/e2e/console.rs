//! The live terminal, from outside: through the API's own address, with tickets, in real jails.

#[path = "console/programs.rs"]
mod programs;
#[path = "console/sessions.rs"]
mod sessions;
