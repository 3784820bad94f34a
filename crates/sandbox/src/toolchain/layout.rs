//! Where a submission's flat files go below the source folder, and how to speak of them by their flat names again.

use std::collections::BTreeMap;

use iteratione_common::{lab::SourceFile, language::Layout};

use super::{BuildFailure, java::package::declared_package};

/// Bounds of a package tree. Path parts may have 255 bytes on common file systems.
const MAX_DEPTH: usize = 40;
const MAX_PART_BYTES: usize = 200;
const MAX_PATH_BYTES: usize = 900;

/// Files in their places, and the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// Path relative to the source folder, with the index of its file.
    pub paths: Vec<(String, usize)>,
    /// For speaking of them.
    pub names: NameMap,
}

/// Paths of the jail → names that the student knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameMap {
    /// Longest path first, so that no path is replaced inside a longer one.
    pairs: Vec<(String, String)>,
}

impl NameMap {
    /// The student's name of a path that a compiler names.
    pub fn name_of(&self, path: &str) -> String {
        let path = path.strip_prefix("/src/").or_else(|| path.strip_prefix("./")).unwrap_or(path);
        self.pairs.iter().find(|(p, _)| p == path).map_or_else(|| path.to_owned(), |(_, name)| name.clone())
    }

    /// A text with every path of the source folder replaced by its file's name.
    pub fn rename_in(&self, text: &str) -> String {
        let mut text = text.replace("/src/", "");
        for (path, name) in &self.pairs {
            if path != name {
                text = text.replace(path.as_str(), name);
            }
        }
        text
    }
}

/// Decides where each file goes.
pub fn lay_out(layout: Layout, files: &[SourceFile]) -> Result<Laid, BuildFailure> {
    let mut taken = BTreeMap::new();
    let mut paths = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let path = match layout {
            Layout::Flat => file.name.clone(),
            // A module declaration has no package; package-info has one and goes where it belongs.
            Layout::JavaPackages => java_path(&file.name, &declared_package(&file.content))?,
        };
        if let Some(other) = taken.insert(path.clone(), &file.name) {
            return Err(BuildFailure::Layout(format!("{} and {other} both belong to {path}", file.name)));
        }
        paths.push((path, index));
    }
    let mut pairs: Vec<_> = paths.iter().map(|(path, index)| (path.clone(), files[*index].name.clone())).collect();
    pairs.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    Ok(Laid { paths, names: NameMap { pairs } })
}

fn java_path(name: &str, package: &[String]) -> Result<String, BuildFailure> {
    let path = package.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/");
    if package.len() > MAX_DEPTH || package.iter().any(|p| p.len() > MAX_PART_BYTES) || path.len() > MAX_PATH_BYTES {
        return Err(BuildFailure::Layout(format!(
            "the package that {name} declares is too long or too deep (at most {MAX_DEPTH} parts of {MAX_PART_BYTES} bytes)"
        )));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn a_flat_java_project_becomes_its_package_tree_and_back() {
        let files = [
            file("Main.java", "package app; class Main {}"),
            file("Item.java", "/*package x;*/ package app.model;"),
            file("Plain.java", "class Plain {}"),
        ];
        let laid = lay_out(Layout::JavaPackages, &files).expect("fits");
        let paths: Vec<_> = laid.paths.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(paths, ["app/Main.java", "app/model/Item.java", "Plain.java"]);
        assert_eq!(laid.names.name_of("app/model/Item.java"), "Item.java");
        assert_eq!(
            laid.names.rename_in("app/model/Item.java:3: error in /src/app/Main.java"),
            "Item.java:3: error in Main.java"
        );
    }

    #[test]
    fn flat_files_stay_where_they_are() {
        let laid = lay_out(Layout::Flat, &[file("main.py", "package a;")]).expect("fits");
        assert_eq!(laid.paths[0].0, "main.py");
        assert_eq!(laid.names.rename_in("  File \"/src/main.py\", line 3"), "  File \"main.py\", line 3");
    }

    #[test]
    fn an_absurd_package_is_refused_in_words() {
        for package in ["a.".repeat(60) + "b", "x".repeat(5000)] {
            let Err(failure) = lay_out(Layout::JavaPackages, &[file("A.java", &format!("package {package};"))]) else {
                panic!("{package} must be refused");
            };
            assert!(failure.message().contains("A.java"), "{}", failure.message());
        }
    }
}
