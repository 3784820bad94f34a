//! The programs below `tests/programs/`.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// Something to hand in.
#[derive(Debug, Clone)]
pub struct Program {
    /// `java/accepted`.
    pub name: String,
    /// Language id.
    pub language: String,
    /// `[{"name", "content"}]`, in the order of their names.
    pub files: Value,
    /// The entry point to ask for.
    pub main: Option<String>,
}

impl Program {
    /// Reads `tests/programs/<language>/<name>/`.
    pub fn read(path: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(path);
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut files: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
        files.sort();
        let files = files.iter().map(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).expect("UTF-8");
            json!({"name": name, "content": fs::read_to_string(path).expect("text")})
        });
        let language = path.split('/').next().expect("a language");
        Self { name: path.to_owned(), language: language.to_owned(), files: files.collect(), main: None }
    }

    /// Reads one file of `tests/programs/`, whose language its extension tells; it is handed in under its language's
    /// usual name, so that a folder can hold the same attack in several languages.
    pub fn single(path: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(path);
        let content = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let (language, name) = match file.extension().and_then(|e| e.to_str()) {
            Some("c") => ("c", "main.c"),
            Some("cpp") => ("cpp", "main.cpp"),
            Some("py") => ("python", "main.py"),
            Some("java") => ("java", "Main.java"),
            other => panic!("{path}: no language has the extension {other:?}"),
        };
        Self { name: path.to_owned(), ..Self::of(language, name, &content) }
    }

    /// The text of one file of `tests/programs/`.
    pub fn text(path: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(path);
        fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    }

    /// One file.
    pub fn of(language: &str, file: &str, content: &str) -> Self {
        let files = json!([{"name": file, "content": content}]);
        Self { name: format!("{language}/{file}"), language: language.to_owned(), files, main: None }
    }

    /// Asks for an entry point.
    #[must_use]
    pub fn main(mut self, main: &str) -> Self {
        self.main = Some(main.to_owned());
        self
    }

    /// The body of a hand-in.
    pub fn hand_in(&self) -> Value {
        json!({"language": self.language, "files": self.files, "main": self.main})
    }

    /// A reference solution.
    pub fn solution(&self, name: &str, expect: &Value) -> Value {
        json!({"name": name, "language": self.language, "files": self.files, "main": self.main, "expect": expect})
    }
}
