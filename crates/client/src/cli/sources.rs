//! Which files are sent, and in which language they are.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use iteratione_common::lab::SourceFile;

use super::account::Language;

/// Folders within folders that are looked into: a link in a circle ends there.
const DEPTH: usize = 16;
/// Files that are looked at: somebody who names his home folder is told so.
const MOST_FILES: usize = 1000;
/// Bytes of one file that are read: a judge takes less.
const LARGEST: u64 = 4 << 20;

/// A program to send.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Id of its language.
    pub language: String,
    /// Its files, with flat names.
    pub files: Vec<SourceFile>,
    /// Sources of other languages that were found in folders.
    pub left_out: Vec<String>,
}

/// A file that was named, or found in a folder.
struct Found {
    path: PathBuf,
    name: String,
    named: bool,
}

/// Reads the files, and in the folders those that are sources.
pub fn gather(paths: &[PathBuf], language: Option<&str>, languages: &[Language]) -> anyhow::Result<Program> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() {
            let before = found.len();
            look_into(path, languages, DEPTH, &mut found)?;
            ensure!(found.len() > before, "no source file in {}", path.display());
        } else {
            found.push(Found { name: flat(path)?, path: path.clone(), named: true });
        }
    }
    let language = match language {
        Some(id) => languages
            .iter()
            .find(|language| language.id == id)
            .with_context(|| format!("there is no language {id}; there are: {}", ids(languages)))?,
        None => guess(&found, languages)?,
    };
    let (sent, left_out): (Vec<Found>, Vec<Found>) =
        found.into_iter().partition(|file| file.named || language.has(&file.name));
    ensure!(!sent.is_empty(), "no file of {} among those", language.id);
    let mut seen: BTreeMap<&str, &Path> = BTreeMap::new();
    for file in &sent {
        if let Some(twin) = seen.insert(&file.name, &file.path) {
            bail!("{} and {} have the same name: the judge has no folders", twin.display(), file.path.display());
        }
    }
    let files = sent.iter().map(read).collect::<anyhow::Result<_>>()?;
    let left_out = left_out.iter().map(|file| file.path.display().to_string()).collect();
    Ok(Program { language: language.id.clone(), files, left_out })
}

fn read(file: &Found) -> anyhow::Result<SourceFile> {
    let path = file.path.display();
    let size = fs::metadata(&file.path).with_context(|| format!("cannot read {path}"))?.len();
    ensure!(size <= LARGEST, "{path} is too large for a source file");
    let bytes = fs::read(&file.path).with_context(|| format!("cannot read {path}"))?;
    let content = String::from_utf8(bytes).ok().with_context(|| format!("{path} is not UTF-8 text"))?;
    Ok(SourceFile { name: file.name.clone(), content })
}

fn flat(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has no name that can be sent", path.display()))?.to_owned())
}

/// The sources in a folder, in the order of their names; nothing that is hidden.
fn look_into(folder: &Path, languages: &[Language], depth: usize, found: &mut Vec<Found>) -> anyhow::Result<()> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = listed.with_context(|| format!("cannot read {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                look_into(&path, languages, depth - 1, found)?;
            }
        } else if languages.iter().any(|language| language.has(&name)) {
            found.push(Found { path, name, named: false });
            ensure!(
                found.len() <= MOST_FILES,
                "there are more than {MOST_FILES} sources in the folder: name the right one"
            );
        }
    }
    Ok(())
}

/// The language whose files they are: all that were named, and most of those in folders; among several the one that
/// calls them its usual ones, and then the first (`java` before `java25`).
fn guess<'a>(found: &[Found], languages: &'a [Language]) -> anyhow::Result<&'a Language> {
    let fits = |language: &&Language| found.iter().filter(|file| file.named).all(|file| language.has(&file.name));
    let rank = |language: &Language| {
        let count = |is: &dyn Fn(&str) -> bool| found.iter().filter(|file| is(&file.name)).count();
        (count(&|name| language.has(name)), count(&|name| language.usually_has(name)))
    };
    let mut best: Option<(&Language, (usize, usize))> = None;
    for language in languages.iter().filter(fits) {
        let rank = rank(language);
        if rank.0 > 0 && best.is_none_or(|(_, other)| rank > other) {
            best = Some((language, rank));
        }
    }
    let names = || found.iter().filter(|file| file.named).map(|file| &*file.name).collect::<Vec<_>>().join(", ");
    let (language, _) = best.with_context(|| {
        format!("cannot tell the language of {}: name it with --language, one of {}", names(), ids(languages))
    })?;
    Ok(language)
}

