//! From the files of an archive to a lab document.
//!
//! `lab.json` is the document. `1.in` and `1.out` (or `1.ans`) are a test called `1`, at the root one of the document's
//! first group, in a folder one of the group of that name. Without a document, or without groups in it, there is one
//! group, `tests`, worth 100 points. If everything lies in one folder, as it does when somebody packs a folder, that
//! folder is the root. What is not understood is an error if it looks like a test, else a warning.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

use iteratione_common::{
    archive::{Archive, ArchiveFile},
    lab::{Attempts, Checker, Counting, LabDocument, Scoring, Test, TestGroup, TestKind, TestLimits, Visibility},
    language::Languages,
};
use iteratione_package::{Imported, Installation, Note};

use super::{Lab, pointer_to};
use crate::{
    error::{ApiError, FieldProblem},
    extract::parse_json,
};

const DOCUMENT: &str = "lab.json";
/// The group that is made when the document names none, and what it is worth.
const GROUP: &str = "tests";
const GROUP_POINTS: f64 = 100.0;
/// Files that are listed as not used.
const MOST_WARNINGS: usize = 100;

/// Where the parts of a document came from.
#[derive(Debug)]
pub(super) enum Places {
    /// The body was the document.
    Document,
    /// An archive.
    Archive {
        /// The entry that was the document, if there was one.
        document: Option<String>,
        /// Input and answer of each test that was made of files, by the pointer of the test.
        tests: HashMap<String, Pair>,
    },
    /// A problem package.
    Package {
        /// Its `problem.yaml`, which everything is about that no other file is.
        problem: String,
        /// The file of a part, by the part's pointer.
        places: BTreeMap<String, String>,
    },
}

/// The entries of one test.
#[derive(Debug, Clone, Default)]
pub(super) struct Pair {
    input: Option<ArchiveFile>,
    answer: Option<ArchiveFile>,
    /// A second answer.
    surplus: Option<String>,
}

impl Places {
    /// A problem of the document, at the file that it is in.
    pub(super) fn place(&self, mut problem: FieldProblem) -> FieldProblem {
        let (document, tests) = match self {
            Self::Document => return problem,
            Self::Archive { document, tests } => (document, tests),
            Self::Package { problem: whole, places } => {
                let ends = problem.pointer.match_indices('/').map(|(end, _)| end).chain([problem.pointer.len()]);
                let file = ends.filter_map(|end| places.get(&problem.pointer[..end])).next_back();
                // Where in the document it is, no file of a package says: people find it by the rest of the sentence.
                let rest = if file.is_none() { format!("{}: ", problem.pointer) } else { String::new() };
                problem.detail = format!("{rest}{}", problem.detail);
                problem.pointer = pointer_to(file.unwrap_or(whole));
                return problem;
            }
        };
        let steps: Vec<&str> = problem.pointer.split('/').collect();
        let test = steps.get(..5).and_then(|test| tests.get(&test.join("/")));
        problem.pointer = match (test, steps.get(5)) {
            (Some(pair), Some(&"expected")) => pair.answer.as_ref().map(|f| pointer_to(&f.name)).unwrap_or_default(),
            (Some(pair), _) => pair.input.as_ref().map(|f| pointer_to(&f.name)).unwrap_or_default(),
            (None, _) => match document {
                Some(name) => format!("{}{}", pointer_to(name), problem.pointer),
                None => String::new(),
            },
        };
        problem
    }
}

