//! I7: hidden inputs, expected outputs and somebody else's work.

use serde_json::json;
use testkit::{
    classroom::{GRADED, result, submit},
    host, labs,
    programs::Program,
    wait::until,
};
use uuid::Uuid;

use super::{all_refused, document, probe};
use crate::frame::{Arena, Row, family};

/// Long enough for the thief to look everywhere; if it was not, once more.
const SECONDS: [u32; 4] = [8, 20, 45, 100];

/// Students' programs that run on this installation now, by their ids on the host.
async fn programs(arena: &Arena<'_>) -> Vec<u32> {
    let ours = arena.stack.containers().await;
    let running = host::jail_processes().into_iter().filter(|p| p.is_program() && p.what.starts_with("main"));
    running.filter(|p| p.container.as_ref().is_some_and(|c| ours.contains(c))).map(|p| p.pid).collect()
}

/// While somebody else's program is running, with secrets in all its places, another one looks for them; and for the
/// inputs and answers of its own hidden tests.
fn somebody_elses_secrets() -> Row {
    Row::new("I7_secrets_c", "c", async |arena| {
        let secret = |what: &str| format!("{what}-{}", Uuid::new_v4().simple());
        let (in_source, in_input, in_answer) = (secret("source"), secret("input"), secret("answer"));
        let (own_input, own_answer) = (secret("own-input"), secret("own-answer"));
        let source = Program::text("attacks/i7/holds_a_secret.c").replace("@SECRET@", &in_source);
        let victim = Program::of("c", "main.c", &source);
        for seconds in SECONDS {
            let mut hidden = labs::test("hidden", &format!("{in_input}\n{seconds}\n"), &format!("{in_answer}\n"));
            hidden["visibility"] = json!("hidden");
            let mut held = labs::lab(&["c"], &json!([labs::group("hidden", &[hidden])]));
            held["limits"] =
                json!({"cpu_ms": 20_000, "wall_ms": 120_000, "memory_mb": 64, "output_kb": 64, "processes": 8});
            let held = arena.lab(&held).await;
            let held_id = submit(arena.honest(), &held, &victim).await;
            let victim_id =
                until("the victim's program runs", GRADED, async || programs(arena).await.first().copied()).await;

            let words =
                [&in_source, &in_input, &in_answer, &own_input, &own_answer, &held_id, &arena.class.students[1].id];
            let backwards: String = words.iter().map(|w| w.chars().rev().chain(['\n']).collect::<String>()).collect();
            let mut lab = document("c", &[("look", backwards)]);
            let mut own = labs::test("own", &format!("{own_input}\n"), &format!("{own_answer}\n"));
            own["visibility"] = json!("hidden");
            lab["groups"][0]["tests"].as_array_mut().expect("tests").push(own);
            let stolen = arena.graded(&lab, &probe("i7/thief.c")).await;

            let still = programs(arena).await.contains(&victim_id);
            let tried = all_refused(&stolen, 0, words.len() + 20);
            let ended = result(arena.honest(), &held_id).await;
            assert_eq!(ended["verdict"], "WA", "the victim's answer is another: {ended}");
            if still {
                return format!("{tried} ways tried while the victim ran for {seconds} s");
            }
        }
        panic!("the victim had always ended before the thief had looked")
    })
}

#[test]
fn what_belongs_to_others_cannot_be_read() {
    family([somebody_elses_secrets()]);
}
