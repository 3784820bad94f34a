//! Labs of JUnit tests: what honest submissions get.

use iteratione_common::{
    submission::{CaseResult, Grade},
    verdict::Verdict::{Ac, Ce, Mle, Pa, Rte, Sk, Tle, Wa},
};
use serde_json::{Value, json};

use crate::support::{Case, Court, message, said};

/// A lab of one test of these files, worth 100 points.
pub fn junit(files: &[(&str, &str)], more: Value) -> Value {
    let files: Vec<_> = files.iter().map(|(name, content)| json!({"name": name, "content": content})).collect();
    let mut test = json!({"name": "unit", "kind": "junit", "visibility": "visible", "files": files});
    if let (Some(test), Value::Object(more)) = (test.as_object_mut(), more) {
        test.extend(more);
    }
    json!({
        "title": "T", "languages": ["java", "java25"],
        "limits": {"cpu_ms": 5000, "wall_ms": 15_000, "memory_mb": 192, "output_kb": 64, "processes": 32},
        "groups": [{"name": "g", "points": 100, "tests": [test]}],
    })
}

pub fn case<'a>(grade: &'a Grade, name: &str) -> &'a CaseResult {
    let case = grade.tests[0].cases.iter().find(|c| c.name == name);
    case.unwrap_or_else(|| panic!("no {name}: {}", said(grade)))
}

pub const CALC_TEST: &str = r#"package calc;
import static org.junit.jupiter.api.Assertions.*;
import org.junit.jupiter.api.*;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
class CalcTest {
    private final Calc calc = new Calc();
    @Test @Tag("points=3") void adds() { assertEquals(5, calc.add(2, 3)); }
    @Test void subtracts() { assertEquals(1, calc.sub(3, 2), "three less two"); }
    @ParameterizedTest @CsvSource({"1,2,2", "2,3,6", "0,7,0"}) void multiplies(int a, int b, int c) { assertEquals(c, calc.mul(a, b)); }
    @Test void divides() { assertThrows(ArithmeticException.class, () -> calc.div(1, 0)); }
    @Nested class Big { @Test @Tag("points=2") void adds() { assertEquals(2_000_000_000, calc.add(1_000_000_000, 1_000_000_000)); } }
    @Test @Tag("points=0") void bonus() { assertEquals(1, calc.add(0, 1)); }
}
"#;
const OLD_TEST: &str = "import static org.junit.Assert.*;\nimport org.junit.*;\npublic class OldTest {\n    @Test public void reads() { assertEquals(\"x\", new Label(\"x\").text()); }\n    @Test(timeout = 5000) public void trims() { assertEquals(\"y\", new Label(\" y \").text()); }\n}\n";
pub const CALC: &str = "package calc;\nclass Calc {\n    int add(int a, int b) { return a + b; }\n    int sub(int a, int b) { return a - b; }\n    int mul(int a, int b) { return a * b; }\n    int div(int a, int b) { return a / b; }\n}\n";
const LABEL: &str = "public record Label(String text) {\n    public Label { text = text.trim(); }\n}\n";

