//! Every verdict in every language, and what is said with it.

use iteratione_common::{
    submission::{Grade, TimeLimit},
    verdict::Verdict::{self, Ac, Ce, Mle, Ole, Rte, Tle, Wa},
};

use crate::support::{Case, Court, message, one, said};

/// A program, what it must get, and words of the message.
type Row = (&'static str, Verdict, Option<TimeLimit>, &'static str);

async fn check(language: &str, name: &str, rows: &[Row]) {
    let court = Court::open().await;
    for (program, verdict, limit, words) in rows {
        let grade = court.grade_of(Case::new(language, &[(name, program)], one("20 22\n", "42\n"))).await;
        let context = format!("{language}: {program}\n{}", said(&grade));
        assert_eq!(grade.verdict, *verdict, "{context}");
        assert_eq!(grade.tests.len(), 1);
        let test = &grade.tests[0];
        if *verdict == Ce {
            assert_eq!((test.verdict, test.points, grade.score), (Verdict::Sk, 0.0, 0.0), "{context}");
            assert!(errors(&grade).contains(words), "{context}");
        } else {
            assert_eq!((test.verdict, test.limit), (*verdict, *limit), "{context}");
            assert!(message(test).contains(words), "{context}");
            assert!(test.cpu_ms.is_some() && test.wall_ms.is_some() && test.memory_kb.is_some(), "{context}");
            assert!((grade.score - if *verdict == Ac { 10.0 } else { 0.0 }).abs() < 1e-9, "{context}");
            assert!(test.stdout.as_ref().is_some_and(|o| o.len() <= 16 * 1024), "{context}");
        }
        if *verdict == Tle {
            let (taken, most) = match limit {
                Some(TimeLimit::Cpu) => (test.cpu_ms, 1000),
                _ => (test.wall_ms, 8000),
            };
            assert!(taken.is_some_and(|t| (most..most + 700).contains(&t)), "{context}");
        }
    }
    court.close().await;
}

