//! In which periods half a CPU is best dealt out: what short work takes of real time in a jail at rest.
//!
//! Figures for people: `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture cpu_period`.

use std::time::{Duration, Instant};

use iteratione_sandbox::{Jail, protocol::ExecRequest};

use crate::{
    support::{Site, compiler, program, repository, run, take},
    workshop::{median, ms},
};

const JAVA: &str = r#"
import java.util.*;
import java.util.stream.*;

public class Main {
    record Entry(String word, int count) {}
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        Map<String, Integer> counts = new TreeMap<>();
        while (in.hasNext()) counts.merge(in.next(), 1, Integer::sum);
        String all = counts.entrySet().stream().map(e -> new Entry(e.getKey(), e.getValue()))
            .sorted(Comparator.comparing(Entry::count)).map(e -> String.format("%s=%d", e.word(), e.count()))
            .collect(Collectors.joining(","));
        System.out.printf("%s%n", all);
    }
}
"#;
const CPP: &str = "#include <iostream>\n#include <map>\n#include <string>\nint main() { std::map<std::string, int> m; std::string w; while (std::cin >> w) m[w]++; for (auto &[k, v] : m) std::cout << k << v << '\\n'; }\n";

const PERIODS_MS: [u64; 5] = [20, 100, 200, 500, 1000];

async fn timed(jail: &mut Jail, mut request: ExecRequest, times: u32) -> Duration {
    // Whatever was throttled before is over.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    request.limits.cpu_ms = 60_000;
    request.limits.wall_ms = 120_000;
    request.limits.file_bytes = 256 << 20;
    request.limits.open_files = 1024;
    let began = Instant::now();
    for _ in 0..times {
        let done = run(jail, request.clone(), b"3 1 4 1 5 9 2 6\n").await;
        assert_eq!(done.result.exit_code, Some(0), "{:?} {}", done.result, String::from_utf8_lossy(&done.stderr));
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and is about time: for a quiet machine"]
async fn short_work_is_faster_in_long_periods() {
    let languages = iteratione_common::language::Languages::read(&repository().join("images")).expect("languages");
    let image = |id: &str| languages.get(id).expect("there").image.clone();
    let mut site = Site::new(&[("java", &image("java")), ("cpp", &image("cpp"))]);
    site.config.memory_mb = 512;
    site.config.processes = 128;
    let sandbox = site.start().await;
    let mut java = take(&sandbox, site.language("java")).await;
    java.write_sources(&[("Main.java".to_owned(), JAVA.into())]).await.expect("written");
    timed(&mut java, compiler(&["javac", "-d", "/build", "/src/Main.java"]), 1).await;
    let mut cpp = take(&sandbox, site.language("cpp")).await;
    cpp.write_sources(&[("main.cpp".to_owned(), CPP.into())]).await.expect("written");
    let flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];
    let run_java = program(&[&["java"], &flags[..], &["-cp", "/build", "Main"]].concat());
    let compile_cpp = compiler(&["g++", "-std=c++20", "-O2", "-o", "/build/main", "/src/main.cpp"]);

    let rounds = 8;
    let mut seen: Vec<(u64, &str, Duration)> = Vec::new();
    for round in 0..=rounds {
        for turn in 0..PERIODS_MS.len() {
            let period = PERIODS_MS[(turn + round) % PERIODS_MS.len()];
            for jail in [&mut java, &mut cpp] {
                jail.set_cpu_period(Duration::from_millis(period)).await.expect("set");
            }
            let figures = [
                ("java, one run", timed(&mut java, run_java.clone(), 1).await),
                ("java, ten runs", timed(&mut java, run_java.clone(), 10).await),
                ("g++", timed(&mut cpp, compile_cpp.clone(), 1).await),
            ];
            if round > 0 {
                seen.extend(figures.map(|(what, time)| (period, what, time)));
            }
        }
    }
    for what in ["java, one run", "java, ten runs", "g++"] {
        for period in PERIODS_MS {
            let of = || seen.iter().filter(|s| s.0 == period && s.1 == what).map(|s| s.2);
            println!(
                "| {what} | {period} ms | {:.0} ms ({:.0}-{:.0}), n={rounds} |",
                ms(median(of())),
                ms(of().min().expect("some")),
                ms(of().max().expect("some"))
            );
        }
    }
    drop((java, cpp));
    site.end(sandbox).await;
}
