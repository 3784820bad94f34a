//! Measures jails beside a bare process and beside one container per run, in one run, side by side; and live terminals.

pub mod arena;
pub mod bare;
pub mod cpu;
pub mod docker;
pub mod idle;
pub mod machine;
pub mod ours;
pub mod plan;
pub mod published;
pub mod rates;
pub mod rejudge;
pub mod report;
pub mod rootfs;
pub mod rounds;
pub mod stats;
pub mod table;
pub mod targets;
pub mod terminal;
pub mod work;
