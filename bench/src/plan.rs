//! What is measured, in which order, how often.

use std::time::Duration;

use crate::{
    arena::Arena,
    idle,
    rates::{self, Windows},
    report::Report,
    rounds::{self, Amount, Times},
    targets::More,
    work::{self, Work},
};

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Fewer rounds and shorter windows.
    pub quick: bool,
    /// Parts of the names of what is measured; empty for all.
    pub only: Vec<String>,
    /// Rounds that count, instead of the plan's own.
    pub rounds: Option<usize>,
}

/// Everything that can be measured.
pub const NAMES: [&str; 12] = [
    "hello_c",
    "hello_python",
    "hello_java",
    "lab10_java",
    "lab10_java25",
    "lab10_cpp",
    "hundred_c",
    "rate_c",
    "rate_python",
    "rate_java",
    "idle_c",
    "idle_java",
];

impl Asked {
    /// Whether something is measured.
    pub fn wants(&self, name: &str) -> bool {
        // A whole name is just that; `lab10_java` is not `lab10_java25`.
        let whole = |part: &String| NAMES.contains(&part.as_str());
        self.only.is_empty() || self.only.iter().any(|p| if whole(p) { p == name } else { name.contains(p.as_str()) })
    }

    fn amount(&self, rounds: usize, quick: usize, repeat: usize) -> Amount {
        Amount { rounds: self.rounds.unwrap_or(if self.quick { quick } else { rounds }), repeat }
    }

    fn windows(&self, lead: u64, window: u64, published: &[usize]) -> Windows {
        let seconds = Duration::from_secs;
        if self.quick {
            Windows { lead: seconds(lead), window: seconds(window), ours: vec![4], published: vec![] }
        } else {
            let (lead, window) = (seconds(lead), seconds(window));
            Windows { lead, window, ours: vec![1, 2, 4, 8, 16], published: published.to_vec() }
        }
    }
}

/// Measures what was asked for and tells `say` how it goes.
pub async fn run(arena: &Arena, asked: &Asked, report: &mut Report, say: impl Fn(&str)) -> anyhow::Result<More> {
    let mut more = More::default();
    let cpus = arena.config()?.cpus;
    let all_cpus = f64::from(u32::try_from(report.machine.cpus).unwrap_or(1));
    let mut add = |work: &Work, times: Option<Times>| -> Option<Times> {
        if let Some(times) = &times {
            report.results.extend(times.rows(work.name, cpus, all_cpus));
        } else {
            say(&format!("{}: not measured, there is no language or no image {}", work.name, work.language));
        }
        times
    };
    for (name, repeat) in [("hello_c", 25), ("hello_python", 10), ("hello_java", 4)] {
        if asked.wants(name) {
            say(name);
            let work = work::hello(name);
            let times = rounds::hello(arena, &work, asked.amount(10, 3, repeat)).await?;
            let times = add(&work, times);
            if name == "hello_c" {
                more.hello_c = times;
            }
        }
    }
    for (name, rounds) in [("lab10_java", 5), ("lab10_java25", 5), ("lab10_cpp", 7)] {
        if asked.wants(name) {
            say(name);
            let work = work::lab(name);
            let times = rounds::lab(arena, &work, asked.amount(rounds, 1, 1), true).await?;
            let times = add(&work, times);
            if name == "lab10_cpp" {
                more.lab10_cpp = times;
            }
        }
    }
    if asked.wants("hundred_c") {
        say("hundred_c");
        let work = work::hundred();
        let times = rounds::lab(arena, &work, asked.amount(9, 3, 1), false).await?;
        add(&work, times);
    }
    for (name, work, lead, window, published) in [
        ("rate_c", work::hello("hello_c"), 1, 4, &[1, 4, 16][..]),
        ("rate_python", work::hello("hello_python"), 1, 4, &[1, 4, 16]),
        ("rate_java", work::lab("lab10_java"), 3, 10, &[]),
    ] {
        if asked.wants(name) {
            say(name);
            let windows = asked.windows(lead, window, published);
            report.throughput.extend(rates::rates(arena, name, &work, &windows).await?);
            if name == "rate_java" && !asked.quick {
                // One of these takes a quarter of a minute.
                let windows = Windows { window: Duration::from_secs(35), ours: vec![], published: vec![4], ..windows };
                report.throughput.extend(rates::rates(arena, name, &work, &windows).await?);
            }
        }
    }
    for (name, language) in [("idle_c", "c"), ("idle_java", "java")] {
        if asked.wants(name) {
            say(name);
            let watch = Duration::from_secs(if asked.quick { 3 } else { 10 });
            report.idle.extend(idle::idle(arena, language, watch).await?);
        }
    }
    Ok(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_is_one_measurement_and_a_part_is_all_that_have_it() {
        let wanted = |only: &[&str]| {
            let asked = Asked { only: only.iter().map(|&o| o.to_owned()).collect(), ..Asked::default() };
            NAMES.into_iter().filter(|n| asked.wants(n)).collect::<Vec<_>>()
        };
        assert_eq!(wanted(&["lab10_java"]), ["lab10_java"]);
        assert_eq!(wanted(&["rate", "idle_c"]), ["rate_c", "rate_python", "rate_java", "idle_c"]);
        assert_eq!(wanted(&[]).len(), NAMES.len());
        assert!(wanted(&["nothing"]).is_empty());
    }
}
