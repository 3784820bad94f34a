//! Programs and labs that are compiled into the demo, from plain files below `programs/` and `labs/`.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// Path below `programs/` and text. Listed one by one: the compiler then knows when one of them changes.
macro_rules! programs {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../programs/", $path)))),*]
    };
}

const PROGRAMS: &[(&str, &str)] = programs![
    "library/java/accepted/Book.java",
    "library/java/accepted/Loans.java",
    "library/java/accepted/Main.java",
    "library/java/accepted/Member.java",
    "library/java/accepted/Shelf.java",
    "library/java/no-main/Quiet.java",
    "library/java/two-mains/First.java",
    "library/java/two-mains/Second.java",
    "sum/c/accepted/main.c",
    "sum/cpp/accepted/main.cpp",
    "sum/java/accepted/Main.java",
    "sum/java/does-not-compile/Main.java",
    "sum/java/endless-loop/Main.java",
    "sum/java/endless-output/Main.java",
    "sum/java/exception/Main.java",
    "sum/java/out-of-memory/Main.java",
    "sum/java/starter/Main.java",
    "sum/java/wrong-answer/Main.java",
    "sum/python/accepted/main.py",
    "sum/python/does-not-compile/main.py",
    "sum/python/endless-loop/main.py",
    "sum/python/endless-output/main.py",
    "sum/python/exception/main.py",
    "sum/python/out-of-memory/main.py",
    "sum/python/starter/main.py",
    "sum/python/wrong-answer/main.py",
    "terminal/java/Main.java",
    "terminal/python/main.py",
    "words/cpp/accepted/main.cpp",
    "words/java/accepted/WordCount.java",
    "words/python/accepted/main.py",
    "words/python/case-sensitive/main.py",
    "words/python/unsorted/main.py",
];

/// Slug and document of each lab.
pub const LABS: [(&str, &str); 3] = [
    ("sum-of-two", include_str!("../labs/sum-of-two.json")),
    ("library-in-packages", include_str!("../labs/library-in-packages.json")),
    ("word-count", include_str!("../labs/word-count.json")),
];

/// The files of a program as the API takes them, e.g. of `sum/java/accepted`.
pub fn program(folder: &str) -> anyhow::Result<Value> {
    let prefix = format!("{folder}/");
    let files: Vec<Value> = PROGRAMS
        .iter()
        .filter_map(|(path, content)| path.strip_prefix(&prefix).map(|name| json!({"name": name, "content": content})))
        .collect();
    ensure!(!files.is_empty(), "there is no program {folder}");
    Ok(Value::Array(files))
}

/// A lab's document as the API takes it: each text `"@folder"` stands for the files of that program.
pub fn lab(text: &str) -> anyhow::Result<Value> {
    let mut document = serde_json::from_str(text).context("a lab's document is not JSON")?;
    expand(&mut document)?;
    Ok(document)
}

fn expand(value: &mut Value) -> anyhow::Result<()> {
    match value {
        Value::String(text) => {
            if let Some(folder) = text.strip_prefix('@') {
                *value = program(folder)?;
            }
        }
        Value::Array(items) => items.iter_mut().try_for_each(expand)?,
        Value::Object(fields) => fields.values_mut().try_for_each(expand)?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn below(dir: &Path, found: &mut BTreeSet<String>, root: &Path) {
        for entry in fs::read_dir(dir).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                below(&path, found, root);
            } else {
                found.insert(path.strip_prefix(root).expect("below").to_str().expect("text").to_owned());
            }
        }
    }

    #[test]
    fn every_file_below_programs_is_compiled_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
        let mut found = BTreeSet::new();
        below(&root, &mut found, &root);
        let listed: BTreeSet<String> = PROGRAMS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(listed, found);
    }

    #[test]
    fn every_lab_names_only_programs_that_are_there() {
        for (slug, text) in LABS {
            let document = lab(text).expect(slug);
            assert!(!document.to_string().contains("\"@"), "{slug}");
            for solution in document["solutions"].as_array().expect("solutions") {
                assert!(solution["files"][0]["content"].as_str().is_some_and(|c| !c.is_empty()), "{slug}: {solution}");
            }
        }
    }
}