/// `file:line:column message` of each error.
fn errors(grade: &Grade) -> String {
    let mut errors = Vec::new();
    for d in grade.compile.iter().flat_map(|c| &c.diagnostics) {
        let place = d.line.zip(d.column).map(|(l, c)| format!("{l}:{c} ")).unwrap_or_default();
        errors.push(format!("{}:{place}{}", d.file.as_deref().unwrap_or("-"), d.message));
    }
    errors.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn python_programs_get_the_verdicts_that_they_deserve() {
    check(
        "python",
        "main.py",
        &[
            ("a, b = map(int, input().split())\nprint(a + b)", Ac, None, ""),
            ("print(41)", Wa, None, "expected «42», got «41»"),
            ("x = 1\nif x\n    print(x)", Ce, None, "main.py:2:5 SyntaxError: expected ':'"),
            ("while True: pass", Tle, Some(TimeLimit::Cpu), "of CPU time"),
            ("import time; time.sleep(60)", Tle, Some(TimeLimit::Wall), "stopped after 8."),
            ("raise ValueError('broken')", Rte, None, "exited with code 1: ValueError: broken"),
            ("input(); input()", Rte, None, "input() read more than there is"),
            ("def f(): f()\nf()", Rte, None, "recursion too deep"),
            ("import os; os.kill(os.getpid(), 11)", Rte, None, "signal 11 (segmentation fault"),
            ("import os; os.kill(os.getpid(), 9)", Rte, None, "signal 9 (kill)"),
            ("import sys; print(42); sys.exit(3)", Rte, None, "exited with code 3"),
            ("x = []\nwhile True: x.append(bytearray(1000000))", Mle, None, "out of memory"),
            ("while True: print('x' * 1000)", Ole, None, "of output"),
            ("import sys\nwhile True: sys.stderr.write('x' * 1000)", Ole, None, "of output"),
            // Forged words of a runtime do not make a pass, nor do they turn a success into a failure.
            ("import sys; print('MemoryError', file=sys.stderr); print(42)", Ac, None, ""),
            ("import os; os._exit(0)", Wa, None, "the output ends"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn java_programs_get_the_verdicts_that_they_deserve() {
    check(
        "java",
        "Main.java",
        &[
            (
                "import java.util.*; public class Main { public static void main(String[] a) { Scanner s = new Scanner(System.in); System.out.println(s.nextInt() + s.nextInt()); } }",
                Ac,
                None,
                "",
            ),
            (
                "public class Main { public static void main(String[] a) { System.out.println(41); } }",
                Wa,
                None,
                "expected «42», got «41»",
            ),
            (
                "public class Main {\n  public static void main(String[] a) {\n    int x = \"s\";\n  }\n}",
                Ce,
                None,
                "Main.java:3:13 incompatible types: String cannot be converted to int",
            ),
            (
                "public class Main { public static void main(String[] a) { while (true) { } } }",
                Tle,
                Some(TimeLimit::Cpu),
                "of CPU time",
            ),
            (
                "public class Main { public static void main(String[] a) throws Exception { Thread.sleep(60000); } }",
                Tle,
                Some(TimeLimit::Wall),
                "stopped after 8.",
            ),
            (
                "public class Main { public static void main(String[] a) { throw new IllegalStateException(\"broken\"); } }",
                Rte,
                None,
                "java.lang.IllegalStateException: broken",
            ),
            (
                "public class Main { public static void main(String[] a) { System.out.println(42); Runtime.getRuntime().halt(3); } }",
                Rte,
                None,
                "exited with code 3",
            ),
            (
                "import java.util.*; public class Main { public static void main(String[] a) { Scanner s = new Scanner(System.in); while (true) s.nextInt(); } }",
                Rte,
                None,
                "the input had ended",
            ),
            (
                "public class Main { static int f(int x) { return f(x + 1) + 1; } public static void main(String[] a) { f(0); } }",
                Rte,
                None,
                "stack overflow",
            ),
            (
                "import java.util.*; public class Main { public static void main(String[] a) { List<byte[]> l = new ArrayList<>(); while (true) l.add(new byte[1000000]); } }",
                Mle,
                None,
                "out of memory",
            ),
            (
                "public class Main { public static void main(String[] a) { while (true) System.out.println(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"); } }",
                Ole,
                None,
                "of output",
            ),
        ],
    )
    .await;
}

const C: &[Row] = &[
    (
        "#include <stdio.h>\nint main(void) { int a, b; if (scanf(\"%d %d\", &a, &b) != 2) return 1; printf(\"%d\\n\", a + b); return 0; }",
        Ac,
        None,
        "",
    ),
    ("#include <stdio.h>\nint main(void) { puts(\"41\"); return 0; }", Wa, None, "expected «42», got «41»"),
    ("int main(void) {\n\treturn é;\n}", Ce, None, "main.c:2:9 ‘é’ undeclared"),
    ("int main(void) { for (volatile int i = 0;; i++) { } }", Tle, Some(TimeLimit::Cpu), "of CPU time"),
    ("#include <unistd.h>\nint main(void) { for (;;) pause(); }", Tle, Some(TimeLimit::Wall), "stopped after 8."),
    ("int main(void) { return 3; }", Rte, None, "exited with code 3"),
    ("int main(void) { volatile int *p = 0; return *p; }", Rte, None, "signal 11 (segmentation fault"),
    ("#include <assert.h>\nint main(void) { assert(1 > 2); return 0; }", Rte, None, "Assertion `1 > 2' failed."),
    ("int main(void) { volatile int z = 0; return 100 / z; }", Rte, None, "division by zero"),
    (
        "#include <stdlib.h>\n#include <string.h>\nint main(void) { for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); } }",
        Mle,
        None,
        "out of memory",
    ),
    // A child that runs out of memory counts as much as its parent, which ends well.
    (
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <sys/wait.h>\nint main(void) { if (!fork()) for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); } wait(0); puts(\"42\"); return 0; }",
        Mle,
        None,
        "out of memory",
    ),
    ("#include <stdio.h>\nint main(void) { for (;;) putchar('x'); }", Ole, None, "of output"),
    // Recursion a million deep is an honest program.
    (
        "#include <stdio.h>\nstatic int f(volatile int n) { return n ? f(n - 1) + 1 : 0; }\nint main(void) { printf(\"%d\\n\", f(300000) - 299958); return 0; }",
        Ac,
        None,
        "",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn c_programs_get_the_verdicts_that_they_deserve() {
    check("c", "main.c", C).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cpp_programs_get_the_verdicts_that_they_deserve() {
    check(
        "cpp",
        "main.cpp",
        &[
            ("#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }", Ac, None, ""),
            ("#include <iostream>\nint main() { std::cout << 41; }", Wa, None, "expected «42», got «41»"),
            (
                "#include <algorithm>\n#include <list>\nint main() {\n  std::list<int> l;\n  std::sort(l.begin(), l.end());\n}",
                Ce,
                None,
                "main.cpp:5:12 no match for ‘operator-’",
            ),
            ("int main() { for (volatile int i = 0;; i = i + 1) { } }", Tle, Some(TimeLimit::Cpu), "of CPU time"),
            (
                "#include <thread>\nint main() { std::this_thread::sleep_for(std::chrono::hours(1)); }",
                Tle,
                Some(TimeLimit::Wall),
                "stopped after 8.",
            ),
            (
                "#include <vector>\nint main() { std::vector<int> v(3); return v.at(7); }",
                Rte,
                None,
                "std::out_of_range",
            ),
            (
                "#include <vector>\nint main() { std::vector<std::vector<char>> v; for (;;) v.emplace_back(1 << 20, 'x'); }",
                Mle,
                None,
                "out of memory",
            ),
            ("#include <iostream>\nint main() { for (;;) std::cout << \"xxxxxxxxxxxxx\\n\"; }", Ole, None, "of output"),
        ],
    )
    .await;
}
