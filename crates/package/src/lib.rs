//! Kattis and ICPC problem packages, legacy and 2025-09, as lab documents ([`import`]) and back ([`export`]).
//!
//! What a package says and a lab cannot say is an error if it would change a verdict or points, else a warning; nothing is
//! passed over in silence. `docs/PACKAGES.md` says how each part is mapped.

#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "the format's endings are in lower case")]

use std::collections::BTreeMap;

use iteratione_common::{
    lab::{LabDocument, validate::Ceilings},
    language::Languages,
};

mod export;
mod groups;
mod keys;
mod languages;
mod limits;
mod notes;
mod problem;
mod programs;
mod starter;
mod statement;
mod submissions;
mod testdata;

pub use export::export;
pub use notes::Note;
use notes::Notes;

/// The file that makes a folder a package.
pub const PROBLEM: &str = "problem.yaml";

/// A package's files by path: steps divided by `/`, the package's own folder left out.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What the installation has and allows.
#[derive(Debug, Clone, Copy)]
pub struct Installation<'a> {
    /// Its languages.
    pub languages: &'a Languages,
    /// The operator's ceilings.
    pub ceilings: &'a Ceilings,
}

/// A package as a lab.
#[derive(Debug)]
pub struct Imported {
    /// The lab. It is not validated.
    pub document: LabDocument,
    /// What was not used, was changed, or is not kept.
    pub warnings: Vec<Note>,
    /// Which file a part of the document is from, by the part's JSON pointer.
    pub places: BTreeMap<String, String>,
}

/// Whether these are the files of a package.
pub fn is_package<'a>(mut paths: impl Iterator<Item = &'a str>) -> bool {
    paths.any(|path| path == PROBLEM)
}

/// Reads a package; or everything that is wrong with it. `slug` is its title if it says none.
pub fn import(files: Files, slug: &str, installation: Installation<'_>) -> Result<Imported, Vec<Note>> {
    let mut notes = Notes::default();
    let mut package = Package { files, installation, notes: &mut notes, places: BTreeMap::new() };
    let document = package.read(slug);
    let places = package.places;
    match document {
        Some(document) => notes.finish().map(|warnings| Imported { document, warnings, places }),
        None => Err(notes.finish().err().unwrap_or_default()),
    }
}

/// A package that is being read: files are taken out of it, and what is left at the end was not used.
struct Package<'a> {
    files: Files,
    installation: Installation<'a>,
    notes: &'a mut Notes,
    places: BTreeMap<String, String>,
}

impl Package<'_> {
    fn read(&mut self, slug: &str) -> Option<LabDocument> {
        self.drop_hidden();
        let problem = problem::read(self)?;
        self.replace_constants(&problem.constants);
        let (statement_md, title) = statement::read(self);
        let limits = limits::test_limits(self, &problem);
        let languages = languages::allowed(self, &problem);
        let validator = programs::validator(self, &problem);
        let groups = groups::read(self, &problem, validator.as_ref().map(|(name, _)| name.as_str()));
        let starter = starter::read(self, &languages);
        let solutions = submissions::read(self, &problem, &languages);
        self.rest();
        Some(LabDocument {
            title: problem.name.clone().or(title).unwrap_or_else(|| slug.to_owned()),
            statement_md,
            languages,
            limits,
            starter,
            groups,
            programs: validator.into_iter().collect(),
            solutions,
            available_from: None,
            due_at: None,
            late: Vec::new(),
            attempts: iteratione_common::lab::Attempts::default(),
            counting: iteratione_common::lab::Counting::default(),
            allow: Vec::new(),
        })
    }

    /// The format has every tool behave as though such files were not there.
    fn drop_hidden(&mut self) {
        self.files.retain(|path, _| !path.split('/').any(|step| step.starts_with(['.', '-'])));
    }

    /// A text file, taken out of the package. One that is no text is an error.
    fn text(&mut self, path: &str) -> Option<String> {
        let bytes = self.files.remove(path)?;
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Some(text),
            _ => {
                self.notes.error(path, "is not UTF-8 text");
                None
            }
        }
    }

    /// The files below a folder, by their paths in it, taken out of the package.
    fn folder(&mut self, folder: &str) -> Files {
        let prefix = format!("{folder}/");
        let names: Vec<String> = self.files.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
        names
            .into_iter()
            .filter_map(|path| self.files.remove(&path).map(|bytes| (path[prefix.len()..].to_owned(), bytes)))
            .collect()
    }

    /// `{{name}}` in the files in which the format replaces it.
    fn replace_constants(&mut self, constants: &BTreeMap<String, String>) {
        const PLACES: [&str; 7] = [
            "statement/",
            "input_validators/",
            "output_validator/",
            "output_validators/",
            "include/",
            "submissions/",
            "data/",
        ];
        if constants.is_empty() {
            return;
        }
        for (path, bytes) in &mut self.files {
            let there = PLACES.iter().any(|place| path.starts_with(place));
            if !there || (path.starts_with("data/") && !path.ends_with("/test_group.yaml")) {
                continue;
            }
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            let replaced = constants
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value));
            *bytes = replaced.into_bytes();
        }
    }

    /// Whatever nobody has taken.
    fn rest(&mut self) {
        const KNOWN: [(&str, &str); 9] = [
            ("input_validators/", "input validators are not run"),
            ("input_format_validators/", "input validators are not run"),
            ("generators/", "generators are not run, and not kept"),
            ("solution/", "the written solution is not kept"),
            ("input_visualizer/", "visualizers are not run"),
            ("output_visualizer/", "visualizers are not run"),
            ("data/invalid_input/", "inputs that must be refused are not tried"),
            ("data/invalid_output/", "outputs that must be refused are not tried"),
            ("data/valid_output/", "outputs that must be accepted are not tried"),
        ];
        let mut of_folder: BTreeMap<&str, usize> = BTreeMap::new();
        for path in self.files.keys() {
            match KNOWN.iter().find(|(folder, _)| path.starts_with(folder)) {
                Some((folder, _)) => *of_folder.entry(folder).or_default() += 1,
                None => self.notes.warn(path, "is not used"),
            }
        }
        for (folder, why) in KNOWN {
            if of_folder.contains_key(folder) {
                self.notes.warn(folder.trim_end_matches('/'), why);
            }
        }
    }
}

#[cfg(test)]
mod tests;
