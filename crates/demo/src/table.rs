//! The rows for people, and for machines.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{run::Row, talk::Talk};

/// Characters of a message that are shown.
const MESSAGE: usize = 72;
const HEAD: [&str; 11] =
    ["", "program", "language", "expected", "got", "score", "cpu ms", "wall ms", "memory", "seconds", "message"];
/// Columns of numbers, which stand to the right.
const RIGHT: std::ops::RangeInclusive<usize> = 5..=9;

/// An aligned table, grouped by lab, and a line that sums it up.
pub fn text(rows: &[Row]) -> String {
    let cells: Vec<[String; 11]> = rows.iter().map(cells).collect();
    let mut widths = HEAD.map(width);
    for row in &cells {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut out = String::new();
    line(&mut out, &HEAD.map(str::to_owned), &widths);
    let mut lab = "";
    for (row, cells) in rows.iter().zip(&cells) {
        if row.lab != lab {
            lab = row.lab;
            let _ = writeln!(out, "{lab}");
        }
        line(&mut out, cells, &widths);
        for wrong in &row.wrong {
            let _ = writeln!(out, "    WRONG: {wrong}");
        }
    }
    let right = rows.iter().filter(|row| row.is_right()).count();
    let _ = writeln!(out, "{right} of {} programs were graded as they should be", rows.len());
    out
}

/// The rows as JSON.
pub fn json(rows: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(rows)? + "\n")
}

/// The programs that were typed into, one a line.
pub fn talks(talks: &[Talk]) -> String {
    let mut out = String::from("at a terminal\n");
    let number = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
    for talk in talks {
        let mark = if talk.is_right() { "ok" } else { "!!" };
        let (first, echo) = (number(talk.first_output_ms), number(talk.echo_ms));
        let _ = writeln!(
            out,
            "{mark}  {:<24}  {:<8}  first output {first:>10}   echo of a key, median {echo:>8}   {:.2} s in all",
            talk.program, talk.language, talk.seconds
        );
        for wrong in &talk.wrong {
            let _ = writeln!(out, "    WRONG: {wrong}");
        }
    }
    let right = talks.iter().filter(|talk| talk.is_right()).count();
    let _ = writeln!(out, "{right} of {} programs answered what was typed into them", talks.len());
    out
}

fn cells(row: &Row) -> [String; 11] {
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let message: String = row.message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    [
        if row.is_right() { "ok" } else { "!!" }.to_owned(),
        row.program.to_owned(),
        row.language.to_owned(),
        row.expected.to_owned(),
        row.verdict.clone(),
        format!("{}/{}", row.score, row.max_score),
        number(row.cpu_ms),
        number(row.wall_ms),
        row.memory_kb.map_or_else(|| "-".to_owned(), |kb| format!("{} MiB", kb.div_ceil(1024))),
        format!("{:.2}", row.seconds),
        if width(&message) > MESSAGE { message.chars().take(MESSAGE - 1).chain(['…']).collect() } else { message },
    ]
}

fn line(out: &mut String, cells: &[String; 11], widths: &[usize; 11]) {
    let start = out.len();
    for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let _ = if RIGHT.contains(&i) { write!(out, "{cell:>width$}  ") } else { write!(out, "{cell:<width$}  ") };
    }
    let end = start + out[start..].trim_end().len();
    out.truncate(end);
    out.push('\n');
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(program: &'static str, verdict: &str, wrong: &[&str]) -> Row {
        Row {
            lab: "sum",
            program,
            language: "java",
            expected: "AC",
            verdict: verdict.to_owned(),
            expected_score: 100.0,
            score: 62.5,
            max_score: 100.0,
            cpu_ms: Some(41),
            wall_ms: None,
            memory_kb: Some(2049),
            seconds: 1.234,
            message: "a\nb\u{1b}[31m".to_owned() + &"x".repeat(100),
            wrong: wrong.iter().map(|w| (*w).to_owned()).collect(),
        }
    }

    #[test]
    fn columns_stand_below_each_other_and_foreign_text_stays_on_its_line() {
        let table = text(&[row("short", "AC", &[]), row("a longer name", "TLE", &["should be AC, but is TLE"])]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 6, "{table}");
        let column = lines[0].find("got").expect("head");
        assert!(lines[2][column..].starts_with("AC ") && lines[3][column..].starts_with("TLE "), "{table}");
        assert!(lines[3].starts_with("!!") && lines[4].contains("WRONG: should be AC"), "{table}");
        assert_eq!(lines[5], "1 of 2 programs were graded as they should be");
        assert!(!table.contains('\u{1b}') && table.contains("3 MiB") && table.contains('…'), "{table}");
    }

    #[test]
    fn a_talk_is_one_line_and_says_what_is_wrong() {
        let talk = |wrong: &[&str]| Talk {
            program: "asks",
            language: "java",
            first_output_ms: Some(412.34),
            echo_ms: None,
            seconds: 1.0,
            wrong: wrong.iter().map(|w| (*w).to_owned()).collect(),
        };
        let text = talks(&[talk(&[]), talk(&["no end"])]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("ok  asks") && lines[1].contains("412.3 ms"), "{text}");
        assert!(lines[2].starts_with("!!  asks") && lines[3].ends_with("WRONG: no end"), "{text}");
        assert_eq!(lines[4], "1 of 2 programs answered what was typed into them");
    }
}
