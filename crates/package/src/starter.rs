//! Files that are added to submissions (`include`), and those that students begin with (`attachments/templates`).

use std::collections::BTreeMap;

use iteratione_common::lab::{FileRole, StarterFile};

use crate::{Package, languages::means};

/// Starter files by language.
pub fn read(package: &mut Package<'_>, languages: &[String]) -> BTreeMap<String, Vec<StarterFile>> {
    let mut starter: BTreeMap<String, Vec<StarterFile>> = BTreeMap::new();
    let templates = package.folder("attachments/templates");
    add(package, &mut starter, languages, ("attachments/templates", templates), FileRole::Editable);
    for (path, _) in package.folder("attachments") {
        package.notes.warn(&format!("attachments/{path}"), "is not kept: a lab has no attachments but templates");
    }
    let included = package.folder("include");
    add(package, &mut starter, languages, ("include", included), FileRole::Hidden);
    starter
}

fn add(
    package: &mut Package<'_>,
    starter: &mut BTreeMap<String, Vec<StarterFile>>,
    languages: &[String],
    (folder, files): (&str, BTreeMap<String, Vec<u8>>),
    role: FileRole,
) {
    for (path, bytes) in files {
        let shown = format!("{folder}/{path}");
        let Some((code, inside)) = path.split_once('/') else {
            package.notes.warn(&shown, "is not used: it lies in no language's folder");
            continue;
        };
        let name = inside.rsplit('/').next().unwrap_or(inside).to_owned();
        let Ok(content) = String::from_utf8(bytes) else {
            package.notes.error(&shown, "is not UTF-8 text");
            continue;
        };
        let of: Vec<&String> = languages
            .iter()
            .filter(|l| code == "default" || means(code, l))
            .filter(|l| package.installation.languages.get(l).is_some_and(|l| l.accepts(&name)))
            .collect();
        if of.is_empty() {
            package.notes.warn(&shown, "is not used: no language of the lab takes it");
        }
        for language in of {
            let files = starter.entry(language.clone()).or_default();
            if files.iter().any(|f| f.name == name) {
                package.notes.error(&shown, format!("there is another file {name}, and submissions have no folders"));
            } else {
                files.push(StarterFile { name: name.clone(), content: content.clone(), role });
            }
        }
    }
}
