//! Members as instructors send them: one object, a list, or CSV.

use iteratione_common::store::CourseRole;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    check,
    error::{ApiError, FieldProblem},
    extract::parse_json,
};

/// Longest roster.
const MOST_ROWS: usize = 5000;
/// Problems that are reported of one roster.
const MOST_PROBLEMS: usize = 100;

/// A member to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRequest {
    /// Address of an existing account.
    #[schema(example = "ada@example.edu")]
    pub email: String,
    /// `student` unless given.
    #[serde(default = "student")]
    pub role: CourseRole,
}

/// One member, or a roster of at most 5000.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum MembersRequest {
    /// One member.
    One(MemberRequest),
    /// A roster.
    Roster(Vec<MemberRequest>),
}

fn student() -> CourseRole {
    CourseRole::Student
}

impl MembersRequest {
    /// Reads JSON. By hand, because serde's untagged enums lose what is wrong and where.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ApiError> {
        let list = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
        let request = if list { Self::Roster(parse_json(bytes)?) } else { Self::One(parse_json(bytes)?) };
        request.checked()
    }

    /// Reads CSV with a header line: a column `email`, perhaps `role`; others are ignored. Comma or semicolon.
    pub fn from_csv(bytes: &[u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ApiError::BadRequest("The CSV is not UTF-8.".to_owned()))?;
        let text = text.trim_start_matches('\u{feff}');
        let header = text.lines().next().unwrap_or_default();
        let delimiter = if header.contains(';') && !header.contains(',') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|e| bad_csv(&e))?.clone();
        let column = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
        let Some(email) = column("email").or_else(|| column("e-mail")) else {
            return Err(ApiError::field("/0", "the first line must name the columns, one of them `email`"));
        };
        let role = column("role");
        let (mut roster, mut problems) = (Vec::new(), Vec::new());
        for (i, record) in reader.records().enumerate() {
            let record = record.map_err(|e| bad_csv(&e))?;
            let role = match role.and_then(|c| record.get(c)).unwrap_or_default().to_ascii_lowercase().as_str() {
                "" | "student" => CourseRole::Student,
                "assistant" => CourseRole::Assistant,
                "instructor" => CourseRole::Instructor,
                _ => {
                    let detail = "must be `student`, `assistant` or `instructor`";
                    problems.push(FieldProblem::new(format!("/{i}/role"), detail));
                    CourseRole::Student
                }
            };
            roster.push(MemberRequest { email: record.get(email).unwrap_or_default().to_owned(), role });
            if roster.len() > MOST_ROWS || problems.len() >= MOST_PROBLEMS {
                break;
            }
        }
        ApiError::if_any(problems)?;
        Self::Roster(roster).checked()
    }

    /// The same with normal addresses, each once: of several rows with one address the last counts.
    fn checked(self) -> Result<Self, ApiError> {
        let mut problems = Vec::new();
        let checked = match self {
            Self::One(mut one) => {
                one.email = check::email(&mut problems, "/email", &one.email);
                Self::One(one)
            }
            Self::Roster(rows) => {
                if rows.len() > MOST_ROWS {
                    return Err(ApiError::field("", format!("must have at most {MOST_ROWS} members")));
                }
                let mut roster = std::collections::BTreeMap::new();
                for (i, row) in rows.into_iter().enumerate() {
                    let email = check::email(&mut problems, &format!("/{i}/email"), &row.email);
                    roster.insert(email.clone(), MemberRequest { email, role: row.role });
                }
                problems.truncate(MOST_PROBLEMS);
                Self::Roster(roster.into_values().collect())
            }
        };
        ApiError::if_any(problems)?;
        Ok(checked)
    }
}

fn bad_csv(error: &csv::Error) -> ApiError {
    ApiError::BadRequest(format!("The CSV cannot be read: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(request: MembersRequest) -> Vec<(String, CourseRole)> {
        let MembersRequest::Roster(rows) = request else { panic!("one member only") };
        rows.into_iter().map(|m| (m.email, m.role)).collect()
    }

    #[test]
    fn csv_as_spreadsheets_write_it_is_understood() {
        let text = "\u{feff}Name;Email;Role\r\n\"Lovelace; Ada\";ADA@x.edu;Assistant\r\nBob;bob@x.edu;\r\n";
        let rows = roster(MembersRequest::from_csv(text.as_bytes()).expect("reads"));
        assert_eq!(
            rows,
            [("ada@x.edu".to_owned(), CourseRole::Assistant), ("bob@x.edu".to_owned(), CourseRole::Student)]
        );
    }

    #[test]
    fn csv_without_an_email_column_or_with_odd_roles_is_refused_with_the_place() {
        assert!(matches!(MembersRequest::from_csv(b"name\nada\n"), Err(ApiError::Invalid(_))));
        let Err(ApiError::Invalid(problems)) = MembersRequest::from_csv(b"email,role\na@x.edu,student\nb@x.edu,god\n")
        else {
            panic!("accepted")
        };
        assert_eq!(problems[0].pointer, "/1/role");
        let Err(ApiError::Invalid(problems)) = MembersRequest::from_csv(b"email\na@x.edu\nnobody\n") else {
            panic!("accepted")
        };
        assert_eq!(problems[0].pointer, "/1/email");
    }

    #[test]
    fn too_long_a_roster_is_refused() {
        let text = std::iter::once("email".to_owned())
            .chain((0..=MOST_ROWS).map(|i| format!("a{i}@x.edu")))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(matches!(MembersRequest::from_csv(text.as_bytes()), Err(ApiError::Invalid(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes: Vec<u8>) {
            let _ = MembersRequest::from_csv(&bytes);
            let _ = MembersRequest::from_json(&bytes);
        }
    }
}
