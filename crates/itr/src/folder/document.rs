//! A lab document whose contents stand beside it:
//!
//! ```text
//! lab.yaml                          the document; what it holds itself is not looked for
//! statement.md                      statement_md
//! starter/<language>/*              starter files; below locked/ and hidden/ those of that role
//! tests/<group>/N.in, N.ans         tests of the group, N.out for N.ans; in the order in which people count
//! tests/<group>/N/*                 files of the test N: its working folder, or its test classes
//! programs/<name>/*                 judging programs
//! solutions/<claim>/*               reference solutions: a file, or a folder of several
//! ```
//!
//! A group or test that the document names gets what the files add; others are made: a group is worth a point per test, its
//! tests are hidden, in a group `sample` samples. A claim is a verdict by Kattis' name (`accepted`, `wrong_answer`, …), or
//! `score-40`. Languages are told by files' endings, those of the lab first.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value, json};

use super::files;
use crate::judge::Language;

/// Which file a part of the document came from, by its JSON pointer.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    document: String,
    files: BTreeMap<String, String>,
}

impl Sources {
    /// All from one file.
    pub fn of(document: String) -> Self {
        Self { document, files: BTreeMap::new() }
    }

    /// The file of a pointer, and what is left of the pointer in it.
    pub fn place(&self, pointer: &str) -> (String, String) {
        let mut end = pointer.len();
        loop {
            if let Some(file) = self.files.get(&pointer[..end]) {
                return (file.clone(), String::new());
            }
            match pointer[..end].rfind('/') {
                Some(at) => end = at,
                None => return (self.document.clone(), pointer.to_owned()),
            }
        }
    }

    fn add(&mut self, pointer: String, file: impl Into<String>) {
        self.files.insert(pointer, file.into());
    }
}

/// What a solution claims, by the name of its folder.
const CLAIMS: [(&str, &str); 10] = [
    ("accepted", "AC"),
    ("partially_accepted", "PA"),
    ("wrong_answer", "WA"),
    ("rejected", "WA"),
    ("time_limit_exceeded", "TLE"),
    ("run_time_error", "RTE"),
    ("memory_limit_exceeded", "MLE"),
    ("output_limit_exceeded", "OLE"),
    ("compile_error", "CE"),
    ("compiler_error", "CE"),
];

/// Puts a document and the files beside it together.
pub fn assemble(folder: &Path, name: &str, languages: &[Language]) -> anyhow::Result<(Value, Sources)> {
    let Value::Object(document) = files::document(&folder.join(name))? else { bail!("{name} is no lab document") };
    let mut lab = Lab { folder, document, sources: Sources::of(name.to_owned()), languages };
    lab.statement()?;
    lab.starter()?;
    lab.tests()?;
    lab.programs()?;
    lab.solutions()?;
    Ok((Value::Object(lab.document), lab.sources))
}

struct Lab<'a> {
    folder: &'a Path,
    document: Map<String, Value>,
    sources: Sources,
    languages: &'a [Language],
}

