//! Where a submission's flat files go below the source folder.
//!
//! Two files of Java are special. `package-info.java` belongs to the package that it declares, as any other file does.
//! `module-info.java` is not compiled: editors make one by themselves, and in a module neither the unnamed package nor
//! half of the library could be used. The program runs on the class path, and a note says so.

use std::collections::BTreeMap;

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    lab::SourceFile,
    language::{Language, Layout},
};

use super::{BuildFailure, java::package::declared_package, names::NameMap};

/// Bounds of a package tree; a path part may have 255 bytes on common file systems.
const MAX_DEPTH: usize = 24;
const MAX_PART_BYTES: usize = 200;
const MAX_PATH_BYTES: usize = 900;

/// Files in their places, and the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// Path relative to the source folder, and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// Paths that are handed to the compiler.
    pub sources: Vec<String>,
    /// For speaking of them.
    pub names: NameMap,
    /// What was decided about some of them.
    pub notes: Vec<Diagnostic>,
}

/// Decides where each file goes.
pub fn lay_out(language: &Language, files: &[SourceFile]) -> Result<Laid, BuildFailure> {
    let mut places: BTreeMap<String, &str> = BTreeMap::new();
    let mut laid = Laid { files: Vec::new(), sources: Vec::new(), names: NameMap::default(), notes: Vec::new() };
    let mut pairs = Vec::new();
    for file in files {
        let (path, content) = match language.layout {
            Layout::Flat => (file.name.clone(), file.content.as_str()),
            Layout::JavaPackages => {
                // javac takes the mark that some editors write at the beginning for an illegal character.
                let content = file.content.strip_prefix('\u{feff}').unwrap_or(&file.content);
                (java_path(&file.name, &declared_package(content))?, content)
            }
        };
        if let Some(other) = places.insert(path.clone(), &file.name) {
            return Err(BuildFailure::Layout(format!("{} and {other} both belong to {path}", file.name)));
        }
        if language.layout == Layout::JavaPackages && file.name == "module-info.java" {
            laid.notes.push(module_note());
        } else if language.compiles(&file.name) {
            laid.sources.push(path.clone());
        }
        pairs.push((path.clone(), file.name.clone()));
        laid.files.push((path, content.as_bytes().to_vec()));
    }
    laid.names = NameMap::new(pairs);
    if laid.sources.is_empty() {
        let endings = language.compile_extensions.join(", .");
        return Err(BuildFailure::Layout(format!("there is nothing to compile: no file ends in .{endings}")));
    }
    Ok(laid)
}

fn module_note() -> Diagnostic {
    let message = "module-info.java is not used: the program is compiled and run on the class path".to_owned();
    let file = Some("module-info.java".to_owned());
    Diagnostic { file, line: None, column: None, severity: Severity::Note, message }
}

fn java_path(name: &str, package: &[String]) -> Result<String, BuildFailure> {
    let length = package.iter().map(|p| p.len() + 1).sum::<usize>() + name.len();
    if package.len() > MAX_DEPTH || package.iter().any(|p| p.len() > MAX_PART_BYTES) || length > MAX_PATH_BYTES {
        return Err(BuildFailure::Layout(format!(
            "the package that {name} declares is too long or too deep (at most {MAX_DEPTH} parts, each of \
             {MAX_PART_BYTES} bytes and {MAX_PATH_BYTES} in all)"
        )));
    }
    Ok(package.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn language(id: &str) -> Language {
        Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images").join(id)).expect("valid")
    }

    fn file(name: &str, content: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn a_flat_java_project_becomes_its_package_tree_and_back() {
        let files = [
            file("Main.java", "package app; class Main {}"),
            file("Item.java", "/*package x;*/ package app.model;"),
            file("Plain.java", "class Plain {}"),
            file("package-info.java", "@Deprecated package app.model;"),
        ];
        let laid = lay_out(&language("java"), &files).expect("fits");
        let paths = ["app/Main.java", "app/model/Item.java", "Plain.java", "app/model/package-info.java"];
        assert_eq!(laid.sources, paths);
        assert_eq!(laid.files.iter().map(|(p, _)| p.as_str()).collect::<Vec<_>>(), paths);
        assert_eq!(
            laid.names.rename_in("app/model/Item.java:3: error in /src/app/Main.java"),
            "Item.java:3: error in Main.java"
        );
    }

    #[test]
    fn flat_files_stay_where_they_are_and_headers_are_not_compiled() {
        let laid = lay_out(&language("c"), &[file("main.c", "package a;"), file("x.h", "")]).expect("fits");
        assert_eq!((laid.files[0].0.as_str(), laid.files[1].0.as_str()), ("main.c", "x.h"));
        assert_eq!(laid.sources, ["main.c"]);
    }

    #[test]
    fn a_module_description_is_left_out_and_a_note_says_so() {
        let files = [file("module-info.java", "module m {}"), file("Main.java", "class Main {}")];
        let laid = lay_out(&language("java"), &files).expect("fits");
        assert_eq!(laid.sources, ["Main.java"]);
        assert_eq!((laid.notes.len(), laid.notes[0].severity), (1, Severity::Note));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_java_source() {
        let laid = lay_out(&language("java"), &[file("A.java", "\u{feff}package a; class A {}")]).expect("fits");
        assert_eq!(laid.files, [("a/A.java".to_owned(), b"package a; class A {}".to_vec())]);
    }

    #[test]
    fn what_cannot_be_laid_out_is_refused_in_words() {
        for package in ["a.".repeat(60) + "b", "x".repeat(5000), vec!["x".repeat(199); 20].join(".")] {
            let failure =
                lay_out(&language("java"), &[file("A.java", &format!("package {package};"))]).expect_err("refused");
            assert!(failure.message().contains("A.java"), "{}", failure.message());
        }
        let failure = lay_out(&language("c"), &[file("x.h", "")]).expect_err("refused");
        assert!(failure.message().contains("no file ends in .c"), "{}", failure.message());
        let failure = lay_out(&language("java"), &[file("module-info.java", "")]).expect_err("refused");
        assert!(failure.message().contains("nothing to compile"), "{}", failure.message());
        let twice = [file("A.java", ""), file("A.java", "")];
        let failure = lay_out(&language("java"), &twice).expect_err("refused");
        assert!(failure.message().contains("both belong to A.java"), "{}", failure.message());
    }

    proptest! {
        #[test]
        fn whatever_a_file_says_its_place_is_below_the_source_folder(content in "(package|[a-z.;/\\\\ é\\n]){0,40}") {
            if let Ok(laid) = lay_out(&language("java"), &[file("A.java", &content)]) {
                let (path, _) = &laid.files[0];
                prop_assert!(crate::paths::check_path(path).is_ok(), "{}", path);
                prop_assert!(path.ends_with("A.java"));
            }
        }
    }
}
