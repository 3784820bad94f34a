//! Interactive tests: a submission and an interactor talk, and the right one of them is blamed.

use iteratione_common::verdict::Verdict::{Ac, Ie, Mle, Ole, Rte, Tle, Wa};
use serde_json::{Value, json};

use crate::support::{Case, Court, lab, message, said};

/// Knows a number from 1 to 1000 and answers `lower`, `higher` or `correct`, at most ten times.
const GUESS: &str = r"
import sys
secret = int(open(sys.argv[1]).read())
feedback = sys.argv[3]
def end(code, text):
    open(feedback + 'judgemessage.txt', 'w').write(text)
    sys.exit(code)
for turn in range(1, 11):
    line = sys.stdin.readline()
    if not line:
        end(43, f'it left in turn {turn}')
    try:
        guess = int(line)
    except ValueError:
        open(feedback + 'teammessage.txt', 'w').write('that is no number')
        end(43, 'no number')
    if guess == secret:
        print('correct', flush=True)
        end(42, f'found in turn {turn}')
    print('lower' if secret < guess else 'higher', flush=True)
end(43, 'too many guesses')
";

fn guess(interactor: &str) -> Value {
    let test = json!({"name": "t", "kind": "interactive", "stdin": "618\n", "interactor": {"program": "guess"}});
    let mut document = lab(&[test]);
    document["limits"]["wall_ms"] = json!(3000);
    document["programs"] =
        json!({"guess": {"language": "python", "files": [{"name": "guess.py", "content": interactor}]}});
    document
}

const PYTHON: &str = r"
low, high = 1, 1000
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    said = input()
    if said == 'correct':
        break
    low, high = (middle + 1, high) if said == 'higher' else (low, middle - 1)
