//! T1–T5: what a verdict rests on, and what students get to see.

mod forgery;
mod java;
mod leaks;
