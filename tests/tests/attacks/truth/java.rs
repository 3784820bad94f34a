//! T4: tricks of a Java program on whoever judges it.

use testkit::{labs, spy::SECRET};

use crate::frame::{
    Row,
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
