//! I6: nothing is left for whoever comes next.

use testkit::{classroom::grade, programs::Program};

use super::{all_refused, document, probe};
use crate::frame::{Row, family};

/// A program that leaves things behind, then looks for them: in the next test, in the next submission, and as another
/// student.
fn nothing_is_left(id: &'static str, language: &'static str, file: &'static str, wrote: usize, looks: usize) -> Row {
    Row::new(id, language, async move |arena| {
        let program = probe(file);
        let document = document(language, &[("leave", "leave\n".to_owned()), ("look", "look\n".to_owned())]);
        let first = arena.graded(&document, &program).await;
        all_refused(&first, 0, wrote);
        let seen = all_refused(&first, 1, looks);
        assert_eq!(first["grading_attempt"], 1, "the jail could be cleaned: {first}");
        let again = arena.graded(&document, &program).await;
        all_refused(&again, 1, looks);
        let lab = arena.lab(&document).await;
        let other = grade(arena.honest(), &lab, &program).await;
        all_refused(&other, 1, looks);
        format!("{seen} traces looked for, three times")
    })
}

/// Classes of one submission are not there for the next one to compile with.
fn classes_of_the_one_before() -> Row {
    Row::new("I6_classes_java", "java", async |arena| {
        let document = document("java", &[("only", String::new())]);
        let lab = arena.lab(&document).await;
        for round in 0..3 {
            let name = format!("OnlyHere{round}");
            let source = format!(
                "public class {name} {{ static final String SECRET = \"s\"; public static void main(String[] a) {{ }} }}"
            );
            let left = grade(arena.honest(), &lab, &Program::of("java", &format!("{name}.java"), &source)).await;
            assert_eq!(left["verdict"], "AC", "{left}");
            let thief = format!(
                "class Main {{ public static void main(String[] a) {{ System.out.println({name}.SECRET); }} }}"
            );
            let result = arena.graded(&document, &Program::of("java", "Main.java", &thief)).await;
            assert_eq!(result["verdict"], "CE", "{result}");
            let output = result["compile"]["output"].as_str().expect("text");
            assert!(output.contains("cannot find symbol"), "{output}");
        }
        "CE three times".to_owned()
    })
}

#[test]
fn nothing_is_left_for_the_next_test_the_next_submission_or_the_next_student() {
    family([
        nothing_is_left("I6_leftovers_c", "c", "i6/leftovers.c", 45, 24),
        nothing_is_left("I6_leftovers_java", "java", "i6/Leftovers.java", 6, 5),
        classes_of_the_one_before(),
    ]);
}
