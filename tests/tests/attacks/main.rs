//! What hostile input must not do. Each row is an attack under a stable id; see [`frame`] for what must hold after
//! each of them, whatever it tried.
//!
//! `ITERATIONE_TEST_ROWS=R1,T2_` runs only the rows whose ids begin so.

mod api;
mod compile;
mod frame;
mod isolation;
mod resources;
mod terminal;
mod truth;