#[tokio::test(flavor = "multi_thread")]
async fn junit_5_and_4_run_side_by_side_and_an_honest_submission_gets_everything() {
    let court = Court::open().await;
    let lab = || junit(&[("CalcTest.java", CALC_TEST), ("OldTest.java", OLD_TEST)], json!({}));
    for language in ["java", "java25"] {
        let grade = court.grade_of(Case::new(language, &[("Calc.java", CALC), ("Label.java", LABEL)], lab())).await;
        assert_eq!((grade.verdict, grade.score), (Ac, 100.0), "{}", said(&grade));
        let names: Vec<_> = grade.tests[0].cases.iter().map(|c| c.name.as_str()).collect();
        let all = [
            "OldTest.reads",
            "OldTest.trims",
            "CalcTest.adds",
            "CalcTest.subtracts",
            "CalcTest.multiplies",
            "CalcTest.divides",
            "CalcTest.bonus",
            "CalcTest.Big.adds",
        ];
        assert_eq!(names, all, "{}", said(&grade));
        // Ten in all: 3 + 1 + 1 + 1 + 0 + 2 + 1 + 1.
        assert_eq!((case(&grade, "CalcTest.adds").max_points, case(&grade, "CalcTest.bonus").max_points), (30.0, 0.0));
        assert!(grade.tests[0].suspicious.is_empty(), "{}", said(&grade));
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_is_the_test_s_own_with_the_students_line_and_the_weights_count() {
    let court = Court::open().await;
    let wrong = CALC
        .replace("a - b", "b - a")
        .replace("a * b", "a == 0 ? 1 : a * b")
        .replace("return a / b", "throw new IllegalStateException(\"no idea\")");
    let weights = json!({"weights": {"CalcTest.divides": 4, "multiplies": 0.5}});
    let lab = junit(&[("CalcTest.java", CALC_TEST)], weights);
    let grade = court.grade_of(Case::new("java", &[("Calc.java", &wrong)], lab)).await;
    let test = &grade.tests[0];
    // 3 + 1 + 0.5 + 4 + 0 + 2, of which 3 + 2 are earned.
    assert_eq!((grade.verdict, test.points), (Pa, 47.619_048), "{}", said(&grade));
    let of = |name| case(&grade, name);
    assert_eq!(of("CalcTest.subtracts").verdict, Wa);
    let message = |name| of(name).message.clone().unwrap_or_default();
    assert!(
        message("CalcTest.subtracts").contains("three less two ==> expected: <1> but was: <-1>"),
        "{}",
        said(&grade)
    );
    // One of three invocations.
    assert_eq!(of("CalcTest.multiplies").verdict, Wa);
    assert!(message("CalcTest.multiplies").contains("expected: <0> but was: <1>"), "{}", said(&grade));
    assert_eq!(of("CalcTest.divides").verdict, Wa, "the wrong exception fails an assertion: {}", said(&grade));
    assert_eq!(of("CalcTest.Big.adds").verdict, Ac);
    assert!(
        test.message.as_deref().is_some_and(|m| m.starts_with("2 of 5 tests passed; CalcTest.subtracts")),
        "{}",
        said(&grade)
    );
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_does_not_fit_loses_its_own_points_alone_and_says_what_is_missing() {
    let court = Court::open().await;
    let lab = || junit(&[("CalcTest.java", CALC_TEST), ("OldTest.java", OLD_TEST)], json!({}));
    let without = CALC.replace("int sub(int a, int b)", "int minus(int a, int b)");
    let grade = court.grade_of(Case::new("java", &[("Calc.java", &without), ("Label.java", LABEL)], lab())).await;
    assert_eq!((grade.verdict, grade.score), (Pa, 20.0), "{}", said(&grade));
    let missing = case(&grade, "CalcTest.adds");
    assert_eq!(missing.verdict, Ce);
    let words = missing.message.clone().unwrap_or_default();
    assert!(words.contains("method sub(int,int) not found in calc.Calc"), "{words}");
    assert!(!words.contains("CalcTest.java") && !words.contains("assert"), "{words}");
    assert_eq!(case(&grade, "OldTest.trims").verdict, Ac);

    let grade = court.grade_of(Case::new("java", &[("Label.java", LABEL)], lab())).await;
    let words = case(&grade, "CalcTest.adds").message.clone().unwrap_or_default();
    assert!(words.contains("class Calc not found: did you name it so"), "{words}");
    assert_eq!(grade.score, 20.0, "{}", said(&grade));
    let message = grade.tests[0].message.clone().unwrap_or_default();
    assert!(message.starts_with("2 of 7 tests passed"), "{message}");

    // What does not compile by itself is a compile error, as ever.
    let grade = court.grade_of(Case::new("java", &[("Label.java", "record Label { }")], lab())).await;
    assert_eq!((grade.verdict, grade.score), (Ce, 0.0), "{}", said(&grade));
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_that_do_not_end_or_end_everything_or_are_disabled_are_told_apart() {
    let court = Court::open().await;
    let test = r#"import static org.junit.jupiter.api.Assertions.*;
import org.junit.jupiter.api.*;
@TestMethodOrder(MethodOrderer.MethodName.class)
class EndsTest {
    @Test void aGood() { assertEquals(1, Work.one()); }
    @Test @Disabled("next week") void bDisabled() { }
    @Test void cAssumes() { Assumptions.assumeTrue(Work.one() > 1); }
    @Test void dThrows() { Work.crash(); }
    @Test void eDeep() { Work.deep(1); }
    @Test void fEnds() { Work.end(); }
    @Test void gAfter() { assertEquals(1, Work.one()); }
}
"#;
    let work = |end: &str| {
        format!(
            "class Work {{\n    static int one() {{ return 1; }}\n    static void crash() {{\n        throw new IllegalStateException(\"oops\");\n    }}\n    static int deep(int n) {{ return deep(n + 1) + 1; }}\n    static void end() {{ {end} }}\n}}\n"
        )
    };
    let limits =
        json!({"limits": {"cpu_ms": 3000, "wall_ms": 12_000, "memory_mb": 160, "output_kb": 64, "processes": 32}});
    for (end, verdict, words) in [
        ("System.exit(0);", Rte, "called exit (code 0) during this test"),
        // Which of the two limits comes first depends on what else the machine has to do.
        ("while (true) { }", Tle, "the tests of this class"),
        ("try { Thread.sleep(60_000); } catch (InterruptedException e) { }", Tle, "too long"),
        (
            "java.util.List<long[]> l = new java.util.ArrayList<>(); while (true) l.add(new long[1 << 20]);",
            Mle,
            "out of memory",
        ),
    ] {
        let grade = court
            .grade_of(Case::new(
                "java",
                &[("Work.java", &work(end))],
                junit(&[("EndsTest.java", test)], limits.clone()),
            ))
            .await;
        let of = |name: &str| case(&grade, &format!("EndsTest.{name}"));
        let verdicts = ["aGood", "bDisabled", "cAssumes", "dThrows", "eDeep", "fEnds", "gAfter"].map(|n| of(n).verdict);
        assert_eq!(verdicts, [Ac, Sk, Sk, Rte, Rte, verdict, Sk], "{end}: {}", said(&grade));
        let said_of_it = of("fEnds").message.clone().unwrap_or_default();
        assert!(said_of_it.contains(words), "{end}: {said_of_it}");
        assert!(of("bDisabled").message.as_deref().is_some_and(|m| m.contains("next week")), "{}", said(&grade));
        let crash = of("dThrows");
        assert_eq!(crash.message.as_deref(), Some("IllegalStateException: oops (at Work.crash(Work.java:4))"));
        assert!(of("eDeep").message.as_deref().is_some_and(|m| m.starts_with("stack overflow")));
        assert!(message(&grade.tests[0]).starts_with("1 of 7 tests passed"), "{}", said(&grade));
    }
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unit_tests_and_tests_of_input_and_output_share_a_lab() {
    let court = Court::open().await;
    let mut lab = junit(&[("OldTest.java", OLD_TEST), ("words.txt", "x")], json!({}));
    lab["groups"]
        .as_array_mut()
        .expect("groups")
        .push(json!({"name": "io", "points": 10, "tests": [{"name": "t", "stdin": "", "expected": "x"}]}));
    let main = LABEL
        .replace(
            "}\n}",
            "}\n    public static void main(String[] a) { System.out.println(new Label(\" x \").text()); }\n}",
        )
        .replace(
            "trim(); }\n}",
            "trim(); }\n    public static void main(String[] a) { System.out.println(new Label(\" x \").text()); }\n}",
        );
    let grade = court.grade_of(Case::new("java", &[("Label.java", &main)], lab.clone())).await;
    assert_eq!((grade.verdict, grade.score), (Ac, 110.0), "{}", said(&grade));
    let grade = court.grade_of(Case::new("java", &[("Label.java", LABEL)], lab)).await;
    assert_eq!(grade.verdict, Ce, "the other tests need an entry point: {}", said(&grade));
    court.close().await;
}