/// The lab that an archive holds.
pub(super) fn lab(archive: Archive, slug: &str, installation: Installation<'_>) -> Result<Lab, ApiError> {
    let languages = installation.languages;
    let root = common_folder(&archive.files);
    if iteratione_package::is_package(archive.files.iter().map(|f| &f.name[root..])) {
        return problem(archive, root, slug, installation);
    }
    let mut warnings = Vec::new();
    let mut problems = Vec::new();
    let mut document = None;
    // By folder, and in it by name, as people count: 2 before 10.
    let mut pairs: BTreeMap<String, BTreeMap<Natural, Pair>> = BTreeMap::new();
    for file in archive.files {
        let path = file.name[root..].to_owned();
        if path == DOCUMENT {
            document = Some(file);
            continue;
        }
        let (folder, base) = path.rsplit_once('/').unwrap_or(("", &path));
        if let Some((stem, kind @ ("in" | "out" | "ans"))) = base.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())
        {
            let pair = pairs.entry(folder.to_owned()).or_default().entry(Natural(stem.to_owned())).or_default();
            if kind == "in" {
                pair.input = Some(file);
            } else if pair.answer.is_some() {
                pair.surplus = Some(file.name);
            } else {
                pair.answer = Some(file);
            }
        } else {
            let packed = base.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("zip"));
            let why = if packed { "An archive in the archive is not opened." } else { "This file is not used." };
            warnings.push(FieldProblem::new(pointer_to(&file.name), why));
        }
    }
    let mut places = HashMap::new();
    let name = document.as_ref().map(|file| file.name.clone());
    let mut lab = match document {
        Some(file) => parse_document(&file)?,
        None if pairs.is_empty() => {
            let detail = "The archive holds neither a lab.json nor tests (1.in with 1.out).";
            return Err(ApiError::field("", detail));
        }
        None => {
            let detail = "There is no lab.json: the title is the slug, and every language is allowed.";
            warnings.insert(0, FieldProblem::new("", detail));
            untitled(slug, languages)
        }
    };
    if lab.groups.is_empty() && !pairs.is_empty() {
        lab.groups.push(group_of_files());
    }
    for (folder, pairs) in pairs {
        let group = if folder.is_empty() { Some(0) } else { lab.groups.iter().position(|g| g.name == folder) };
        for (Natural(name), mut pair) in pairs {
            match test(name, &mut pair) {
                Err(found) => problems.push(found),
                Ok(test) => {
                    let Some(group) = group else {
                        let input = pair.input.as_ref().map(|f| pointer_to(&f.name)).unwrap_or_default();
                        problems.push(FieldProblem::new(input, "lies in a folder that no group is called like"));
                        continue;
                    };
                    places.insert(format!("/groups/{group}/tests/{}", lab.groups[group].tests.len()), pair);
                    lab.groups[group].tests.push(test);
                }
            }
        }
    }
    problems.truncate(MOST_WARNINGS);
    ApiError::if_any(problems)?;
    if warnings.len() > MOST_WARNINGS {
        let more = warnings.len() - MOST_WARNINGS;
        warnings.truncate(MOST_WARNINGS);
        warnings.push(FieldProblem::new("", format!("And {more} more files that are not used.")));
    }
    Ok(Lab { document: lab, warnings, places: Places::Archive { document: name, tests: places } })
}

/// The lab that a problem package is.
fn problem(archive: Archive, root: usize, slug: &str, installation: Installation<'_>) -> Result<Lab, ApiError> {
    let folder = archive.files.first().map(|f| f.name[..root].to_owned()).unwrap_or_default();
    let files = archive.files.into_iter().map(|f| (f.name[root..].to_owned(), f.bytes)).collect();
    let placed = |notes: Vec<Note>| {
        let field = |note: Note| {
            let at = if note.path.is_empty() { String::new() } else { pointer_to(&format!("{folder}{}", note.path)) };
            FieldProblem::new(at, note.detail)
        };
        notes.into_iter().map(field).collect::<Vec<_>>()
    };
    match iteratione_package::import(files, slug, installation) {
        Ok(Imported { document, warnings, places }) => {
            let parts = places.into_iter().map(|(pointer, path)| (pointer, format!("{folder}{path}"))).collect();
            let problem = format!("{folder}{}", iteratione_package::PROBLEM);
            Ok(Lab { document, warnings: placed(warnings), places: Places::Package { problem, places: parts } })
        }
        Err(errors) => Err(ApiError::Invalid(placed(errors))),
    }
}

