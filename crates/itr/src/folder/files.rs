//! Files of a folder.

use std::{fs, path::Path};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// Folders within folders that are looked into: a link in a circle ends there.
const DEPTH: usize = 16;
/// Files of a lab.
const MOST: usize = 20_000;
/// Bytes of one file of a document.
const LARGEST: u64 = 64 << 20;

/// Paths of the files below a folder, with `/` between their steps, in order; nothing that is hidden, and nothing that
/// compilers and editors leave behind.
pub fn below(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    look_into(folder, "", DEPTH, &mut found)?;
    Ok(found)
}

fn look_into(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) -> anyhow::Result<()> {
    for name in names_in(folder)? {
        let path = folder.join(&name);
        let whole = format!("{prefix}{name}");
        if path.is_dir() {
            ensure!(depth > 0, "{} is too deep in folders", path.display());
            look_into(&path, &format!("{whole}/"), depth - 1, found)?;
        } else {
            ensure!(found.len() < MOST, "there are more than {MOST} files: name the right folder");
            found.push(whole);
        }
    }
    Ok(())
}

/// Names in a folder, in the order in which people count: `2` before `10`. None if it is not there.
pub fn names_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = listed.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::with_capacity(entries.len());
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else {
            bail!("{} has a name that is not UTF-8", entry.path().display());
        };
        let left_behind = name == "__pycache__"
            || name == "__MACOSX"
            || name.ends_with('~')
            || Path::new(&name).extension().is_some_and(|ending| ending == "class");
        if !name.starts_with('.') && !left_behind {
            names.push(name);
        }
    }
    names.sort_by(|one, other| counted(one).cmp(&counted(other)).then_with(|| one.cmp(other)));
    Ok(names)
}

/// A name as texts and the numbers behind them, in turn.
fn counted(name: &str) -> Vec<(String, u128)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (before, after) = rest.split_at(text);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((before.to_owned(), number.parse().unwrap_or(0)));
        rest = after;
    }
    parts
}

/// A file's text.
pub fn text(path: &Path) -> anyhow::Result<String> {
    let size = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    ensure!(size <= LARGEST, "{} is larger than {} MiB", path.display(), LARGEST >> 20);
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes).ok().with_context(|| format!("{} is not UTF-8 text", path.display()))
}

/// A document in JSON or YAML: an object.
pub fn document(path: &Path) -> anyhow::Result<Value> {
    let text = text(path)?;
    let wrong = || format!("{} cannot be understood", path.display());
    let document: Value = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text).with_context(wrong)?
    } else {
        serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{error}")).with_context(wrong)?
    };
    ensure!(document.is_object(), "{} is no lab document: it has no fields", path.display());
    Ok(document)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_in_the_order_in_which_people_count() {
        let home = tempfile::tempdir().expect("a folder");
        for name in ["10.in", "2.in", "1.in", "b2.in", "b10.in", "a.in", ".hidden", "old~", "Main.class"] {
            fs::write(home.path().join(name), "").expect("written");
        }
        assert_eq!(names_in(home.path()).expect("read"), ["1.in", "2.in", "10.in", "a.in", "b2.in", "b10.in"]);
        assert!(names_in(&home.path().join("none")).expect("nothing").is_empty());
    }

    #[test]
    fn a_document_is_json_or_yaml() {
        let home = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| {
            fs::write(home.path().join(name), text).expect("written");
            document(&home.path().join(name))
        };
        let yaml = "title: Sum\nlanguages: [java]\nattempts: {max: null}\nstatement_md: |\n  # Sum\n  1 + 1\n";
        let expected =
            json!({"title": "Sum", "languages": ["java"], "attempts": {"max": null}, "statement_md": "# Sum\n1 + 1\n"});
        assert_eq!(put("lab.yaml", yaml).expect("YAML"), expected);
        assert_eq!(put("lab.json", &expected.to_string()).expect("JSON"), expected);
        for (name, text) in [("lab.json", "{"), ("lab.yaml", "a: [1"), ("lab.yaml", "just text"), ("lab.json", "[]")] {
            let error = format!("{:#}", put(name, text).expect_err(text));
            assert!(error.contains(name), "{error}");
        }
    }
}
