//! The compile step as a target.

use std::time::{Duration, Instant};

use iteratione_common::{diagnostic::Severity, verdict::Verdict::Ce};

use crate::support::{Case, Court, one, said};

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_feed_a_compiler_without_end_are_a_ce_with_a_reason() {
    let court = Court::open().await;
    let nest = format!("int main(void) {{ return {}1{}; }}", "(".repeat(100_000), ")".repeat(100_000));
    let doubling = (1..40).map(|i| format!("#define A{i} A{0} A{0}", i - 1)).collect::<Vec<_>>().join("\n");
    let doubling = format!("#define A0 x\n{doubling}\nint main(void) {{ A39 }}\n");
    let java = format!(
        "class Main {{ public static void main(String[] a) {{ int x = {}1{}; }} }}",
        "(".repeat(60_000),
        ")".repeat(60_000)
    );
    for (language, name, content) in [
        ("c", "main.c", "#include \"/dev/zero\"\nint main(void) { return 0; }"),
        ("c", "main.c", "#include \"/dev/urandom\"\nint main(void) { return 0; }"),
        ("c", "main.c", "#include \"main.c\"\n"),
        ("c", "main.c", "#include \"/etc/shadow\"\n"),
        ("c", "main.c", "int main[-1u] = {1};"),
        ("c", "main.c", nest.as_str()),
        ("c", "main.c", doubling.as_str()),
        ("cpp", "main.cpp", "template <int N> struct A { A<N + 1> a; A<N + 2> b; };\nint main() { A<0> a; }"),
        ("java", "Main.java", java.as_str()),
    ] {
        let begun = Instant::now();
        let grade = court.grade_of(Case::new(language, &[(name, content)], one("", ""))).await;
        let head: String = content.chars().take(80).collect();
        let compile = grade.compile.clone().expect("compiled");
        assert_eq!(grade.verdict, Ce, "{head}: {}", said(&grade));
        let error = compile.diagnostics.iter().find(|d| d.severity == Severity::Error).expect("a reason");
        assert!(!error.message.is_empty() && compile.output.len() <= 64 * 1024, "{head}");
        assert!(compile.diagnostics.len() <= 100 + 1, "{head}");
        assert!(begun.elapsed() < Duration::from_secs(70), "{head}: {:?}", begun.elapsed());
        println!("{head:?}: {:?} in {:?}: {}", grade.message, begun.elapsed(), error.message);
    }
    court.close().await;
}