impl Lab<'_> {
    fn statement(&mut self) -> anyhow::Result<()> {
        if !self.document.contains_key("statement_md") && self.folder.join("statement.md").is_file() {
            self.document.insert("statement_md".to_owned(), self.text("statement.md")?.into());
            self.sources.add("/statement_md".to_owned(), "statement.md");
        }
        Ok(())
    }

    fn starter(&mut self) -> anyhow::Result<()> {
        for language in self.folders("starter")? {
            let at = format!("starter/{language}");
            let mut found = Vec::new();
            for path in files::below(&self.folder.join(&at))? {
                let (role, name) = match path.split_once('/') {
                    None => ("editable", path.as_str()),
                    Some((role @ ("editable" | "locked" | "hidden"), name)) if !name.contains('/') => (role, name),
                    Some(_) => bail!("{at}/{path}: starter files are flat, but for the folders locked and hidden"),
                };
                let content = self.text(&format!("{at}/{path}"))?;
                found.push((format!("{at}/{path}"), json!({"name": name, "content": content, "role": role})));
            }
            let list = list_in(object_in(&mut self.document, "starter")?, &language)?;
            for (file, starter) in found {
                self.sources.add(format!("/starter/{}/{}", escaped(&language), list.len()), file);
                list.push(starter);
            }
        }
        Ok(())
    }

    fn tests(&mut self) -> anyhow::Result<()> {
        for name in self.folders("tests")? {
            let at = format!("tests/{name}");
            let found = self.cases(&at)?;
            if found.is_empty() {
                continue;
            }
            let groups = list_in(&mut self.document, "groups")?;
            let index = groups.iter().position(|group| group["name"] == name.as_str()).unwrap_or_else(|| {
                groups.push(json!({"name": name, "points": found.len()}));
                groups.len() - 1
            });
            let group = groups[index].as_object_mut().context("a group of the document is no object")?;
            let tests = list_in(group, "tests")?;
            for (test, fields) in found {
                let position = tests.iter().position(|other| other["name"] == test.as_str()).unwrap_or_else(|| {
                    let visibility = if name == "sample" { "sample" } else { "hidden" };
                    tests.push(json!({"name": test, "visibility": visibility}));
                    tests.len() - 1
                });
                let known = tests[position].as_object_mut().context("a test of the document is no object")?;
                let pointer = format!("/groups/{index}/tests/{position}");
                for (field, (file, value)) in fields {
                    if !known.contains_key(&field) {
                        self.sources.add(format!("{pointer}/{field}"), file);
                        known.insert(field, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// The tests of a folder: name, and by field the file and its value.
    fn cases(&self, at: &str) -> anyhow::Result<Vec<Case>> {
        let mut found: Vec<Case> = Vec::new();
        for entry in files::names_in(&self.folder.join(at))? {
            let path = format!("{at}/{entry}");
            let (test, field, value) = if self.folder.join(&path).is_dir() {
                (entry.as_str(), "files", self.flat(&path)?)
            } else {
                let field = match entry.rsplit_once('.') {
                    Some((test, "in")) => (test, "stdin"),
                    Some((test, "ans" | "out")) => (test, "expected"),
                    _ => bail!("{path}: a group's folder holds N.in, N.ans (or N.out), and folders of a test's files"),
                };
                (field.0, field.1, self.text(&path)?.into())
            };
            let index = found.iter().position(|(name, _)| name == test).unwrap_or_else(|| {
                found.push((test.to_owned(), BTreeMap::new()));
                found.len() - 1
            });
            if let Some((other, _)) = found[index].1.insert(field.to_owned(), (path.clone(), value)) {
                bail!("{other} and {path} are for the same test: keep one of them");
            }
        }
        Ok(found)
    }

    fn programs(&mut self) -> anyhow::Result<()> {
        for name in self.folders("programs")? {
            let at = format!("programs/{name}");
            let known = object_in(&mut self.document, "programs")?.contains_key(&name);
            if known {
                continue;
            }
            let program = json!({"language": self.language(&at, &files::below(&self.folder.join(&at))?)?, "files": self.flat(&at)?});
            object_in(&mut self.document, "programs")?.insert(name.clone(), program);
            self.sources.add(format!("/programs/{}", escaped(&name)), at);
        }
        Ok(())
    }

    fn solutions(&mut self) -> anyhow::Result<()> {
        for claim in self.folders("solutions")? {
            let at = format!("solutions/{claim}");
            let expect = expectation(&claim).with_context(|| {
                let names = CLAIMS.map(|(name, _)| name).join(", ");
                format!("{at} is no claim that can be checked: name it one of {names}, or score-N")
            })?;
            for entry in files::names_in(&self.folder.join(&at))? {
                let path = format!("{at}/{entry}");
                let (names, sources) = if self.folder.join(&path).is_dir() {
                    (files::below(&self.folder.join(&path))?, self.flat(&path)?)
                } else {
                    (vec![entry.clone()], json!([{"name": entry, "content": self.text(&path)?}]))
                };
                let language = self.language(&path, &names)?;
                let solution = json!({"name": format!("{claim}/{entry}"), "language": language, "files": sources, "expect": expect});
                let solutions = list_in(&mut self.document, "solutions")?;
                self.sources.add(format!("/solutions/{}", solutions.len()), path);
                solutions.push(solution);
            }
        }
        Ok(())
    }

    /// Files of a folder as the document has them. Names are flat: packages of Java say themselves where they belong.
    fn flat(&self, at: &str) -> anyhow::Result<Value> {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut files = Vec::new();
        for path in files::below(&self.folder.join(at))? {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            files.push(json!({"name": name, "content": self.text(&format!("{at}/{path}"))?}));
            if let Some(twin) = seen.insert(name, path.clone()) {
                bail!("{at}/{twin} and {at}/{path} have the same name: the judge has no folders");
            }
        }
        ensure!(!files.is_empty(), "{at} is empty");
        Ok(files.into())
    }

    /// The language that has most of those files; the lab's own before others, and then the first.
    fn language(&self, at: &str, names: &[String]) -> anyhow::Result<String> {
        let of_lab: Vec<&str> =
            self.document["languages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fits = |language: &Language| {
            let has = |name: &&String| {
                let ending = Path::new(name.as_str()).extension().and_then(|ending| ending.to_str());
                ending.is_some_and(|ending| language.extensions.iter().any(|known| known.eq_ignore_ascii_case(ending)))
            };
            names.iter().filter(has).count()
        };
        let mut best: Option<(&Language, (usize, bool))> = None;
        for language in self.languages {
            let rank = (fits(language), of_lab.contains(&language.id.as_str()));
            if rank.0 > 0 && best.is_none_or(|(_, other)| rank > other) {
                best = Some((language, rank));
            }
        }
        let (language, _) = best.with_context(|| format!("{at} is in no language that this judge offers"))?;
        Ok(language.id.clone())
    }

    /// Names of the folders in a folder.
    fn folders(&self, at: &str) -> anyhow::Result<Vec<String>> {
        let names = files::names_in(&self.folder.join(at))?;
        if let Some(stray) = names.iter().find(|name| !self.folder.join(at).join(name).is_dir()) {
            bail!("{at}/{stray} belongs into a folder: {at}/<{}>/{stray}", what_is_below(at));
        }
        Ok(names)
    }

    fn text(&self, path: &str) -> anyhow::Result<String> {
        files::text(&self.folder.join(path))
    }
}

/// A test's name, and by field the file and its value.
type Case = (String, BTreeMap<String, (String, Value)>);

fn what_is_below(at: &str) -> &'static str {
    match at {
        "starter" => "language",
        "tests" => "group",
        "solutions" => "claim",
        _ => "name",
    }
}

fn expectation(claim: &str) -> Option<Value> {
    if let Some((_, verdict)) = CLAIMS.iter().find(|(name, _)| *name == claim) {
        return Some(json!({"verdict": verdict}));
    }
    let score: f64 = claim.strip_prefix("score-")?.parse().ok()?;
    Some(json!({"score": score}))
}

fn object_in<'a>(map: &'a mut Map<String, Value>, field: &str) -> anyhow::Result<&'a mut Map<String, Value>> {
    let value = map.entry(field).or_insert_with(|| json!({}));
    value.as_object_mut().with_context(|| format!("{field} of the document is no object"))
}

fn list_in<'a>(map: &'a mut Map<String, Value>, field: &str) -> anyhow::Result<&'a mut Vec<Value>> {
    let value = map.entry(field).or_insert_with(|| json!([]));
    value.as_array_mut().with_context(|| format!("{field} of the document is no list"))
}

