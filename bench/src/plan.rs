//! What is measured, in which order, how often.

use std::time::Duration;

use anyhow::Context as _;

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

/// Measures what was asked for and tells `say` how it goes. What fails is told in the end, after everything else.
pub async fn run(arena: &Arena, asked: &Asked, report: &mut Report, say: impl Fn(&str)) -> anyhow::Result<More> {
    let mut more = More::default();
    let mut failed = Vec::new();
    for name in NAMES.into_iter().filter(|name| asked.wants(name)) {
        say(name);
        if let Err(error) = Box::pin(one(name, arena, asked, report, &mut more)).await {
            say(&format!("{name}: {error:#}"));
            failed.push(name);
        }
    }
    more.failed = failed;
    Ok(more)
}

async fn one(
    name: &'static str,
    arena: &Arena,
    asked: &Asked,
    report: &mut Report,
    more: &mut More,
) -> anyhow::Result<()> {
    match name {
        "hello_c" | "hello_python" | "hello_java" => {
            // The shorter, the oftener.
            let repeat = match name {
                "hello_c" => 25,
                "hello_python" => 10,
                _ => 4,
            };
            let work = work::hello(name);
            let times = rounds::hello(arena, &work, asked.amount(10, 3, repeat)).await?;
            add(arena, report, &work, times.as_ref())?;
            if name == "hello_c" {
                more.hello_c = times;
            }
        }
        "lab10_java" | "lab10_java25" | "lab10_cpp" | "hundred_c" => {
            let (work, rounds, quick) = match name {
                "hundred_c" => (work::hundred(), 9, 3),
                "lab10_cpp" => (work::lab(name), 7, 1),
                _ => (work::lab(name), 5, 1),
            };
            let times = rounds::lab(arena, &work, asked.amount(rounds, quick, 1), name != "hundred_c").await?;
            add(arena, report, &work, times.as_ref())?;
            if name == "lab10_cpp" {
                more.lab10_cpp = times;
            }
        }
        "rate_c" | "rate_python" => {
            let work = work::hello(if name == "rate_c" { "hello_c" } else { "hello_python" });
            let windows = asked.windows(1, 4, &[1, 4, 16]);
            report.throughput.extend(rates::rates(arena, name, &work, &windows).await?);
        }
        "rate_java" => {
            let work = work::lab("lab10_java");
            let windows = asked.windows(3, 10, &[]);
            report.throughput.extend(rates::rates(arena, name, &work, &windows).await?);
            if !asked.quick {
                // One of these takes a quarter of a minute.
                let windows = Windows { window: Duration::from_secs(35), ours: vec![], published: vec![4], ..windows };
                report.throughput.extend(rates::rates(arena, name, &work, &windows).await?);
            }
        }
        _ => {
            let watch = Duration::from_secs(if asked.quick { 3 } else { 10 });
            report.idle.extend(idle::idle(arena, if name == "idle_c" { "c" } else { "java" }, watch).await?);
        }
    }
    Ok(())
}

fn add(arena: &Arena, report: &mut Report, work: &Work, times: Option<&Times>) -> anyhow::Result<()> {
    let times = times.with_context(|| format!("there is no language {0}, or its image is not there", work.language))?;
    let all_cpus = f64::from(u32::try_from(report.machine.cpus).unwrap_or(1));
    report.results.extend(times.rows(work.name, arena.config()?.cpus, all_cpus));
    Ok(())
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
