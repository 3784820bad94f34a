//! The sandbox against a real Docker daemon. Every test has a deployment of its own and proves that it left nothing.

mod compilers;
mod cpu_period;
mod crossing;
mod daemon;
mod host_config;
mod isolation;
mod jail;
mod joined;
mod measure;
mod measures;
mod network_slots;
mod pool;
mod probe;
mod reaper;
mod refilling;
mod removing;
mod retagged;
mod runtimes;
mod starting;
mod stock_image;
mod support;
mod taking;
mod terminal;
mod workshop;
