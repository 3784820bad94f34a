//! Checkers that are programs, in several languages, and tests of several passes.

use iteratione_common::verdict::Verdict::{Ac, Ie, Pa, Rte, Tle, Wa};
use serde_json::{Value, json};

use crate::support::{Case, Court, lab, message, said};

/// Two positive numbers with a given sum, in Python. It insists on the convention: what it is called with, what it finds.
const SPLIT: (&str, &str, &str) = (
    "python",
    "split.py",
    r"
import os, sys
given, answer, feedback = sys.argv[1:4]
assert sys.argv[4:] == ['strict', 'a b'], sys.argv
assert feedback.endswith('/') and os.path.isdir(feedback) and os.listdir(feedback) == ['.placeholder']
total = int(open(given).read())
assert open(answer).read() == 'any\n'
def say(name, text):
    with open(feedback + name, 'w') as f:
        f.write(text)
try:
    a, b = map(int, sys.stdin.read().split())
except ValueError as e:
    say('teammessage.txt', 'two numbers are needed')
    sys.exit(43)
say('judgemessage.txt', f'got {a} and {b} for {total}')
sys.exit(42 if a > 0 and b > 0 and a + b == total else 43)
",
);
const SPLIT_CPP: (&str, &str, &str) = (
    "cpp",
    "split.cpp",
    r#"
#include <fstream>
#include <iostream>
#include <string>
int main(int argc, char** argv) {
    std::ifstream given(argv[1]);
    std::ofstream judge(std::string(argv[3]) + "/judgemessage.txt");
    long total, a, b;
    given >> total;
    if (!(std::cin >> a >> b)) return 43;
    judge << "got " << a << " and " << b << " for " << total << std::endl;
    return a > 0 && b > 0 && a + b == total && argc == 6 ? 42 : 43;
}
"#,
);
const SPLIT_JAVA: (&str, &str, &str) = (
    "java",
    "Split.java",
    r#"
package judges;
import java.nio.file.*;
import java.util.Scanner;
public class Split {
    public static void main(String[] args) throws Exception {
        long total = Long.parseLong(Files.readString(Path.of(args[0])).trim());
        Scanner in = new Scanner(System.in);
        if (!in.hasNextLong()) System.exit(43);
        long a = in.nextLong();
        if (!in.hasNextLong()) System.exit(43);
        long b = in.nextLong();
        Files.writeString(Path.of(args[2] + "judgemessage.txt"), "got " + a + " and " + b + " for " + total);
        System.exit(a > 0 && b > 0 && a + b == total ? 42 : 43);
    }
}
"#,
);

