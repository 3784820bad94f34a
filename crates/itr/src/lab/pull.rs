//! `itr lab pull`

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};

use crate::{
    Outcome,
    arguments::Pull,
    judge::{Judge, get},
    output::Output,
    terms::Refusal,
};

/// What a lab document is made of: the rest of a lab is the judge's.
const FIELDS: [&str; 14] = [
    "title",
    "statement_md",
    "languages",
    "limits",
    "starter",
    "groups",
    "programs",
    "solutions",
    "available_from",
    "due_at",
    "late",
    "attempts",
    "counting",
    "allow",
];

/// Writes `lab.json`, and `package.zip` where the judge makes packages.
pub async fn pull(judge: &Judge, wanted: &Pull, output: &Output) -> anyhow::Result<Outcome> {
    let id = judge.lab(&wanted.lab).await?;
    let lab: Value = judge.get(&format!("read {}", wanted.lab), &["labs", &id]).await?;
    ensure!(
        lab["solutions"].is_array(),
        "{} is not whole for you: only assistants and instructors of the course may pull it",
        wanted.lab
    );
    let text = serde_json::to_string_pretty(&document(&lab))? + "\n";
    fs::create_dir_all(&wanted.folder).with_context(|| format!("cannot make {}", wanted.folder.display()))?;
    let mut written = vec![write(&wanted.folder, "lab.json", text.as_bytes(), wanted.force)?];
    let package = judge.ask(&get(&["labs", &id, "package"]).accept("application/zip")).await?;
    if package.is_success() {
        written.push(write(&wanted.folder, "package.zip", &package.body, wanted.force)?);
    } else {
        let refusal = Refusal::new(format!("fetch the package of {}", wanted.lab), &package);
        match refusal.code() {
            "no_such_route" => output.progress("this judge makes no packages: there is only the document"),
            _ => output.say(&refusal.to_string()),
        }
    }
    for path in &written {
        output.say(&format!("wrote {path}"));
    }
    output.json(&json!({"lab": id, "files": written}));
    Ok(Outcome::Good)
}

fn document(lab: &Value) -> Value {
    let mut document = Map::new();
    for field in FIELDS {
        if let Some(value) = lab.get(field).filter(|value| !value.is_null()) {
            document.insert(field.to_owned(), value.clone());
        }
    }
    document.into()
}

fn write(folder: &Path, name: &str, bytes: &[u8], force: bool) -> anyhow::Result<String> {
    let path = folder.join(name);
    let mut options = fs::File::options();
    options.write(true);
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let mut file = options
        .open(&path)
        .with_context(|| format!("cannot write {}; --force overwrites what is there", path.display()))?;
    file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use iteratione_common::lab::LabDocument;

    use super::*;

    #[test]
    fn a_document_is_pulled_with_every_field_that_it_can_have() {
        let whole = json!({
            "title": "T", "languages": ["python"], "groups": [], "counting": "last", "allow": ["reflection"],
            "programs": {"p": {"language": "python", "files": []}}, "due_at": "2030-01-01T00:00:00Z",
        });
        let whole: LabDocument = serde_json::from_value(whole).expect("a document");
        let whole = serde_json::to_value(whole).expect("JSON");
        for field in whole.as_object().expect("an object").keys() {
            assert!(FIELDS.contains(&field.as_str()), "{field} is left behind");
        }
    }
}
