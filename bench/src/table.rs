//! Tables for people.

use crate::{
    report::{Mode, Report, Row},
    targets::Target,
};

/// The whole report.
pub fn tables(report: &Report) -> String {
    let mut out = vec![report.machine.line()];
    if !report.results.is_empty() {
        out.push("\nMilliseconds. Each way in turn, round by round; the first round is dropped.".to_owned());
        let head = ["work", "mode", "cpus", "n", "median", "min", "max", "p99", "to bare", "published is"];
        let rows = report.results.iter().map(|row| result(report, row)).collect();
        out.push(grid(&head, rows));
    }
    if !report.throughput.is_empty() {
        out.push("\nSubmissions, from handing in to the verdict; CPU milliseconds of one.".to_owned());
        let head = [
            "work",
            "mode",
            "in flight",
            "done",
            "per s",
            "per min",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "cpu",
            "programs",
            "containers",
            "daemons",
            "own",
            "other",
        ];
        let rows = report.throughput.iter().map(|r| {
            vec![
                r.work.clone(),
                r.mode.as_str().to_owned(),
                r.in_flight.to_string(),
                r.done.to_string(),
                format!("{:.2}", r.per_second),
                format!("{:.0}", r.per_second * 60.0),
                format!("{:.0}", r.p50_ms),
                format!("{:.0}", r.p95_ms),
                format!("{:.0}", r.p99_ms),
                format!("{:.0}", r.cpu.total()),
                format!("{:.0}", r.cpu.programs_ms),
                format!("{:.0}", r.cpu.containers_ms),
                format!("{:.0}", r.cpu.daemons_ms),
                format!("{:.1}", r.cpu.own_ms),
                format!("{:.0}", r.cpu.other_ms),
            ]
        });
        out.push(grid(&head, rows.collect()));
    }
    if !report.idle.is_empty() {
        out.push("\nWaiting.".to_owned());
        let head = ["what", "seconds", "MiB", "shim MiB", "CPU ms per s"];
        let rows = report.idle.iter().map(|i| {
            vec![
                i.what.clone(),
                format!("{:.0}", i.seconds),
                format!("{:.1}", i.memory_mb),
                format!("{:.1}", i.shim_mb),
                format!("{:.3}", i.cpu_ms_per_second),
            ]
        });
        out.push(grid(&head, rows.collect()));
    }
    out.join("\n")
}

/// Targets and what was seen.
pub fn targets(targets: &[Target]) -> String {
    let word = |met| match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    let rows = targets.iter().map(|t| vec![t.what.clone(), t.target.clone(), t.seen.clone(), word(t.met).to_owned()]);
    grid(&["what", "target", "seen", ""], rows.collect())
}

fn result(report: &Report, row: &Row) -> Vec<String> {
    let bare = report.row(&row.work, Mode::Bare, None);
    let published = report.row(&row.work, Mode::Published, None);
    vec![
        row.work.clone(),
        row.mode.as_str().to_owned(),
        format!("{}", row.cpus),
        row.n.to_string(),
        ms(row.median_ms),
        ms(row.min_ms),
        ms(row.max_ms),
        ms(row.p99_ms),
        bare.map_or(String::new(), |b| format!("×{:.2}", row.median_ms / b.median_ms)),
        published.map_or(String::new(), |p| format!("×{:.1}", p.median_ms / row.median_ms)),
    ]
}

fn ms(time: f64) -> String {
    if time < 100.0 { format!("{time:.2}") } else { format!("{time:.0}") }
}

/// Columns as wide as their widest cell; numbers to the right.
pub fn grid(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut all = vec![head.iter().map(|&h| h.to_owned()).collect::<Vec<_>>()];
    all.extend(rows);
    let width = |column: usize| all.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let is_number = |cell: &str| cell.chars().all(|c| c.is_ascii_digit() || "×-.".contains(c));
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| if is_number(cell) { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_at_the_right() {
        let rows = vec![vec!["a".to_owned(), "1.5".to_owned()], vec!["bcd".to_owned(), "×10.2".to_owned()]];
        assert_eq!(grid(&["x", "y"], rows), "x    y\na      1.5\nbcd  ×10.2");
    }
}
