//! The gradebook as CSV (RFC 4180): streamed in blocks of students, so that a course of any size takes the same memory.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream;
use iteratione_common::{
    ids::UserId,
    store::{self, PgPool, course::CourseRow},
};

use super::{GradeCell, GradebookLab, GradebookRow, rows};
use crate::error::ApiError;

/// Students that are read at once.
const BLOCK: i64 = 200;

/// What is still to be written.
struct Rest {
    pg: PgPool,
    course: CourseRow,
    labs: Vec<GradebookLab>,
    details: bool,
    after: Option<UserId>,
}

pub(super) fn respond(
    pg: PgPool,
    course: &CourseRow,
    labs: Vec<GradebookLab>,
    details: bool,
    bom: bool,
) -> Result<Response, ApiError> {
    let mut head = if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
    head.extend(record(&header(&labs, details))?);
    let rest = Rest { pg, course: course.clone(), labs, details, after: None };
    let blocks = stream::try_unfold((Some(head), Some(rest)), async |(head, rest)| match (head, rest) {
        (Some(head), rest) => Ok(Some((Bytes::from(head), (None, rest)))),
        (None, Some(rest)) => block(rest).await.map(|(bytes, rest)| Some((bytes, (None, rest)))),
        (None, None) => Ok::<_, ApiError>(None),
    });
    let name = format!("attachment; filename=\"gradebook-{}.csv\"", course.slug);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"), (header::CONTENT_DISPOSITION, &name)];
    Ok((headers, Body::from_stream(blocks)).into_response())
}

async fn block(mut rest: Rest) -> Result<(Bytes, Option<Rest>), ApiError> {
    let students = store::gradebook::students(&rest.pg, rest.course.course_id, None, rest.after, BLOCK)
        .await
        .inspect_err(|error| {
            // The head is sent: the answer breaks off, and that must be explained somewhere.
            tracing::error!(%error, "a gradebook broke off");
        })?;
    rest.after = students.last().map(|student| student.id);
    let last = i64::try_from(students.len()).is_ok_and(|n| n < BLOCK);
    let mut text = Vec::new();
    for row in rows(&rest.pg, &rest.labs, students).await? {
        text.extend(record(&line(&row, rest.details))?);
    }
    Ok((Bytes::from(text), (!last).then_some(rest)))
}

fn header(labs: &[GradebookLab], details: bool) -> Vec<String> {
    let mut cells: Vec<String> = ["user_id", "email", "name"].map(str::to_owned).into();
    for lab in labs {
        cells.push(lab.slug.clone());
        if details {
            let more = ["max", "verdict", "submission", "submitted_at", "late_factor"];
            cells.extend(more.map(|field| format!("{}:{field}", lab.slug)));
        }
    }
    cells.extend(["total", "max_total"].map(str::to_owned));
    cells
}

fn line(row: &GradebookRow, details: bool) -> Vec<String> {
    let mut cells = vec![row.user.to_string(), row.email.clone(), row.name.clone()];
    for cell in &row.labs {
        cells.push(number(cell.score));
        if details {
            cells.extend(more(cell));
        }
    }
    cells.extend([number(Some(row.total)), number(Some(row.max_total))]);
    cells
}

fn more(cell: &GradeCell) -> [String; 5] {
    [
        number(cell.max_score),
        cell.verdict.map(|v| v.to_string()).unwrap_or_default(),
        cell.submission.map(|id| id.to_string()).unwrap_or_default(),
        cell.submitted_at.map(|at| at.to_string()).unwrap_or_default(),
        number(cell.late_factor),
    ]
}

fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn record(cells: &[String]) -> Result<Vec<u8>, ApiError> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells.iter().map(|cell| harmless(cell).into_owned())).map_err(anyhow::Error::new)?;
    writer.into_inner().map_err(|error| anyhow::anyhow!("CSV: {error}").into())
}

/// A cell that no spreadsheet takes for a formula: names are what people typed.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod properties {
    use super::*;

    #[test]
    fn formulas_are_made_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["Ada", "", " =1", "0.5", "'=1"] {
            assert_eq!(harmless(cell), cell);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_cells_are_read_back_as_they_were_and_none_is_a_formula(cells in proptest::collection::vec("\\PC{0,12}|[=+@\\-\"',;\r\n\t]{0,6}", 2..5)) {
            let text = record(&cells).expect("writes");
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
            let back = reader.records().next().expect("one").expect("reads");
            proptest::prop_assert!(text.ends_with(b"\r\n"));
            proptest::prop_assert_eq!(back.len(), cells.len());
            for (read, cell) in back.iter().zip(&cells) {
                proptest::prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
                let quoted = format!("'{cell}");
                proptest::prop_assert!(read == cell || read == quoted);
            }
        }
    }
}
