//! I1, I2, I4, I5: the harness, the host and the kernel.

use serde_json::Value;

use super::{all_refused, document, probe, refused, refused_and};
use crate::frame::{Arena, Row, family};

/// What a program may read of the harness and of its mounts names nobody and holds no secret.
fn harmless(arena: &Arena<'_>, result: &Value) {
    let said = result["tests"][0]["stderr"].as_str().expect("text");
    let lines = |kind: &str| -> Vec<&str> { said.lines().filter_map(|l| l.strip_prefix(kind)).collect() };
    let command = lines("cmdline ");
    assert!(matches!(command.as_slice(), ["/iteratione/harness"]), "the harness' command line: {command:?}");
    assert!(!lines("mountinfo ").is_empty(), "{said}");
    for (what, secret) in [
        ("the submission", result["id"].as_str().expect("an id")),
        ("the lab", result["lab"].as_str().expect("an id")),
        ("the student", arena.class.students[0].id.as_str()),
        ("the database", arena.stack.database.url.as_str()),
    ] {
        assert!(!said.contains(secret), "{what} is named: {said}");
    }
    for variable in lines("environ ") {
        let name = variable.split('=').next().unwrap_or_default();
        assert!(["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL"].contains(&name), "{variable} is in the environment");
    }
}

#[test]
fn neither_the_harness_nor_the_host_can_be_looked_into() {
    family([
        refused_and("I1_proc_c", "i1/proc.c", 80, harmless),
        refused("I1_proc_java", "i1/Proc.java", 17),
        refused("I1_proc_python", "i1/proc.py", 18),
        refused("I2_processes_c", "i2/processes.c", 70),
        refused("I2_kill_java", "i2/Kill.java", 5),
        kill_everybody(),
        refused("I4_sockets_c", "i4/sockets.c", 26),
        refused("I4_sockets_python", "i4/sockets.py", 4),
        refused("I5_calls_c", "i5/calls.c", 95),
        refused("I5_calls_python", "i5/calls.py", 13),
    ]);
}

/// A program that tries to end everybody, the harness first, is graded by what it then says; and so is its next test.
fn kill_everybody() -> Row {
    Row::new("I2_kill_all_python", "python", async |arena| {
        let program = probe("i2/kill_all.py");
        let inputs = [("first", "1 2\n".to_owned()), ("second", "3 4\n".to_owned())];
        let result = arena.graded(&document("python", &inputs), &program).await;
        assert_eq!(result["verdict"], "AC", "{result}");
        for (test, sum) in [(0, "3\n"), (1, "7\n")] {
            assert_eq!(result["tests"][test]["stdout"], sum, "{result}");
        }
        assert_eq!(result["grading_attempt"], 1, "its jail was not lost: {result}");
        // That the helper which the other rows rest on can fail.
        let failed = std::panic::catch_unwind(|| all_refused(&result, 0, 1));
        assert!(failed.is_err(), "a line that does not say refused must fail a row");
        "AC twice, in one jail".to_owned()
    })
}