/// RFC 6901.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use iteratione_common::lab::{LabDocument, Visibility};

    use super::*;

    fn languages() -> Vec<Language> {
        [("java", "java"), ("java25", "java"), ("python", "py")]
            .map(|(id, ending)| Language { id: id.to_owned(), extensions: vec![ending.to_owned()] })
            .to_vec()
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        home
    }

    #[test]
    fn a_document_gets_what_stands_beside_it() {
        let yaml = "title: Sum\nlanguages: [java25, python]\ngroups:\n- name: basics\n  points: 40\n  scoring: all\n  tests:\n  \
                    - {name: '2', visibility: visible, message: Think of negative numbers.}\n";
        let home = folder(&[
            ("lab.yaml", yaml),
            ("statement.md", "# Sum\n"),
            ("starter/java25/Main.java", "class Main {}"),
            ("starter/java25/locked/Helper.java", "class Helper {}"),
            ("starter/java25/hidden/Secret.java", "class Secret {}"),
            ("tests/basics/2.in", "-1 1\n"),
            ("tests/basics/2.ans", "0\n"),
            ("tests/basics/10.in", "1 2\n"),
            ("tests/basics/10.out", "3\n"),
            ("tests/sample/1.in", "1 1\n"),
            ("tests/sample/1.ans", "2\n"),
            ("tests/sample/1/data.txt", "x"),
            ("programs/check/check.py", "exit(42)"),
            ("solutions/accepted/Main.java", "class Main {}"),
            ("solutions/wrong_answer/slow/a.py", "1"),
            ("solutions/wrong_answer/slow/sub/b.py", "2"),
            ("solutions/score-40/half.py", "3"),
        ]);
        let (value, sources) = assemble(home.path(), "lab.yaml", &languages()).expect("a document");
        let lab: LabDocument = serde_json::from_value(value).expect("as the judge reads it");
        assert_eq!(lab.statement_md, "# Sum\n");
        let starter: Vec<_> =
            lab.starter["java25"].iter().map(|f| (f.name.as_str(), format!("{:?}", f.role))).collect();
        let expected = [("Main.java", "Editable"), ("Secret.java", "Hidden"), ("Helper.java", "Locked")];
        assert_eq!(starter, expected.map(|(name, role)| (name, role.to_owned())));
        assert_eq!(
            lab.groups.iter().map(|g| (g.name.as_str(), g.points)).collect::<Vec<_>>(),
            [("basics", 40.0), ("sample", 1.0)]
        );
        let [two, ten] = lab.groups[0].tests.as_slice() else { panic!("{:?}", lab.groups[0]) };
        assert_eq!((two.stdin.as_str(), two.expected.as_str(), two.visibility), ("-1 1\n", "0\n", Visibility::Visible));
        assert_eq!((ten.name.as_str(), ten.expected.as_str(), ten.visibility), ("10", "3\n", Visibility::Hidden));
        let sample = &lab.groups[1].tests[0];
        assert_eq!((sample.visibility, sample.files[0].name.as_str()), (Visibility::Sample, "data.txt"));
        assert_eq!(lab.programs["check"].language, "python");
        let solutions: Vec<_> =
            lab.solutions.iter().map(|s| (s.language.as_str(), s.files.len(), s.expect.score)).collect();
        // Java is told by its ending twice: the lab's own language is meant.
        assert_eq!(solutions, [("java25", 1, None), ("python", 1, Some(40.0)), ("python", 2, None)]);

        let place = |pointer| sources.place(pointer);
        assert_eq!(place("/groups/0/tests/0/stdin"), ("tests/basics/2.in".to_owned(), String::new()));
        assert_eq!(place("/groups/0/tests/0/message"), ("lab.yaml".to_owned(), "/groups/0/tests/0/message".to_owned()));
        assert_eq!(place("/solutions/0/files/0/name").0, "solutions/accepted/Main.java");
        assert_eq!(place("").0, "lab.yaml");
    }

    #[test]
    fn what_does_not_belong_there_is_named() {
        let yaml = ("lab.yaml", "title: x\nlanguages: [python]\n");
        for (file, said) in [
            ("tests/1.in", "belongs into a folder: tests/<group>/1.in"),
            ("tests/a/notes.txt", "tests/a/notes.txt"),
            ("solutions/good/a.py", "no claim"),
            ("solutions/accepted/a.rs", "no language"),
            ("starter/java/deep/er/A.java", "flat"),
        ] {
            let error = assemble(folder(&[yaml, (file, "")]).path(), "lab.yaml", &languages()).expect_err(file);
            assert!(format!("{error:#}").contains(said), "{file}: {error:#}");
        }
        let twins = folder(&[yaml, ("tests/a/1.ans", ""), ("tests/a/1.out", "")]);
        let error = assemble(twins.path(), "lab.yaml", &languages()).expect_err("twins").to_string();
        assert!(error.contains("1.ans") && error.contains("1.out"), "{error}");
    }
}