fn with_checker((language, name, source): (&str, &str, &str), test: &Value) -> Value {
    let mut test = test.clone();
    test["checker"] = json!({"type": "program", "program": "checker", "args": ["strict", "a b"]});
    let mut document = lab(&[test]);
    document["programs"] = json!({"checker": {"language": language, "files": [{"name": name, "content": source}]}});
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_in_any_language_accepts_every_right_answer_and_no_other() {
    let court = Court::open().await;
    let test = json!({"name": "t", "stdin": "17\n", "expected": "any\n"});
    for checker in [SPLIT, SPLIT_CPP, SPLIT_JAVA] {
        for (program, verdict, judge) in [
            ("n = int(input())\nprint(1, n - 1)", Ac, "got 1 and 16 for 17"),
            ("n = int(input())\nprint(n // 2)\nprint(n - n // 2)", Ac, "got 8 and 9 for 17"),
            ("print(0, 17)", Wa, "got 0 and 17 for 17"),
            ("print('one')", Wa, ""),
        ] {
            let grade =
                court.grade_of(Case::new("python", &[("main.py", program)], with_checker(checker, &test))).await;
            let context = format!("{} {program}: {}", checker.0, said(&grade));
            assert_eq!(grade.verdict, verdict, "{context}");
            assert_eq!(grade.score, if verdict == Ac { 10.0 } else { 0.0 }, "{context}");
            assert_eq!(grade.tests[0].judge_message.as_deref().unwrap_or_default().trim(), judge, "{context}");
        }
    }
    let wordless =
        court.grade_of(Case::new("python", &[("main.py", "print('one')")], with_checker(SPLIT, &test))).await;
    assert_eq!(message(&wordless.tests[0]), "two numbers are needed", "what is for the student is told to the student");
    // What fails by itself is not shown to the checker.
    for (program, verdict) in [("print(1, 16)\nexit(3)", Rte), ("print(1, 16, flush=True)\nwhile True: pass", Tle)] {
        let grade = court.grade_of(Case::new("python", &[("main.py", program)], with_checker(SPLIT, &test))).await;
        assert_eq!((grade.verdict, &grade.tests[0].judge_message), (verdict, &None), "{}", said(&grade));
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_is_a_part_of_the_tests_points() {
    let court = Court::open().await;
    let scores = r"
import sys
said = sys.stdin.read().split()
for name, text in zip(said[::2], said[1::2]):
    open(sys.argv[3] + name, 'w').write(text)
sys.exit(42)
";
    for (output, verdict, score, judge) in [
        ("score.txt 5", Ac, 10.0, ""),
        ("score.txt 2.5", Pa, 5.0, ""),
        ("score.txt 0", Pa, 0.0, ""),
        ("score_multiplier.txt 0.25 judgemessage.txt quarter", Pa, 2.5, "quarter"),
        ("score.txt 6", Ac, 10.0, "score.txt gives more"),
        ("score.txt x", Ie, 0.0, "no number"),
        ("score.txt 1 score_multiplier.txt 1", Ie, 0.0, "both"),
    ] {
        let document =
            with_checker(("python", "c.py", scores), &json!({"name": "t", "stdin": "", "expected": "", "points": 5}));
        let program = format!("print('{output}')");
        let grade = court.grade_of(Case::new("python", &[("main.py", &program)], document)).await;
        let context = said(&grade);
        assert_eq!((grade.verdict, grade.score), (verdict, score), "{output}: {context}");
        assert!(grade.tests[0].judge_message.as_deref().unwrap_or_default().contains(judge), "{output}: {context}");
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_that_fails_is_the_labs_fault_and_the_instructor_is_told_why() {
    let court = Court::open().await;
    for (source, why) in [
        ("import sys\nsys.exit(0)", "exited with 0"),
        ("raise RuntimeError('broken inside')", "broken inside"),
        ("while True: pass", "CPU time"),
        ("x = [0]\nwhile True: x = x + x", "memory"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("def f(:\n  pass", "cannot be built"),
        (
            "import sys\nfor n in range(200): open(sys.argv[3] + str(n), 'w').write('x')\nsys.exit(42)",
            "more than 100 files",
        ),
    ] {
        let document = with_checker(("python", "c.py", source), &json!({"name": "t"}));
        let grade = court.grade_of(Case::new("python", &[("main.py", "print(1)")], document)).await;
        let context = format!("{source}: {}", said(&grade));
        assert_eq!((grade.verdict, grade.score), (Ie, 0.0), "{context}");
        let test = &grade.tests[0];
        assert!(test.judge_message.as_deref().is_some_and(|m| m.contains(why) && m.contains("checker")), "{context}");
        assert!(message(test).contains("not counted") && !message(test).contains(why), "{context}");
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_is_built_once_runs_anew_each_time_and_leaves_nothing_for_the_next_test() {
    let court = Court::open().await;
    let nosy = r"
import os, sys
for folder in ('/tmp', '/scratch', '/dev/shm'):
    for name in os.listdir(folder):
        if name not in ('data.in', 'data.ans', 'feedback'):
            print('found', name, file=sys.stderr); sys.exit(1)
open('/tmp/mine', 'w').write('x'); open('mine', 'w').write('x'); open(sys.argv[3] + 'mine', 'w').write('x')
sys.exit(42)
";
    let tests: Vec<Value> = (0..3)
        .map(|n| json!({"name": format!("t{n}"), "checker": {"type": "program", "program": "checker"}}))
        .collect();
    let mut document = lab(&tests);
    document["programs"] = json!({"checker": {"language": "python", "files": [{"name": "c.py", "content": nosy}]}});
    for _ in 0..2 {
        let grade = court.grade_of(Case::new("python", &[("main.py", "print(1)")], document.clone())).await;
        assert_eq!(grade.verdict, Ac, "{}", said(&grade));
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_sees_nothing_of_what_the_checker_is_given() {
    let court = Court::open().await;
    let snoop = r"
import os
found = [os.path.join(d, f) for top in ('/scratch', '/src', '/tmp', '/build', '/dev/shm') for d, _, fs in os.walk(top) for f in fs]
print(sorted(found))
";
    let echo = "import sys\nopen(sys.argv[3] + 'judgemessage.txt', 'w').write(sys.stdin.read())\nsys.exit(42)";
    let test = json!({"name": "t", "stdin": "secret input", "expected": "secret answer", "checker": {"type": "program", "program": "checker"}});
    let mut document = lab(&[test.clone(), json!({"name": "u", "checker": test["checker"]})]);
    document["programs"] = json!({"checker": {"language": "python", "files": [{"name": "c.py", "content": echo}]}});
    let grade = court.grade_of(Case::new("python", &[("main.py", snoop)], document)).await;
    for test in &grade.tests {
        assert_eq!(test.judge_message.as_deref(), Some("['/src/main.py']"), "{}", said(&grade));
    }
    court.close().await;
}

/// Sends a number and a shift back and forth: in the first pass the program encodes, in the second it decodes.
const RELAY: &str = r"
import os, sys
given, answer, feedback = sys.argv[1:4]
first = open(given).read().split()
said = sys.stdin.read().split()
state = os.path.join(feedback, 'state')
if first[0] == 'encode':
    assert not os.path.exists(state)
    if len(said) != 1 or said[0] == first[1]:
        open(feedback + 'teammessage.txt', 'w').write('nothing was encoded')
        sys.exit(43)
    open(state, 'w').write(first[1])
    open(feedback + 'nextpass.in', 'w').write('decode ' + said[0])
    sys.exit(42)
assert not os.path.exists(feedback + 'nextpass.in')
sys.exit(42 if said == [open(state).read()] else 43)
";

fn relay(passes: u32) -> Value {
    let mut document =
        with_checker(("python", "relay.py", RELAY), &json!({"name": "t", "stdin": "encode 4711", "passes": passes}));
    document["groups"][0]["tests"][0]["checker"] = json!({"type": "program", "program": "checker"});
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_several_passes_goes_on_with_what_the_judge_left_and_nothing_else() {
    let court = Court::open().await;
    let right = "w, n = input().split()\nprint(int(n) + 1 if w == 'encode' else int(n) - 1)";
    let grade = court.grade_of(Case::new("python", &[("main.py", right)], relay(2))).await;
    assert_eq!(grade.verdict, Ac, "{}", said(&grade));

    for (program, verdict, words) in [
        ("print(input().split()[1])", Wa, "nothing was encoded"),
        ("print(0)", Wa, "in pass 2"),
        ("w, n = input().split()\nassert w == 'encode'\nprint(0)", Rte, "in pass 2"),
        ("w, n = input().split()\nwhile w == 'decode': pass\nprint(0)", Tle, "in pass 2"),
        // Nothing that the first pass left is there.
        (
            "import os\nw, n = input().split()\nif w == 'encode':\n  open('n', 'w').write(n); open('/tmp/n', 'w').write(n); print(0)\nelse:\n  print(os.path.exists('n') or os.path.exists('/tmp/n'))",
            Wa,
            "in pass 2",
        ),
    ] {
        let grade = court.grade_of(Case::new("python", &[("main.py", program)], relay(2))).await;
        assert_eq!(grade.verdict, verdict, "{program}: {}", said(&grade));
        assert!(message(&grade.tests[0]).contains(words), "{program}: {}", said(&grade));
    }
    let grade = court.grade_of(Case::new("python", &[("main.py", right)], relay(1))).await;
    assert_eq!(grade.verdict, Ie, "{}", said(&grade));
    assert!(
        grade.tests[0].judge_message.as_deref().is_some_and(|m| m.contains("nextpass.in") && m.contains("passes = 1"))
    );
    court.close().await;
}
