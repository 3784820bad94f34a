//! Labs through the router, against a real PostgreSQL.

mod extensions;
mod publish;
mod put;
mod see;
mod submit;
mod zip;