fn parse_document(file: &ArchiveFile) -> Result<LabDocument, ApiError> {
    let at = pointer_to(&file.name);
    parse_json(&file.bytes).map_err(|error| match error {
        ApiError::MalformedJson(why) => ApiError::field(at, format!("is not valid JSON: {why}")),
        ApiError::Invalid(problems) => ApiError::Invalid(
            problems.into_iter().map(|p| FieldProblem::new(format!("{at}{}", p.pointer), p.detail)).collect(),
        ),
        other => other,
    })
}

fn untitled(slug: &str, languages: &Languages) -> LabDocument {
    LabDocument {
        title: slug.to_owned(),
        statement_md: String::new(),
        languages: languages.iter().map(|l| l.id.clone()).collect(),
        limits: TestLimits::default(),
        starter: BTreeMap::new(),
        groups: Vec::new(),
        programs: BTreeMap::new(),
        solutions: Vec::new(),
        available_from: None,
        due_at: None,
        late: Vec::new(),
        attempts: Attempts::default(),
        counting: Counting::default(),
        allow: Vec::new(),
    }
}

fn group_of_files() -> TestGroup {
    TestGroup {
        name: GROUP.to_owned(),
        points: GROUP_POINTS,
        scoring: Scoring::default(),
        requires: Vec::new(),
        tests: Vec::new(),
    }
}

/// The test of a pair, whose contents it takes.
fn test(name: String, pair: &mut Pair) -> Result<Test, FieldProblem> {
    let Some(input) = &mut pair.input else {
        let answer = pair.answer.as_ref().map(|f| pointer_to(&f.name)).unwrap_or_default();
        return Err(FieldProblem::new(answer, format!("is an answer without its input {name}.in")));
    };
    let Some(answer) = &mut pair.answer else {
        return Err(FieldProblem::new(pointer_to(&input.name), format!("is an input without its answer {name}.out")));
    };
    if let Some(surplus) = &pair.surplus {
        return Err(FieldProblem::new(pointer_to(surplus), "is a second answer for one input"));
    }
    let text = |file: &mut ArchiveFile| {
        let text = String::from_utf8(std::mem::take(&mut file.bytes));
        text.map_err(|_| FieldProblem::new(pointer_to(&file.name), "is not UTF-8 text"))
    };
    Ok(Test {
        name,
        visibility: Visibility::default(),
        kind: TestKind::default(),
        stdin: text(input)?,
        args: Vec::new(),
        files: Vec::new(),
        expected: text(answer)?,
        points: 1.0,
        checker: Checker::default(),
        interactor: None,
        passes: 1,
        weights: BTreeMap::new(),
        limits: None,
        message: None,
    })
}

/// Bytes of the folder that every file lies in, its slash included; 0 if there is none, or no file.
fn common_folder(files: &[ArchiveFile]) -> usize {
    let first = files.first().and_then(|f| f.name.split_once('/')).map(|(folder, _)| folder);
    match first {
        Some(folder) if files.iter().all(|f| f.name.split_once('/').is_some_and(|(other, _)| other == folder)) => {
            folder.len() + 1
        }
        _ => 0,
    }
}

/// A name in the order in which people count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Natural(String);

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.0.as_str(), other.0.as_str());
        loop {
            let (a, b) = (head(left), head(right));
            if a.is_empty() || b.is_empty() {
                // Names that count alike, such as 1 and 01, still differ.
                return a.len().cmp(&b.len()).then_with(|| self.0.cmp(&other.0));
            }
            let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            let order = if digits(a) && digits(b) {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            } else {
                a.cmp(b)
            };
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (&left[a.len()..], &right[b.len()..]);
        }
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A run of digits, or of anything else.
fn head(text: &str) -> &str {
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests;
