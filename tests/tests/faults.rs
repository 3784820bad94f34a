//! Things break while submissions are under way; each submission still ends once, with the verdict that it deserves.

#[path = "faults/api.rs"]
mod api;
#[path = "faults/graders.rs"]
mod graders;
#[path = "faults/poison.rs"]
mod poison;
#[path = "faults/postgres.rs"]
mod postgres;
#[path = "faults/redis.rs"]
mod redis;
#[path = "faults/runners.rs"]
mod runners;
