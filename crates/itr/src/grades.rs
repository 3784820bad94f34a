//! `itr grades`

use anyhow::Context as _;
use serde_json::Value;

use crate::{
    Outcome,
    arguments::Grades,
    judge::{Judge, get},
    output::{Cell, Output},
};

/// The gradebook: for scripts the judge's JSON, for spreadsheets its CSV as it is, for people the same as a table.
pub async fn show(judge: &Judge, wanted: &Grades, output: &Output) -> anyhow::Result<Outcome> {
    let what = format!("read the gradebook of {}", wanted.course);
    let call = get(&["courses", &wanted.course, "gradebook"]);
    if output.is_json() {
        output.json(&judge.json::<Value>(&what, &call).await?);
        return Ok(Outcome::Good);
    }
    let answer = judge.answer(&what, &call.accept("text/csv")).await?;
    let text = String::from_utf8(answer.body).with_context(|| format!("cannot {what}: it is not UTF-8"))?;
    if wanted.csv {
        output.raw(&text);
        return Ok(Outcome::Good);
    }
    let (head, rows) = parsed(&text).with_context(|| format!("cannot {what}: the answer is no CSV"))?;
    if rows.is_empty() {
        output.say("there are no students yet");
    }
    output.grid(&head.iter().map(String::as_str).collect::<Vec<_>>(), &rows);
    Ok(Outcome::Good)
}

/// Columns and rows of a CSV.
fn parsed(text: &str) -> anyhow::Result<(Vec<String>, Vec<Vec<Cell>>)> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let head = reader.headers()?.iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| Ok(record?.iter().map(Cell::from).collect()));
    Ok((head, rows.collect::<anyhow::Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradebook_is_read_with_its_quotes_and_its_mark_of_utf8() {
        let (head, rows) = parsed("\u{feff}name,email,sum\r\n\"Lovelace, Ada\",ada@x.edu,40\r\n").expect("CSV");
        assert_eq!(head, ["name", "email", "sum"]);
        assert_eq!((rows.len(), rows[0].len()), (1, 3));
        assert!(parsed("").expect("nothing").1.is_empty());
    }
}