fn ids(languages: &[Language]) -> String {
    languages.iter().map(|language| &*language.id).collect::<Vec<_>>().join(", ")
}

impl Language {
    fn has(&self, name: &str) -> bool {
        self.extensions.iter().any(|extension| ends(name, extension))
    }

    fn usually_has(&self, name: &str) -> bool {
        self.extensions.first().is_some_and(|extension| ends(name, extension))
    }
}

fn ends(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages() -> Vec<Language> {
        [("c", "c h"), ("cpp", "cpp cc h hpp"), ("java", "java"), ("java25", "java"), ("python", "py"), ("r", "R r")]
            .map(|(id, extensions)| Language {
                id: id.to_owned(),
                extensions: extensions.split(' ').map(str::to_owned).collect(),
            })
            .to_vec()
    }

    fn guessed(named: &[&str], found: &[&str]) -> Option<String> {
        let file = |name: &&str, named| Found { path: name.into(), name: (*name).to_owned(), named };
        let files: Vec<Found> =
            named.iter().map(|name| file(name, true)).chain(found.iter().map(|name| file(name, false))).collect();
        guess(&files, &languages()).ok().map(|language| language.id.clone())
    }

    #[test]
    fn the_language_is_the_one_that_has_all_named_files() {
        assert_eq!(guessed(&["Main.java"], &[]).as_deref(), Some("java"));
        assert_eq!(guessed(&["main.c", "list.h"], &[]).as_deref(), Some("c"));
        assert_eq!(guessed(&["list.h", "main.cpp"], &[]).as_deref(), Some("cpp"));
        assert_eq!(guessed(&["PLOT.r"], &[]).as_deref(), Some("r"));
        assert_eq!(guessed(&["main.py", "Main.java"], &[]), None);
        assert_eq!(guessed(&["notes.txt"], &[]), None);
        assert_eq!(guessed(&["Makefile"], &[]), None);
    }

    #[test]
    fn in_a_folder_the_many_decide() {
        assert_eq!(guessed(&[], &["A.java", "B.java", "make.py"]).as_deref(), Some("java"));
        assert_eq!(guessed(&["make.py"], &["A.java", "B.java"]).as_deref(), Some("python"));
        assert_eq!(guessed(&[], &["a.h", "b.h", "c.c"]).as_deref(), Some("c"));
    }

    #[test]
    fn a_folder_is_flat_when_it_is_sent_and_what_is_hidden_stays() {
        let home = tempfile::tempdir().expect("folder");
        let put = |path: &str| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
            fs::write(path, "text").expect("file");
        };
        for path in
            ["src/app/Main.java", "src/app/model/Book.java", "src/tool.py", "src/.git/Old.java", "src/readme.md"]
        {
            put(path);
        }
        let program = gather(&[home.path().join("src")], None, &languages()).expect("a program");
        let names: Vec<&str> = program.files.iter().map(|file| &*file.name).collect();
        assert_eq!((program.language.as_str(), names), ("java", vec!["Main.java", "Book.java"]));
        assert!(program.left_out.len() == 1 && program.left_out[0].ends_with("tool.py"), "{:?}", program.left_out);
        put("src/other/Main.java");
        let twins = gather(&[home.path().join("src")], None, &languages()).expect_err("twins").to_string();
        assert!(twins.contains("same name"), "{twins}");
        let unknown = gather(&[home.path().join("src")], Some("cobol"), &languages()).expect_err("none").to_string();
        assert!(unknown.contains("no language cobol") && unknown.contains("java25"), "{unknown}");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let home = tempfile::tempdir().expect("folder");
        let path = home.path().join("Main.java");
        fs::write(&path, [0xff, 0xfe]).expect("file");
        let error = gather(&[path], None, &languages()).expect_err("no text").to_string();
        assert!(error.contains("Main.java is not UTF-8"), "{error}");
    }
}
