//! How long a hand-in takes while five hundred submissions are graded again, beside how long it takes without.
//!
//! One installation with a grader of two slots and the real jails. The two conditions take turns in one run: a rejudge
//! set is made, hand-ins are measured, the set is cancelled, hand-ins are measured again.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use testkit::{
    classroom::{GRADED, result, submit, text},
    labs,
    programs::Program,
    stack::{Setup, Stack, with_stack},
    wait::until,
};
use tokio::time::Instant;

use crate::stats::Samples;

/// Takes so long at most.
const WITHIN: Duration = Duration::from_secs(3600);

/// What is asked for.
#[derive(Debug, Clone, clap::Args)]
pub struct Asked {
    /// Submissions that are graded again.
    #[arg(long, default_value_t = 500)]
    submissions: usize,
    /// Hand-ins that are measured in each turn of each condition.
    #[arg(long, default_value_t = 10)]
    hand_ins: usize,
    /// Turns.
    #[arg(long, default_value_t = 3)]
    turns: usize,
}

/// Measures and prints.
pub fn run(asked: &Asked) -> anyhow::Result<()> {
    ensure!(asked.submissions > 0 && asked.hand_ins > 0 && asked.turns > 0, "nothing to measure");
    let asked = asked.clone();
    let setup = Setup { slots: 2, warm: 2, alone: true, ..Setup::default() };
    with_stack(setup, WITHIN, async |stack| {
        let [without, with] = measure(stack, &asked).await.unwrap_or_else(|error| panic!("{error:#}"));
        println!(
            "median of {} hand-ins each, one grader with two slots, milliseconds:\n",
            asked.turns * asked.hand_ins
        );
        println!("| | without | with {} rejudges | ratio |\n| --- | --- | --- | --- |", asked.submissions);
        let rows = [
            ("waiting for a grader", &without.waited, &with.waited),
            ("hand-in to result", &without.whole, &with.whole),
        ];
        for (what, without, with) in rows {
            let [without, with] = [without, with].map(|samples| samples.summary().map_or(f64::NAN, |s| s.median));
            println!("| {what} | {without:.1} | {with:.1} | {:.2} |", with / without);
        }
    });
    Ok(())
}

/// Times of hand-ins.
#[derive(Default)]
struct Times {
    /// Until a grader took it, by the database's clock.
    waited: Samples,
    /// Until the client had the result. It holds the grading, which shares the machine's processors with rejudges.
    whole: Samples,
}

async fn measure(stack: &Stack, asked: &Asked) -> anyhow::Result<[Times; 2]> {
    stack.database.record_beginnings().await;
    let class = stack.classroom("bench", 2).await;
    let lab = class.publish("sum", &labs::sum(&["python"])).await;
    let program = Program::read("python/accepted");
    let first = submit(class.student(), &lab, &program).await;
    result(class.student(), &first).await;
    stack.database.copy(&first, asked.submissions).await;
    let live = async |times: &mut Times| {
        let begun = Instant::now();
        let id = submit(&class.students[1].client, &lab, &program).await;
        result(&class.students[1].client, &id).await;
        times.whole.add(begun.elapsed());
        times.waited.add(stack.database.waited(&id).await);
    };
    live(&mut Times::default()).await;
    let (mut without, mut with) = (Times::default(), Times::default());
    for turn in 0..asked.turns {
        for _ in 0..asked.hand_ins {
            live(&mut without).await;
        }
        let wanted = json!({"users": [class.students[0].id], "rerun": true});
        let set = class.instructor.post(&format!("/labs/{lab}/rejudge"), &wanted).await?;
        let path = format!("/rejudges/{}", text(&set, "id"));
        until("rejudges run", GRADED, async || {
            let set = class.instructor.get(&path).await.ok()?;
            (set["counts"]["pending"].as_i64() < set["counts"]["total"].as_i64()).then_some(())
        })
        .await;
        for _ in 0..asked.hand_ins {
            live(&mut with).await;
        }
        let set = class.instructor.post(&format!("{path}/cancel"), &json!({})).await?;
        let dropped = set["counts"]["dropped"].as_i64().unwrap_or_default();
        ensure!(dropped > 0, "the set was through before the hand-ins were: ask for more submissions");
        eprintln!("    turn {}: {dropped} of the rejudges were still waiting", turn + 1);
    }
    Ok([without, with])
}
