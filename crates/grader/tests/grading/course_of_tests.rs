//! One submission's tests after each other: what passes between them, what is skipped, what is told.

use iteratione_common::{
    submission::Event,
    verdict::Verdict::{self, Ac, Mle, Sk, Wa},
};
use serde_json::json;

use crate::support::{Case, Court, lab, message, said};

/// Leaves what can be left, or tells what is there.
const LEAVER: &str = r#"
import os, sys, time
me = os.getpid()
def others():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) not in (1, me) and os.stat("/proc/" + pid).st_uid == os.getuid():
                found.append(pid)
        except OSError:
            pass
    return found
if input() == "leave":
    for folder in ("/scratch", "/tmp", "/dev/shm"):
        with open(folder + "/left", "w") as f:
            f.write("secret")
        os.makedirs(folder + "/deep/er/", exist_ok=True)
        os.chmod(folder + "/deep", 0)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for n in (0, 1, 2):
                os.close(n)
            time.sleep(60)
        os._exit(0)
    time.sleep(0.2)
    print("left", len(others()) > 0)
else:
    seen = [os.listdir(f) for f in ("/scratch", "/tmp", "/dev/shm")]
    print("seen", sum(seen, []), others())
"#;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_test_is_seen_by_the_next() {
    let court = Court::open().await;
    let document = lab(&[
        json!({"name": "first", "stdin": "leave\n", "expected": "left True\n"}),
        json!({"name": "second", "stdin": "look\n", "expected": "seen [] []\n", "checker": {"type": "exact"}}),
        json!({"name": "third", "stdin": "look\n", "expected": "seen ['in.txt'] []\n",
               "files": [{"name": "in.txt", "content": "x"}]}),
        json!({"name": "fourth", "stdin": "look\n", "expected": "seen [] []\n"}),
    ]);
    let grade = court.grade_of(Case::new("python", &[("main.py", LEAVER)], document)).await;
    assert_eq!(grade.verdict, Ac, "{}", said(&grade));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_files_and_limits_belong_to_one_test_and_events_tell_each_step() {
    let court = Court::open().await;
    let program = "import sys, os\nprint(sys.argv[1:], sorted(os.listdir('.')), [open(f).read() for f in sorted(os.listdir('.'))])\nif 'big' in sys.argv: x = bytearray(60 << 20); x[::4096] = b'x' * len(x[::4096])";
    let small = json!({"cpu_ms": 1500, "wall_ms": 5000, "memory_mb": 32, "output_kb": 64, "processes": 8});
    let document = lab(&[
        json!({"name": "plain", "expected": "[] [] []"}),
        json!({"name": "given", "args": ["a b", "$HOME", "é"], "expected": "['a b', '$HOME', 'é'] ['1.txt'] ['x\\ny']",
               "files": [{"name": "1.txt", "content": "x\ny"}]}),
        json!({"name": "small", "args": ["big"], "expected": "['big'] [] []", "limits": small}),
        json!({"name": "large", "args": ["big"], "expected": "['big'] [] []"}),
    ]);
    let (grade, events) = court.grade(Case::new("python", &[("main.py", program)], document)).await;
    let verdicts: Vec<_> = grade.tests.iter().map(|t| t.verdict).collect();
    assert_eq!(verdicts, [Ac, Ac, Mle, Ac], "{}", said(&grade));
    assert_eq!((grade.verdict, grade.score, grade.max_score), (Mle, 30.0, 40.0));

    assert_eq!(events.len(), 5);
    assert!(matches!(&events[0], Event::Compile { compile, attempt: 7 } if Some(compile) == grade.compile.as_ref()));
    for (i, event) in events[1..].iter().enumerate() {
        let Event::Test { test, index, of, attempt } = event else { panic!("{event:?}") };
        assert_eq!((*index, *of, *attempt), (i, 4, 7));
        assert_eq!(**test, grade.tests[i], "an event says what the grade says");
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_need_a_failed_one_are_skipped_and_late_tests_wait() {
    let court = Court::open().await;
    let test = |name: &str, stdin: &str| json!({"name": name, "stdin": stdin, "expected": "ok"});
    let mut late = test("late", "bad");
    late["visibility"] = json!("after_due");
    let mut document = lab(&[]);
    document["groups"] = json!([
        {"name": "a", "points": 10, "tests": [test("1", "ok"), late]},
        {"name": "b", "points": 20, "scoring": "all", "requires": ["a"], "tests": [test("1", "ok"), test("2", "bad")]},
        {"name": "c", "points": 30, "requires": ["b"], "tests": [test("1", "ok")]},
        {"name": "d", "points": 40, "requires": ["c"], "tests": [test("1", "ok")]},
        {"name": "e", "points": 50, "tests": [test("1", "ok")]},
    ]);
    let files = [("main.py", "print(input())")];
    let case = |due_passed| Case { due_passed, ..Case::new("python", &files, document.clone()) };
    let grade = court.grade_of(case(false)).await;
    let verdicts: Vec<_> = grade.tests.iter().map(|t| t.verdict).collect();
    assert_eq!(verdicts, [Ac, Sk, Ac, Wa, Sk, Sk, Ac], "{}", said(&grade));
    assert_eq!((grade.verdict, grade.score, grade.max_score), (Wa, 60.0, 150.0));
    assert_eq!(grade.groups.iter().map(|g| g.verdict).collect::<Vec<_>>(), [Ac, Wa, Sk, Sk, Ac]);
    assert!(message(&grade.tests[1]).contains("after the deadline"));
    assert!(message(&grade.tests[4]).contains("group b"), "{}", message(&grade.tests[4]));
    assert!(grade.tests[4].stdout.is_none() && grade.tests[4].cpu_ms.is_none(), "it did not run");

    let grade = court.grade_of(case(true)).await;
    let verdicts: Vec<_> = grade.tests.iter().map(|t| t.verdict).collect();
    assert_eq!(verdicts, [Ac, Wa, Sk, Sk, Sk, Sk, Ac], "{}", said(&grade));
    assert_eq!((grade.verdict, grade.score), (Wa, 55.0));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_broken_output_is_just_output() {
    let court = Court::open().await;
    let program = r#"
import sys, os
kind = input()
out = sys.stdout.buffer
if kind == "nul": out.write(b"a\0b\xff\xfe\x1b[31m")
elif kind == "frame": out.write(bytes(range(256)) * 64); out.write(b'\x05\0\0\0{"exit_code":0}')
elif kind == "long": out.write(b"x" * 60000)
elif kind == "trace": raise RuntimeError("see /src/main.py")
elif kind == "fds":
    for fd in range(3, 64):
        try: os.write(fd, b"forged")
        except OSError: pass
    out.write(b"done")
"#;
    let test = |kind: &str, expected: &str| json!({"name": kind, "stdin": kind, "expected": expected});
    let document = lab(&[
        test("nul", "ab"),
        test("frame", "x"),
        test("long", &"y".repeat(60_000)),
        test("trace", ""),
        test("fds", "done"),
    ]);
    let grade = court.grade_of(Case::new("python", &[("main.py", program)], document)).await;
    let verdicts: Vec<_> = grade.tests.iter().map(|t| t.verdict).collect();
    assert_eq!(verdicts, [Wa, Wa, Wa, Verdict::Rte, Ac], "{}", said(&grade));
    assert!(grade.tests[0].stdout.as_ref().is_some_and(|o| o.starts_with("a␀b\u{fffd}")), "{}", said(&grade));
    for test in &grade.tests {
        assert!(message(test).len() < 1000);
        for text in [&test.stdin, &test.stdout, &test.stderr, &test.expected].into_iter().flatten() {
            assert!(text.len() <= 16 * 1024 && !text.contains('\0'));
        }
    }
    let stderr = grade.tests[3].stderr.as_deref().unwrap_or_default();
    assert!(stderr.contains("File \"main.py\", line 8") && !stderr.contains("/src"), "{stderr}");
    court.close().await;
}