";
const JAVA: &str = r#"
import java.util.Scanner;
public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        int low = 1, high = 1000;
        while (true) {
            int middle = (low + high) / 2;
            System.out.println(middle);
            String said = in.next();
            if (said.equals("correct")) return;
            if (said.equals("higher")) low = middle + 1; else high = middle - 1;
        }
    }
}
"#;
const CPP: &str = r#"
#include <iostream>
#include <string>
int main() {
    int low = 1, high = 1000;
    std::string said;
    for (;;) {
        int middle = (low + high) / 2;
        std::cout << middle << std::endl;
        if (!(std::cin >> said) || said == "correct") return 0;
        (said == "higher" ? low : high) = said == "higher" ? middle + 1 : middle - 1;
    }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn programs_in_every_language_talk_to_an_interactor() {
    let court = Court::open().await;
    for (language, name, source) in
        [("python", "main.py", PYTHON), ("java", "Main.java", JAVA), ("cpp", "main.cpp", CPP)]
    {
        let grade = court.grade_of(Case::new(language, &[(name, source)], guess(GUESS))).await;
        assert_eq!((grade.verdict, grade.score), (Ac, 10.0), "{}", said(&grade));
        let test = &grade.tests[0];
        assert_eq!(test.judge_message.as_deref(), Some("found in turn 10"), "{}", said(&grade));
        assert!(test.cpu_ms.is_some() && test.stdout.is_none() && test.stdin.is_none(), "{}", said(&grade));
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ended_first_is_the_one_who_counts() {
    let court = Court::open().await;
    for (program, verdict, words, judge) in [
        // The interactor is first: what happens to the program afterwards does not matter.
        ("print('x', flush=True)\nimport time\ntime.sleep(60)", Wa, "no number", "no number"),
        ("print('x', flush=True)\ninput()\nraise SystemExit(3)", Wa, "no number", "no number"),
        ("print('x', flush=True)\nwhile True: pass", Wa, "no number", "no number"),
        ("for n in range(11): print(n, flush=True)\ninput()\nwhile True: input()", Wa, "", "too many guesses"),
        // The program is first: its own failure counts, not what the interactor makes of the silence.
        ("raise ValueError('early')", Rte, "early", "left in turn 1"),
        ("print(500, flush=True)\ninput()\nimport os\nos.kill(os.getpid(), 11)", Rte, "signal 11", "left in turn 2"),
        ("print(500, flush=True)\nx = [0]\nwhile True: x = x + x", Mle, "memory", "left in turn 2"),
        ("import sys\nwhile True: sys.stderr.write('x' * 1000)", Ole, "output", ""),
        ("print(500, flush=True)\ninput()\nwhile True: pass", Tle, "CPU", ""),
        // It ended well, but too early: the interactor's word stands.
        ("print(500, flush=True)", Wa, "", "left in turn 2"),
        ("", Wa, "", "left in turn 1"),
        // Whoever opens the FIFOs by their names talks to the interactor as before, or to itself.
        (
            "import glob, os\nfor name in glob.glob('/src/.fifo-*'):\n    os.write(os.open(name, os.O_RDWR), b'correct\\n')\ninput()",
            Wa,
            "no number",
            "no number",
        ),
        // Whoever leaves somebody behind with them has ended all the same.
        ("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)", Wa, "", "left in turn 1"),
        // It does not flush: both wait for each other.
        ("import sys\nprint(500)\nsys.stdin.readline()", Tle, "stopped after", ""),
        // Accepted is only who ends well too.
        ("print(618, flush=True)\ninput()\nraise SystemExit(3)", Rte, "code 3", "found in turn 1"),
        ("print(618, flush=True)\ninput()\nwhile True: pass", Tle, "CPU", "found in turn 1"),
        // Last words that nobody waits for are no fault.
        ("print(618, flush=True)\ninput()\nprint('bye' * 100000)", Ac, "", "found in turn 1"),
    ] {
        let grade = court.grade_of(Case::new("python", &[("main.py", program)], guess(GUESS))).await;
        let (context, test) = (format!("{program}\n{}", said(&grade)), &grade.tests[0]);
        assert_eq!(grade.verdict, verdict, "{context}");
        assert!(message(test).contains(words), "{context}");
        assert!(test.judge_message.as_deref().unwrap_or_default().contains(judge), "{context}");
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interactor_that_fails_is_the_labs_fault_unless_the_program_failed_before() {
    let court = Court::open().await;
    let talk = "print(1, flush=True)\ninput()";
    for (interactor, program, verdict, why) in [
        ("import sys\nsys.exit(1)", talk, Ie, "exited with 1"),
        ("input()\nraise KeyError('oops')", talk, Ie, "oops"),
        ("while True: pass", talk, Ie, "CPU time"),
        ("input()\nprint(int(input()))", "raise SystemExit(9)", Rte, "EOF"),
        ("input()\nprint(int(input()))", "print(1)", Ie, "EOF"),
        // It says much to nobody: that is no broken pipe.
        ("import sys\nsys.stdin.read()\nprint('x' * 1000000)\nsys.exit(42)", "", Ac, ""),
        ("def f(:", talk, Ie, "cannot be built"),
    ] {
        let mut document = guess(interactor);
        document["limits"]["wall_ms"] = json!(60_000);
        let grade = court.grade_of(Case::new("python", &[("main.py", program)], document)).await;
        let context = format!("{interactor}\n{program}\n{}", said(&grade));
        assert_eq!(grade.verdict, verdict, "{context}");
        assert!(grade.tests[0].judge_message.as_deref().unwrap_or_default().contains(why), "{context}");
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interactor_in_java_or_cpp_and_one_of_two_passes() {
    let court = Court::open().await;
    let java = r#"
import java.nio.file.*;
import java.util.Scanner;
class Echo {
    public static void main(String[] args) throws Exception {
        Scanner in = new Scanner(System.in);
        for (String word : Files.readString(Path.of(args[0])).split("\\s+")) {
            System.out.println(word);
            if (!in.hasNext() || !in.next().equals(word)) System.exit(43);
        }
        System.exit(42);
    }
}
"#;
    let cpp = r#"
#include <fstream>
#include <iostream>
#include <string>
int main(int, char** argv) {
    std::ifstream words(argv[1]);
    std::string word, said;
    while (words >> word) {
        std::cout << word << std::endl;
        if (!(std::cin >> said) || said != word) return 43;
    }
    std::ifstream again(std::string(argv[3]) + "seen");
    if (!again) {
        std::ofstream(std::string(argv[3]) + "seen") << "1";
        std::ofstream(std::string(argv[3]) + "nextpass.in") << "second pass";
    }
    return 42;
}
"#;
    let echo = "import sys\nfor line in sys.stdin:\n  print(line, end='', flush=True)";
    let once = "print(input())";
    for (language, name, source, passes) in [("java", "Echo.java", java, 1), ("cpp", "echo.cpp", cpp, 2)] {
        for (program, verdict) in [(echo, Ac), (once, Wa)] {
            let mut document = guess("");
            document["programs"]["guess"] = json!({"language": language, "files": [{"name": name, "content": source}]});
            document["groups"][0]["tests"][0]["stdin"] = json!("one two three");
            document["groups"][0]["tests"][0]["passes"] = json!(passes);
            let grade = court.grade_of(Case::new("python", &[("main.py", program)], document)).await;
            assert_eq!(grade.verdict, verdict, "{language}: {program}\n{}", said(&grade));
        }
    }
    court.close().await;
}
