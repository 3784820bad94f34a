//! What a resident compiler takes and saves. Not a test: `--run-ignored only`, on a quiet machine.

use std::{fs, time::Instant};

use iteratione_common::lab::SourceFile;

use super::{Java, file};
use crate::support::docker;

fn lab() -> SourceFile {
    file(
        "Lab.java",
        "import java.util.*; import java.util.stream.*;
         public class Lab {
             record Entry(String name, int count) {}
             static class Statistics { final List<Integer> values = new ArrayList<>();
                 void add(int v) { values.add(v); }
                 double mean() { return values.stream().mapToInt(Integer::intValue).average().orElse(0); } }
             public static void start(String[] args) {
                 Scanner in = new Scanner(System.in);
                 Map<Integer, Integer> counts = new TreeMap<>();
                 Statistics s = new Statistics();
                 while (in.hasNextInt()) { int n = in.nextInt(); s.add(n); counts.merge(n, 1, Integer::sum); }
                 List<Entry> top = counts.entrySet().stream().map(e -> new Entry(String.valueOf(e.getKey()), e.getValue()))
                     .sorted(Comparator.comparingInt(Entry::count).reversed().thenComparing(Entry::name)).limit(3)
                     .collect(Collectors.toList());
                 System.out.printf(\"%.2f%n\", s.mean());
                 System.out.println(top.stream().map(e -> e.name() + \"=\" + e.count()).collect(Collectors.joining(\", \")));
                 for (int i = 0; i < 3; i++) { System.out.println(String.format(\"%3d\", i * i)); }
             }
         }",
    )
}

fn spread(mut of: Vec<f64>) -> String {
    of.sort_by(f64::total_cmp);
    format!("{:.0} ({:.0}-{:.0})", of[of.len() / 2], of[0], of[of.len() - 1])
}

/// MiB of a container's memory that no file could give back, by its cgroup.
fn resident_mib(container: &str) -> f64 {
    let shown = docker(&["exec", container, "cat", "/sys/fs/cgroup/memory/memory.stat"]);
    let of = |key: &str| {
        let line = shown.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
        line.and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0)
    };
    (of("total_rss") + of("total_mapped_file")) / f64::from(1 << 20)
}

async fn row(cpus: f64) {
    let began = Instant::now();
    let java = Java::start_with(&[], |config| (config.compiler_cpus, config.cpus) = (cpus, cpus)).await;
    println!("{cpus} CPUs: ready after {:.1} s", began.elapsed().as_secs_f64());
    let container = java.compiler_containers().remove(0);
    let idle = resident_mib(&container);
    let (mut hot, mut hot_cpu, mut cold, mut cold_cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..21u8 {
        let began = Instant::now();
        let (build, _) = java.open(&[lab()]).await;
        assert!(build.resident);
        hot.push(began.elapsed().as_secs_f64() * 1e3);
        hot_cpu.push(f64::from(u32::try_from(build.compile.cpu_ms).expect("short")));
        if round % 2 == 0 {
            let (build, took) = java.cold_timed(&[lab()]).await;
            cold.push(took.as_secs_f64() * 1e3);
            cold_cpu.push(f64::from(u32::try_from(build.compile.cpu_ms).expect("short")));
        }
    }
    println!(
        "  hot {} ms, {} ms CPU; cold {} ms, {} ms CPU",
        spread(hot),
        spread(hot_cpu),
        spread(cold),
        spread(cold_cpu)
    );
    let mut levels = vec![idle];
    if cpus > 1.0 {
        for _ in 0..5 {
            for _ in 0..100 {
                java.open(&[lab()]).await;
            }
            levels.push(resident_mib(&container));
        }
    }
    println!("  memory idle and after each 100: {levels:.0?} MiB");
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures, not a test"]
async fn what_a_resident_compiler_takes_and_saves() {
    println!("load {}", fs::read_to_string("/proc/loadavg").expect("readable").trim());
    for cpus in [0.5, 1.0, 2.0] {
        row(cpus).await;
    }
}
