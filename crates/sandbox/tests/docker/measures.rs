//! What is measured is the truth: programs that know what they use, in jails, while another core is kept busy.
//!
//! The figures for people: `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture measures::table`.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use iteratione_sandbox::{
    Jail, Resources, Sandbox,
    protocol::{ExecRequest, Stop},
};

use crate::support::{Site, compiler, program, repository, run};

mod connections;
mod costs;
mod limits;
mod table;

/// With a compiler in it.
const C: &str = "iteratione/c:gcc14";
const MIB: u64 = 1 << 20;
/// Each part of a burner burns so many milliseconds.
const BURN_MS: u64 = 60;
const BURNERS: [&str; 4] = ["single", "threads", "tree", "syscalls"];
const HOLDERS: [&str; 3] = ["one", "children", "file"];

/// A sandbox with one jail in which the programs of `tests/programs/measures` are built.
struct Bench {
    site: Site,
    sandbox: Sandbox,
    jail: Jail,
}

impl Bench {
    async fn open(cpus: f64) -> Self {
        let site = Site::new(&[("c", C)]);
        let sandbox = site.start().await;
        let resources = Resources { memory_bytes: 512 * MIB, cpus, processes: 64 };
        let mut jail = sandbox.take(site.language("c"), resources, "measures").await.expect("a jail");
        let source = |name: &str| {
            let path = repository().join("tests/programs/measures").join(name);
            (name.to_owned(), fs::read(path).expect("a program of this repository"))
        };
        jail.write_sources(&[source("burn.c"), source("hold.c")]).await.expect("written");
        for name in ["burn", "hold"] {
            let (out, source) = (format!("/build/{name}"), format!("/src/{name}.c"));
            let mut gcc = compiler(&["gcc", "-O1", "-Wall", "-Werror", "-pthread", "-o", &out, &source]);
            gcc.limits.cpu_ms = 30_000;
            gcc.limits.wall_ms = 60_000;
            let done = run(&mut jail, gcc, b"").await;
            assert_eq!(done.result.exit_code, Some(0), "{}", String::from_utf8_lossy(&done.stderr));
            assert!(jail.clean().await.expect("answers"));
        }
        Self { site, sandbox, jail }
    }

    async fn close(self) {
        self.jail.destroy().await;
        self.site.end(self.sandbox).await;
    }

    /// `(measured, true)` CPU time in microseconds.
    async fn burn(&mut self, how: &str) -> (u64, u64) {
        let done = run(&mut self.jail, patient(&["/build/burn", how, &BURN_MS.to_string()]), b"").await;
        assert_eq!((done.result.exit_code, done.result.stop), (Some(0), None), "{how}: {:?}", done.result);
        let said = String::from_utf8(done.stdout).expect("numbers");
        let truth: u64 = said.lines().map(|line| line.parse::<u64>().expect("a number")).sum();
        assert!(self.jail.clean().await.expect("answers"));
        (done.result.cpu_us, truth / 1000)
    }

    /// Measured peak in bytes.
    async fn hold(&mut self, how: &str, mib: u64, ms: u64) -> u64 {
        let argv = ["/build/hold", how, &mib.to_string(), &ms.to_string()];
        let done = run(&mut self.jail, patient(&argv), b"").await;
        assert_eq!((done.result.exit_code, done.result.stop), (Some(0), None), "{how}: {:?}", done.result);
        assert!(self.jail.clean().await.expect("answers"));
        done.result.memory_bytes
    }
}

/// A request that no slow machine stops.
fn patient(argv: &[&str]) -> ExecRequest {
    let mut request = program(argv);
    request.limits.cpu_ms = 30_000;
    request.limits.wall_ms = 60_000;
    request.limits.file_bytes = 64 * MIB;
    request.env = BTreeMap::from([("LANG".to_owned(), "C".to_owned())]);
    request
}

/// Keeps one core busy for as long as it lives.
struct Neighbour(Arc<AtomicBool>);

impl Neighbour {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Self(stop)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// 3 % + 5 ms, in microseconds.
fn cpu_is_true(measured: u64, truth: u64) -> bool {
    measured.abs_diff(truth) <= truth * 3 / 100 + 5000
}

/// 5 % + 4 MiB.
fn memory_is_true(measured: u64, truth: u64) -> bool {
    measured.abs_diff(truth) <= truth / 20 + 4 * MIB
}

#[tokio::test(flavor = "multi_thread")]
async fn cpu_time_is_what_the_programs_say_of_themselves_whoever_waits_for_whom() {
    let mut bench = Bench::open(2.0).await;
    let neighbour = Neighbour::start();
    for _ in 0..3 {
        for how in BURNERS {
            let (measured, truth) = bench.burn(how).await;
            let parts = match how {
                "threads" => 4,
                "tree" => 5,
                _ => 1,
            };
            assert!(truth >= parts * BURN_MS * 1000, "{how} burns what it was asked to: {truth} µs");
            assert!(cpu_is_true(measured, truth), "{how}: measured {measured} µs, in truth {truth} µs");
        }
    }
    drop(neighbour);
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peak_memory_is_what_was_held_also_below_an_earlier_peak_of_the_jail() {
    let mut bench = Bench::open(2.0).await;
    let neighbour = Neighbour::start();
    // The first is the highest that the jail will see: those after it are below the cgroup's own mark.
    let highest = bench.hold("one", 200, 0).await;
    assert!(memory_is_true(highest, 200 * MIB), "{highest} bytes");
    for how in HOLDERS {
        for mib in [48, 24] {
            let measured = bench.hold(how, mib, 400).await;
            assert!(memory_is_true(measured, mib * MIB), "{how}: {mib} MiB are measured as {measured} bytes");
        }
    }
    drop(neighbour);
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rising_peak_is_seen_however_short_it_is() {
    let mut bench = Bench::open(2.0).await;
    // Compilers have been here: 250 MiB at once are more than gcc has taken.
    for (how, mib) in [("children", 250), ("one", 300), ("children", 360)] {
        let measured = bench.hold(how, mib, 0).await;
        assert!(memory_is_true(measured, mib * MIB), "{how}: {mib} MiB are measured as {measured} bytes");
    }
    bench.close().await;
}
