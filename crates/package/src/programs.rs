//! The output validator, as a program of the lab that judges.

use std::collections::BTreeMap;

use iteratione_common::lab::{JudgeProgram, SourceFile};

use crate::{Package, languages::by_ending, problem::Problem};

/// Its name in a lab.
pub const NAME: &str = "output_validator";

/// The validator, if the package brings one. What it cannot be is an error.
pub fn validator(package: &mut Package<'_>, problem: &Problem) -> Option<(String, JudgeProgram)> {
    let mut files = package.folder("output_validator");
    let mut at = "output_validator".to_owned();
    let legacy = package.folder("output_validators");
    if files.is_empty() && !legacy.is_empty() {
        "output_validators".clone_into(&mut at);
        files = legacy;
    }
    if files.is_empty() {
        if problem.custom {
            package.notes.error(&at, "a validator of its own is asked for, and there is none");
        }
        return None;
    }
    if !problem.custom {
        package.notes.warn(&at, "is not used: problem.yaml says validation: default");
        return None;
    }
    let mut programs: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (path, bytes) in files {
        // One file is a program, and a folder is one. In 2025-09 the folder itself is.
        let (name, inside) = match path.split_once('/') {
            Some((folder, inside)) => (folder.to_owned(), inside.to_owned()),
            None => (String::new(), path),
        };
        programs.entry(name).or_default().insert(inside, bytes);
    }
    if at == "output_validators" {
        // Files beside each other are programs of their own there, if they can be compiled.
        let single = programs.remove("").unwrap_or_default();
        for (name, bytes) in single {
            programs.insert(name.clone(), BTreeMap::from([(name, bytes)]));
        }
    }
    if programs.len() > 1 {
        package.notes.error(&at, "there are several validators, and a test is judged by one");
        return None;
    }
    let (_, files) = programs.pop_first()?;
    program(package, &at, files).map(|program| (NAME.to_owned(), program))
}

fn program(package: &mut Package<'_>, at: &str, files: BTreeMap<String, Vec<u8>>) -> Option<JudgeProgram> {
    if files.keys().any(|name| name == "build" || name == "run") {
        package.notes.error(at, "its build and run scripts cannot be used: only sources in one language can");
        return None;
    }
    let language = files.keys().find_map(|path| by_ending(package.installation.languages, path)).cloned();
    let Some(language) = language else {
        package.notes.error(at, "is in no language of this installation");
        return None;
    };
    let mut sources = Vec::new();
    for (path, bytes) in files {
        let shown = format!("{at}/{path}");
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        if !language.accepts(&name) {
            package.notes.warn(&shown, format!("is not used: it does not end as a {} file does", language.name));
            continue;
        }
        match String::from_utf8(bytes) {
            Ok(content) => sources.push(SourceFile { name, content }),
            Err(_) => package.notes.error(&shown, "is not UTF-8 text"),
        }
    }
    let main = sources.iter().find(|f| f.name == "__main__.py").map(|f| f.name.clone());
    package.places.insert(format!("/programs/{NAME}"), at.to_owned());
    Some(JudgeProgram { language: language.id.clone(), files: sources, main })
}
