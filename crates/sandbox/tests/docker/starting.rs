//! What of a jail costs how much of its start: everything as it is, and each time without one thing.
//!
//! Figures for people: `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture starting`.

use bollard::models::ContainerCreateBody;
use serde_json::Value;

use crate::workshop::{Cycle, Workshop, print_cycles};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    ForeignArchitectures,
    Seccomp,
    MaskedPaths,
    Tmpfs,
    CgroupNamespace,
    IpcNamespace,
    All,
}

const ALL: [Without; 8] = [
    Without::Nothing,
    Without::ForeignArchitectures,
    Without::Seccomp,
    Without::MaskedPaths,
    Without::Tmpfs,
    Without::CgroupNamespace,
    Without::IpcNamespace,
    Without::All,
];

fn body(shop: &Workshop, without: Without) -> ContainerCreateBody {
    let mut body = shop.body();
    let all = without == Without::All;
    let host = body.host_config.as_mut().expect("there");
    if without == Without::ForeignArchitectures {
        for option in host.security_opt.iter_mut().flatten() {
            if let Some(profile) = option.strip_prefix("seccomp=") {
                let mut profile: Value = serde_json::from_str(profile).expect("JSON");
                for entry in profile["archMap"].as_array_mut().expect("list") {
                    entry["subArchitectures"] = Value::Array(Vec::new());
                }
                *option = format!("seccomp={profile}");
            }
        }
    }
    if all || without == Without::Seccomp {
        host.security_opt = Some(vec!["no-new-privileges".to_owned(), "seccomp=unconfined".to_owned()]);
    }
    if all || without == Without::MaskedPaths {
        host.masked_paths = Some(Vec::new());
        host.readonly_paths = Some(Vec::new());
    }
    if all || without == Without::Tmpfs {
        host.tmpfs = None;
    }
    if all || without == Without::CgroupNamespace {
        host.cgroupns_mode = Some(bollard::models::HostConfigCgroupnsModeEnum::HOST);
    }
    if all || without == Without::IpcNamespace {
        host.ipc_mode = Some("host".to_owned());
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and is about time: for a quiet machine"]
async fn what_a_jail_is_made_of_costs_this_much() {
    let shop = &Workshop::open().await;
    let mut cycles: Vec<(Without, Cycle)> = Vec::new();
    for round in 0..=16 {
        for turn in 0..ALL.len() {
            let without = ALL[(turn + round) % ALL.len()];
            let cycle = shop.cycle(body(shop, without)).await;
            if round > 0 {
                cycles.push((without, cycle));
            }
        }
    }
    println!("one at a time, milliseconds, everything as it is but without:");
    print_cycles(&ALL, &cycles);
}
