//! Jails that are lost or dirty in the middle of a submission: another goes on, and only what cannot be known is IE.

use std::{process::Command, time::Duration};

use iteratione_common::{
    submission::{Grade, TimeLimit},
    verdict::Verdict::{Ac, Ie, Mle, Tle},
};
use serde_json::{Value, json};

use crate::support::{Case, Court, lab, message, said};

/// Echoes. In the test "wait" it says that it is there and waits for a word; "fill" then takes all memory there is, in
/// a file, and stands back as far as it may when the kernel looks for somebody to kill.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    char word[16] = "";
    if (scanf("%15s", word) != 1) return 1;
    if (strcmp(word, "plain")) {
        close(open("started", O_CREAT | O_WRONLY, 0644));
        while (access("go", F_OK)) usleep(2000);
    }
    if (!strcmp(word, "fill")) {
        static char piece[1 << 16];
        int score = open("/proc/self/oom_score_adj", O_WRONLY);
        if (score < 0 || write(score, "500", 3) != 3) puts("cannot stand back");
        int file = open("full", O_CREAT | O_WRONLY, 0644);
        while (write(file, piece, sizeof piece) > 0) { }
        for (;;) pause();
    }
    puts(word);
    return 0;
}
"#;

fn document(words: &[&str]) -> Value {
    let test = |(n, word): (usize, &&str)| json!({"name": n.to_string(), "stdin": word, "expected": word});
    let mut document = lab(&words.iter().enumerate().map(test).collect::<Vec<_>>());
    // Whoever waits here waits for this test's own hand, on a machine of any speed.
    document["limits"]["wall_ms"] = json!(100_000);
    document
}

/// What is done to a jail whose program waits.
#[derive(Clone, Copy)]
enum Deed {
    /// It goes on.
    Go,
    /// It is killed from outside.
    Kill,
    /// Something is put into it that nobody inside can remove, and it goes on.
    Soil,
    /// The kernel finds the harness the best to kill when memory is short, and it goes on.
    ExposeHarness,
}

/// Grades, and does these deeds to one jail after the other in which a program waits. Also says how many there were.
async fn grade(court: &Court, words: &[&str], deeds: &[Deed]) -> Grade {
    let mut document = document(words);
    // Less than the scratch folder holds.
    document["limits"]["memory_mb"] = json!(48);
    let grading = court.grade_of(Case::new("c", &[("main.c", PROGRAM)], document));
    let fate = async {
        let mut met: Vec<String> = Vec::new();
        for deed in deeds {
            let jail = loop {
                let fresh = court.jails("c").into_iter().filter(|id| !met.contains(id));
                let waiting = fresh.into_iter().find(|id| exec(id, "10001", "test -e /scratch/started"));
                if let Some(id) = waiting {
                    break id;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            let done = match deed {
                Deed::Go => true,
                Deed::Kill => docker(&["kill", &jail]),
                Deed::Soil => exec(&jail, "0", "touch /scratch/soil"),
                Deed::ExposeHarness => exec(&jail, "0", "echo 1000 >/proc/1/oom_score_adj"),
            };
            assert!(done, "the deed");
            if !matches!(deed, Deed::Kill) {
                exec(&jail, "10001", "touch /scratch/go");
            }
            met.push(jail);
        }
    };
    // A grade that comes before its time is looked at by the caller, with all that it says.
    let then_wait = async {
        fate.await;
        std::future::pending::<Grade>().await
    };
    tokio::select! { grade = grading => grade, grade = then_wait => grade }
}

/// A shell line in a jail; false if it fails or the jail is no more.
fn exec(jail: &str, user: &str, line: &str) -> bool {
    docker(&["exec", "--user", user, jail, "sh", "-c", line])
}

fn docker(arguments: &[&str]) -> bool {
    Command::new("docker").args(arguments).output().expect("the docker client runs").status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_whose_jail_is_killed_runs_again_in_a_fresh_one() {
    let court = Court::open().await;
    let grade = grade(&court, &["plain", "wait", "plain"], &[Deed::Kill, Deed::Go]).await;
    assert_eq!(grade.tests.iter().map(|t| t.verdict).collect::<Vec<_>>(), [Ac, Ac, Ac], "{}", said(&grade));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_loses_two_jails_is_an_internal_error_and_the_others_count() {
    let court = Court::open().await;
    let grade = grade(&court, &["plain", "wait", "plain"], &[Deed::Kill, Deed::Kill]).await;
    assert_eq!(grade.tests.iter().map(|t| t.verdict).collect::<Vec<_>>(), [Ac, Ie, Ac], "{}", said(&grade));
    assert_eq!((grade.verdict, grade.score), (Ie, 20.0), "{}", said(&grade));
    assert!(message(&grade.tests[1]).contains("not counted as the program's fault"));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dirty_jail_is_replaced_and_the_run_in_it_stands() {
    let court = Court::open().await;
    // "wait" in a second jail is only met if the first was not used again.
    let deeds = [Deed::Soil, Deed::Soil, Deed::Go];
    let grade = grade(&court, &["wait", "wait", "wait", "plain"], &deeds).await;
    assert_eq!(grade.tests.iter().map(|t| t.verdict).collect::<Vec<_>>(), [Ac, Ac, Ac, Ac], "{}", said(&grade));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jail_that_dies_of_its_memory_is_the_programs_doing() {
    let court = Court::open().await;
    let grade = grade(&court, &["plain", "fill", "plain"], &[Deed::ExposeHarness]).await;
    assert_eq!(grade.tests.iter().map(|t| t.verdict).collect::<Vec<_>>(), [Ac, Mle, Ac], "{}", said(&grade));
    assert!(message(&grade.tests[1]).contains("the whole jail"), "{}", said(&grade));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_just_misses_its_cpu_limit_is_done_twice_and_says_so() {
    let program = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>
static long spent(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
int main(void) { long ms; if (scanf("%ld", &ms) != 1) return 1; while (spent() < ms) { } puts("done"); return 0; }
"#;
    let court = Court::open().await;
    let test = |name: &str, ms: u32| json!({"name": name, "stdin": ms.to_string(), "expected": "done"});
    let mut document = lab(&[test("below", 900), test("just above", 1010), test("above", 1070)]);
    document["limits"]["wall_ms"] = json!(60_000);
    let grade = court.grade_of(Case::new("c", &[("main.c", program)], document)).await;
    let told: Vec<_> = grade.tests.iter().map(|t| (t.verdict, t.limit)).collect();
    let cpu = Some(TimeLimit::Cpu);
    assert_eq!(told, [(Ac, None), (Tle, cpu), (Tle, cpu)], "{}", said(&grade));
    assert!(message(&grade.tests[1]).contains("two runs"), "{}", said(&grade));
    assert!(!message(&grade.tests[2]).contains("two runs"), "{}", said(&grade));
    // Measured, not cut.
    assert!(grade.tests[2].cpu_ms.is_some_and(|ms| (1070..1100).contains(&ms)), "{}", said(&grade));
    assert_eq!(grade.tests[2].exit_code, Some(0), "{}", said(&grade));
    court.close().await;
}
