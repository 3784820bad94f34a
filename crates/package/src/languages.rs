//! The format's codes and file endings, as languages of the installation.

use std::sync::Arc;

use iteratione_common::language::{Language, Languages};

use crate::{PROBLEM, Package, problem::Problem};

/// Codes of the format's table of languages that are called otherwise here.
const CODES: [(&str, &str); 4] = [
    ("python3", "python"),
    ("nodejs", "javascript"),
    ("javascriptnode", "javascript"),
    ("typescriptnode", "typescript"),
];

/// What a code of the format is called here.
pub fn id_of(code: &str) -> &str {
    CODES.iter().find(|(theirs, _)| *theirs == code).map_or(code, |(_, ours)| ours)
}

/// Whether a code of the format means this language of ours: both Javas are its `java`.
pub fn means(code: &str, id: &str) -> bool {
    id == id_of(code) || (code == "java" && id == "java25")
}

/// What a language of ours is called in the format.
pub fn code_of(id: &str) -> &str {
    match id {
        "java25" => "java",
        other => CODES.iter().find(|(_, ours)| *ours == other).map_or(other, |(theirs, _)| theirs),
    }
}

/// The language of an ending: the first of those that compile or run files with it.
pub fn by_ending<'a>(languages: &'a Languages, path: &str) -> Option<&'a Arc<Language>> {
    let (_, ending) = path.rsplit_once('.')?;
    languages.iter().find(|l| l.compile_extensions.iter().any(|e| e == ending))
}

/// The languages that a lab may be solved in.
pub fn allowed(package: &mut Package<'_>, problem: &Problem) -> Vec<String> {
    let languages = package.installation.languages;
    let all = || languages.iter().map(|l| l.id.clone()).collect::<Vec<_>>();
    let Some(codes) = &problem.languages else { return all() };
    let mut ids = Vec::new();
    for code in codes {
        let found: Vec<String> = languages.iter().filter(|l| means(code, &l.id)).map(|l| l.id.clone()).collect();
        if found.is_empty() {
            let code: String = code.chars().take(40).collect();
            package.notes.warn(PROBLEM, format!("languages: {code} is not among this installation's"));
        }
        ids.extend(found.into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
    }
    if ids.is_empty() {
        package.notes.error(PROBLEM, "languages: none of them is among this installation's");
    }
    ids
}
