//! R and I on a terminal: programs that flood it, hold it, steal it, or look for others'.

use serde_json::{Value, json};
use testkit::programs::Program;

use super::{Rows, gone, growth, raw::Raw, somebody};
use crate::frame::{Arena, Row};

pub fn rows() -> Rows {
    vec![
        fork_bomb(),
        memory_bomb(),
        output(),
        stubborn(),
        daemons(),
        modes(),
        stopped_output(),
        others(),
        stealing(),
        forged(),
    ]
}

/// A program of `attacks/terminal`, as a `run`.
fn run(name: &str) -> Value {
    let program = Program::single(&format!("attacks/terminal/{name}"));
    let mut run = program.hand_in();
    (run["type"], run["cols"], run["rows"]) = (json!("run"), json!(80), json!(24));
    run
}

/// A program that runs and has said that it is ready.
async fn started(arena: &Arena<'_>, name: &str) -> Raw {
    let mut socket = Raw::run(&somebody(arena), &run(name)).await;
    socket.shown("ready").await;
    socket
}

async fn kill(socket: &mut Raw) {
    socket.text(&json!({"type": "kill"}).to_string()).await;
    assert_eq!(socket.exit().await["reason"], "killed");
}

fn fork_bomb() -> Row {
    Row::new("R1_terminal_fork_bomb", "python", async |arena| {
        let mut socket = started(arena, "fork_bomb.c").await;
        // Somebody else notices nothing.
        let mut other = Raw::run(&somebody(arena), &super::python("print('hello')")).await;
        assert_eq!(other.exit().await["reason"], "exited");
        kill(&mut socket).await;
        format!("killed; gone after {}", gone(arena).await)
    })
}

fn memory_bomb() -> Row {
    Row::new("R3_terminal_memory_bomb", "python", async |arena| {
        for name in ["memory_bomb.py", "memory_children.py"] {
            let mut socket = Raw::run(&somebody(arena), &run(name)).await;
            let exit = socket.exit().await;
            assert_eq!(exit["reason"], "memory", "{name}: {exit}: {}", socket.tail());
        }
        "both told so".to_owned()
    })
}

fn output() -> Row {
    Row::new("R7_terminal_flood_of_escapes_and_zeros", "python", async |arena| {
        let attacking = async {
            for encoding in ["binary", "json"] {
                let mut run = run("escapes.py");
                run["encoding"] = json!(encoding);
                let mut socket = Raw::run(&somebody(arena), &run).await;
                while !socket.messages.iter().any(|m| m["type"] == "exit") {
                    // What was shown is not kept.
                    socket.messages.retain(|m| m["type"] != "stdout");
                    assert!(socket.read().await, "closed with {:?}", socket.code);
                }
                assert_eq!(socket.exit().await["reason"], "output", "{encoding}");
            }
        };
        growth(arena, attacking).await.1
    })
}

fn stubborn() -> Row {
    Row::new("R5_terminal_no_signal_is_minded", "python", async |arena| {
        let mut socket = started(arena, "stubborn.py").await;
        for key in [b"\x03", b"\x1c", b"\x1a"] {
            socket.keys(key).await;
        }
        socket.shown("still here").await;
        kill(&mut socket).await;
        // And if nobody kills it: the terminal hangs up, and it goes all the same.
        let socket = started(arena, "stubborn.py").await;
        drop(socket);
        format!("gone after {}, of which 3 s are grace", gone(arena).await)
    })
}

fn daemons() -> Row {
    Row::new("R2_terminal_held_by_who_outlives_the_program", "python", async |arena| {
        let mut socket = Raw::run(&somebody(arena), &run("daemons.py")).await;
        let exit = socket.exit().await;
        assert_eq!((exit["reason"].as_str(), exit["code"].as_i64()), (Some("exited"), Some(7)), "{exit}");
        assert!(socket.shows("gone"), "{}", socket.tail());
        format!("gone after {}", gone(arena).await)
    })
}

fn modes() -> Row {
    Row::new("I_terminal_modes_that_keep_signals_away", "python", async |arena| {
        for name in ["no_signals.py", "raw_mode.py", "exclusive.py"] {
            let mut socket = started(arena, name).await;
            socket.keys(b"\x03\x1a\x1c\x04").await;
            socket.shown("not minded").await;
            kill(&mut socket).await;
        }
        "killed all the same".to_owned()
    })
}

fn stopped_output() -> Row {
    Row::new("I_terminal_stopped_output", "python", async |arena| {
        // Ctrl-S by the user while the program prints, and tcflow by the program itself.
        let mut socket = started(arena, "prints.py").await;
        socket.keys(b"\x13").await;
        kill(&mut socket).await;
        let mut socket = started(arena, "prints.py").await;
        socket.keys(b"\x13").await;
        socket.keys(b"\x03").await;
        let exit = socket.exit().await;
        assert_eq!(exit["reason"], "exited", "Ctrl-C starts output again: {exit}");
        for name in ["stops_itself.py", "discipline.py"] {
            kill(&mut started(arena, name).await).await;
        }
        format!("ended all the same; gone after {}", gone(arena).await)
    })
}

fn others() -> Row {
    Row::new("I1_terminal_of_others", "python", async |arena| {
        // A neighbour with something to hide.
        let mut neighbour = started(arena, "stubborn.py").await;
        let mut socket = Raw::run(&somebody(arena), &run("others.py")).await;
        let exit = socket.exit().await;
        assert_eq!(exit["code"], 0, "{}", socket.tail());
        assert!(socket.shows("nothing of others"), "{}", socket.tail());
        assert!(!neighbour.shows("INTRUDER"), "{}", neighbour.tail());
        kill(&mut neighbour).await;
        assert!(!neighbour.shows("INTRUDER"), "{}", neighbour.tail());
        let seen = socket.tail();
        seen.lines().last().unwrap_or_default().trim().to_owned()
    })
}

fn stealing() -> Row {
    Row::new("I5_terminal_stolen_or_given_away", "python", async |arena| {
        let mut socket = Raw::run(&somebody(arena), &run("stealing.py")).await;
        socket.shown("what is left of it\r\n").await;
        let tried = socket.tail();
        // TIOCSTI, a hang-up and the like are refused or reach its own terminal only: it can still be ended.
        assert!(!socket.shows("PRIVILEGED"), "{tried}");
        socket.text(&json!({"type": "resize", "cols": 99, "rows": 33}).to_string()).await;
        kill(&mut socket).await;
        let tried = tried.replace("\r\n", "; ");
        format!("{} gone after {}", &tried[tried.len().saturating_sub(300)..], gone(arena).await)
    })
}

fn forged() -> Row {
    Row::new("T2_terminal_forged_messages", "python", async |arena| {
        let mut socket = Raw::run(&somebody(arena), &run("forged.py")).await;
        let exit = socket.exit().await;
        assert_eq!((exit["reason"].as_str(), exit["code"].as_i64()), (Some("exited"), Some(3)), "{exit}");
        assert!(socket.shows("\"code\":0,\"forged\":true"), "it is output: {}", socket.tail());
        assert!(socket.shows("the true end"), "all of it: {}", socket.tail());
        let forged = |m: &Value| m["forged.py"] == true || m["code"] == "forged.py";
        assert!(!socket.messages.iter().any(forged), "{:?}", socket.messages);
        let phases: Vec<_> = socket.messages.iter().filter(|m| m["type"] == "exit").collect();
        assert_eq!(phases.len(), 1, "{phases:?}");
        "it is just output".to_owned()
    })
}
