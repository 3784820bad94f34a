//! What becomes of a terminal whose jail is lost, full, or dealt its CPU otherwise.

use std::time::Duration;

use iteratione_sandbox::SandboxError;

use super::{Screen, python, site};
use crate::support::{DEADLINE, docker, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_container_is_a_lost_jail_and_stays_one() {
    let site = site();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("python")).await;
    let mut screen = Screen::opened(jail, python("input('ready? ')"), "ready? ").await;
    let id = screen.terminal.container_id().to_owned();
    tokio::task::spawn_blocking(move || docker(&["kill", &id])).await.expect("killed");
    // Typing into what is gone is no error of its own.
    let _ = screen.terminal.type_in(b"x");
    let lost = tokio::time::timeout(DEADLINE, screen.terminal.event()).await.expect("in time");
    assert!(matches!(lost, Err(SandboxError::JailLost(_))), "{lost:?}");
    assert!(!screen.terminal.died_of_memory().await);
    assert!(matches!(screen.terminal.event().await, Err(SandboxError::JailLost(_))), "and it stays lost");
    assert_eq!(screen.terminal.type_in(b"x"), 0);
    drop(screen);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_takes_all_the_memory_is_killed_and_the_kernel_says_so() {
    let mut site = site();
    site.config.memory_mb = 128;
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("python")).await;
    let mut screen = Screen::open(jail, python("print('before', flush=True)\nx = b'x' * (1 << 30)"));
    screen.until("before\r\n").await;
    let end = screen.end().await;
    assert!(end.oom_kills >= 1 && end.exit_code != Some(0), "{end:?}");
    drop(screen);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_of_the_cpus_is_dealt_out_otherwise_while_the_program_runs() {
    let site = site();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("python")).await;
    let code = "import pathlib\n\
                files = ['cpu/cpu.cfs_period_us', 'cpu,cpuacct/cpu.cfs_period_us', 'cpu.max']\n\
                found = [p for f in files if (p := pathlib.Path('/sys/fs/cgroup', f)).exists()]\n\
                print(len(found) > 0, flush=True)\n\
                while True:\n    input()\n    print('period', found[0].read_text().split()[-1], flush=True)\n";
    let mut screen = Screen::opened(jail, python(code), "True\r\n").await;
    screen.type_in("\r");
    screen.until("period 1000000\r\n").await;
    // Nothing to do with events: it is over without one.
    let pacing = screen.terminal.pace(Duration::from_millis(40));
    tokio::time::timeout(DEADLINE, pacing).await.expect("in time").expect("Docker does it");
    screen.type_in("\r");
    screen.until("period 40000\r\n").await;
    drop(screen);
    site.end(sandbox).await;
}
