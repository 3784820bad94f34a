//! What is particular to Java: the package tree, entry points, names.

use iteratione_common::verdict::Verdict::{Ac, Ce};

use crate::support::{Case, Court, one, said};

/// Five flat files in three packages; `package` stands in comments, strings and behind escapes too.
const PROJECT: &[(&str, &str)] = &[
    (
        "Main.java",
        "/* package fake.one; */ // package fake.two;\n\\u0070ackage /* x */ shop . /* y */\n app ; // z\nimport shop.model.Item;\nimport shop.model.Basket;\nimport static shop.util.Numbers.sum;\npublic class Main {\n    static String s = \"package fake.three;\";\n    public static void main(String[] args) {\n        Basket basket = new Basket();\n        for (var n : sum.apply(new java.util.Scanner(System.in))) basket.add(new Item(n));\n        System.out.println(basket);\n    }\n}\n",
    ),
    ("Item.java", "// package none;\npackage shop.model;\npublic record Item(int price) {}\n"),
    (
        "Basket.java",
        "package shop.model;\npublic class Basket {\n    private int total;\n    public void add(Item i) { total += i.price(); }\n    @Override public String toString() { return Text.of(total); }\n}\n",
    ),
    (
        "Text.java",
        "/** Says \"package x;\". */\npackage\n  shop.model\n;\nclass Text {\n    static String of(int n) { String t = \"\"\"\n        package fake.four;\n        \"\"\"; return t.isEmpty() ? t : \"\" + n; }\n}\n",
    ),
    (
        "Numbers.java",
        "package shop.util;\nimport java.util.*;\nimport java.util.function.*;\npublic interface Numbers {\n    Function<Scanner, List<Integer>> sum = s -> { List<Integer> l = new ArrayList<>(); while (s.hasNextInt()) l.add(s.nextInt()); return l; };\n}\n",
    ),
];

const HELLO: &str = "{ public static void main(String[] args) { System.out.println(42); } }";

#[tokio::test(flavor = "multi_thread")]
async fn five_flat_files_in_three_packages_are_compiled_and_run() {
    let court = Court::open().await;
    let grade = court.grade_of(Case::new("java", PROJECT, one("20 22\n", "42\n"))).await;
    assert_eq!(grade.verdict, Ac, "{}", said(&grade));

    // The same with an error: it has the name that the student gave the file.
    let mut broken = PROJECT.to_vec();
    broken[2].1 =
        "package shop.model;\npublic class Basket {\n    int x = Text.of(3);\n    public void add(Item i) {}\n}\n";
    let grade = court.grade_of(Case::new("java", &broken, one("20 22\n", "42\n"))).await;
    assert_eq!(grade.verdict, Ce, "{}", said(&grade));
    let compile = grade.compile.expect("compiled");
    let first = compile.diagnostics.first().expect("one");
    assert_eq!((first.file.as_deref(), first.line, first.column), (Some("Basket.java"), Some(3), Some(20)));
    assert!(compile.output.starts_with("Basket.java:3: error:"), "{}", compile.output);
    assert!(!compile.output.contains("shop/model/") && !compile.output.contains("/src"), "{}", compile.output);
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_mains_it_asks_which_and_with_none_it_says_so() {
    let court = Court::open().await;
    let two =
        [("One.java", format!("package a; public class One {HELLO}")), ("Two.java", format!("class Two {HELLO}"))];
    let two: Vec<_> = two.iter().map(|(n, c)| (*n, c.as_str())).collect();
    let grade = court.grade_of(Case::new("java", &two, one("", "42"))).await;
    assert_eq!(grade.verdict, Ce, "{}", said(&grade));
    let message = grade.message.clone().unwrap_or_default();
    assert!(message.contains("Two, a.One") && message.contains("which"), "{message}");
    assert!(grade.compile.is_some_and(|c| !c.ok && !c.diagnostics.is_empty()), "the page shows it too");
    for main in ["a.One", "One", "One.java", "Two"] {
        let grade = court.grade_of(Case { main: Some(main), ..Case::new("java", &two, one("", "42")) }).await;
        assert_eq!(grade.verdict, Ac, "{main}: {}", said(&grade));
    }
    let grade = court.grade_of(Case { main: Some("Three"), ..Case::new("java", &two, one("", "42")) }).await;
    let message = grade.message.unwrap_or_default();
    assert!(message.contains("Three") && message.contains("a.One"), "{message}");

    let none = [("Main.java", "public class Main { public void main(String[] args) { } }")];
    let grade = court.grade_of(Case::new("java", &none, one("", "42"))).await;
    let message = grade.message.unwrap_or_default();
    assert_eq!(grade.verdict, Ce);
    assert!(message.contains("no entry point") && message.contains("it is not static"), "{message}");
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_class_name_any_package_and_odd_but_honest_files_work() {
    let court = Court::open().await;
    let unicode = format!("package \u{e9}t\u{e9}.a\u{df}; public class Gr\u{fc}\u{df}e {HELLO}");
    let beyond = format!("class \u{1d4b3} {HELLO}");
    let bom = format!("\u{feff}public class Main {HELLO}");
    let nested = format!("class Outer {{ static class Inner {HELLO} }}");
    let interface = format!("interface I {HELLO}");
    let lower = format!("class x$y_1 {HELLO}");
    let main = format!("package p; public class Main {HELLO}");
    let cases: [&[(&str, &str)]; 7] = [
        &[("Gr\u{fc}\u{df}e.java", &unicode)],
        &[("Main.java", &beyond)],
        &[("Main.java", &bom)],
        &[("Outer.java", &nested)],
        &[("Any name + 1.java", &interface)],
        &[("x$y_1.java", &lower)],
        &[
            ("Main.java", &main),
            ("module-info.java", "module my.module { requires java.sql; exports p; }"),
            ("package-info.java", "/** Doc. */\n@Deprecated(since = \")\") package p;"),
        ],
    ];
    for files in cases {
        let grade = court.grade_of(Case::new("java", files, one("", "42"))).await;
        assert_eq!(grade.verdict, Ac, "{files:?} {}", said(&grade));
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_of_the_platform_and_absurd_packages_end_in_a_clear_ce() {
    let court = Court::open().await;
    let core = format!("package java.lang; public class String {HELLO}");
    let deep = format!("package {}; class A {HELLO}", vec!["p"; 100].join("."));
    let jar = "PK\u{3}\u{4} not a source";
    for (name, content, words) in [
        ("String.java", core.as_str(), "package exists in another module"),
        ("A.java", deep.as_str(), "too long or too deep"),
        ("A.java", jar, "class, interface, enum, or record expected"),
        ("A.java", "", "no entry point"),
    ] {
        let grade = court.grade_of(Case::new("java", &[(name, content)], one("", "42"))).await;
        assert_eq!(grade.verdict, Ce, "{}", said(&grade));
        assert!(said(&grade).contains(words), "{words}: {}", said(&grade));
    }
    court.close().await;
}
