//! T4: tricks of a Java program on whoever judges it.

use serde_json::json;
use testkit::{labs, programs::Program, spy::SECRET};

use crate::frame::{
    Arena, Row,
    ends::{Ends, ends},
    family,
};

fn java_ends(verdicts: &'static [&'static str]) -> Ends {
    ends(verdicts).limit("memory_mb", 160).limit("cpu_ms", 5000)
}

#[test]
fn no_trick_earns_a_point() {
    let never = || java_ends(&["TLE"]).by("wall").limit("wall_ms", 3000);
    let secret =
        || ends(&["WA"]).limit("cpu_ms", 10_000).tests(&[labs::test("secret", "", &format!("{SECRET} expected\n"))]);
    family([
        Row::program("T4_out_replaced_java", "t4/OutReplaced.java", java_ends(&["WA"])),
        Row::program("T4_exception_text_java", "t4/ExceptionText.java", java_ends(&["RTE"]).saying("code 1")),
        Row::program("T4_handler_halts_java", "t4/HandlerHalts.java", java_ends(&["WA"])),
        Row::program("T4_thread_after_main_java", "t4/ThreadAfterMain.java", never()),
        Row::program("T4_daemon_after_main_java", "t4/DaemonAfterMain.java", java_ends(&["WA"])),
        Row::program("T4_prints_after_main_java", "t4/PrintsLater.java", java_ends(&["WA"])),
        Row::program(
            "T4_rewrites_itself_java",
            "t4/Rewrites.java",
            java_ends(&["AC"]).tests(&[labs::test("first", "1\n", "done\n"), labs::test("second", "2\n", "done\n")]),
        ),
        Row::new("T4_classes_of_an_earlier_submission_java", "java", classes),
        Row::program(
            "T4_searches_for_the_answer_python",
            "t4/search.py",
            secret().and(|result| {
                let said = result["tests"][0]["stdout"].as_str().expect("text");
                assert_eq!(said, "looked at True\n", "{result}");
            }),
        ),
    ]);
}

/// A compiler that stays must know nothing of what it has compiled before.
async fn classes(arena: &Arena<'_>) -> String {
    let main = "class Main { public static void main(String[] a) { System.out.println(Helper.answer()); } }\n";
    let helper = |answer: u32| format!("class Helper {{ static int answer() {{ return {answer}; }} }}\n");
    let submission = |files: &[(&str, &str)]| {
        let mut program = Program::of("java", "Main.java", main);
        let files = files.iter().map(|(name, content)| json!({"name": name, "content": content}));
        program.files = json!([program.files[0].clone()].into_iter().chain(files).collect::<Vec<_>>());
        program
    };
    let (right, wrong) = (helper(3), helper(4));
    let document = java_ends(&[]).document("java");
    for (files, verdict) in [
        (vec![("Helper.java", right.as_str())], "AC"),
        (vec![], "CE"),
        (vec![("Helper.java", wrong.as_str())], "WA"),
        (vec![], "CE"),
    ] {
        let result = arena.graded(&document, &submission(&files)).await;
        assert_eq!(result["verdict"], verdict, "{result}");
    }
    "AC, CE, WA, CE".to_owned()
}
