//! A submission with very many tests, which cost little each.

use std::time::{Duration, Instant};

use iteratione_common::{submission::Event, verdict::Verdict};
use serde_json::{Value, json};

use crate::support::{Case, Court, lab, said};

/// About a millisecond of CPU time, start and end included.
const PROGRAM: &str = "#include <stdio.h>\nint main(void) { long n, s = 0; if (scanf(\"%ld\", &n) != 1) return 1;\n\
     for (volatile long i = 0; i < 200000; i++) s += i & 1; printf(\"%ld\\n\", n * 2 + (s & 1) * 0); return 0; }\n";

fn hundred() -> Value {
    let test = |n: u32| json!({"name": n.to_string(), "stdin": format!("{n}\n"), "expected": format!("{}\n", n * 2)});
    lab(&(0..100).map(test).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tests_are_a_hundred_runs_each_told_in_its_turn() {
    let court = Court::open().await;
    let (grade, events) = court.grade(Case::new("c", &[("main.c", PROGRAM)], hundred())).await;
    assert_eq!((grade.verdict, grade.tests.len()), (Verdict::Ac, 100), "{}", said(&grade));
    assert!((grade.score - 1000.0).abs() < 1e-6, "{}", grade.score);
    for (n, (test, event)) in grade.tests.iter().zip(&events[1..]).enumerate() {
        assert_eq!((test.verdict, test.stdout.as_deref()), (Verdict::Ac, Some(format!("{}\n", n * 2).as_str())));
        assert!(matches!(event, Event::Test { index, of: 100, .. } if *index == n));
        assert!(test.memory_kb.is_some_and(|kb| kb > 100) && test.message.is_none(), "{test:?}");
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is about time: for a quiet machine, and a release build of the harness"]
async fn a_hundred_tests_of_a_millisecond_take_less_than_a_second() {
    let court = Court::warm().await;
    let mut all = Vec::new();
    for _ in 0..7 {
        court.settled().await;
        let (own, began) = (own_cpu(), Instant::now());
        let (grade, _) = court.grade(Case::new("c", &[("main.c", PROGRAM)], hundred())).await;
        let took = began.elapsed();
        assert_eq!(grade.verdict, Verdict::Ac);
        let cpu: u64 = grade.tests.iter().filter_map(|t| t.cpu_ms).sum();
        let wall: u64 = grade.tests.iter().filter_map(|t| t.wall_ms).sum();
        let compile = grade.compile.map_or(0, |c| c.cpu_ms);
        let grader = own_cpu().saturating_sub(own) / 100;
        println!(
            "{took:>10.1?} in all; tests {cpu} ms of CPU, {wall} ms of wall; compiler {compile} ms of CPU; grader {grader:?} of CPU per test"
        );
        all.push(took);
    }
    all.sort();
    println!("median {:?}", all[all.len() / 2]);
    assert!(all[0] < Duration::from_secs(10));
    court.close().await;
}

/// CPU time of this process, in ticks of 10 ms.
fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("readable");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|t| t.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
