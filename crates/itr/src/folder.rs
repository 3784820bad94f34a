//! A lab as a folder: what is sent to the judge, and where each part of it came from.
//!
//! * A Kattis/ICPC problem package, and a folder of `N.in` and `N.ans`, go as they are, zipped; the judge reads them.
//! * A folder with `lab.yaml`, `lab.yml` or `lab.json` is a lab document whose contents may stand beside it
//!   ([`document`]); it is put together here and goes as JSON.
//! * A `.zip`, `.json` or `.yaml` file is sent by itself.

mod document;
mod files;
mod pack;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::Value;

pub use self::document::Sources;
use crate::{judge::Language, terms::Flaw};

/// What a lab is sent as.
#[derive(Debug, Clone)]
pub enum Parcel {
    /// A lab document, and the files that its parts are from.
    Document(Box<Value>, Sources),
    /// An archive, and the names in it.
    Archive(Bytes, Vec<String>),
}

/// A flaw, in the file where it can be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The file; empty if it is about the whole.
    pub file: String,
    /// Where in the file: a JSON pointer, often empty.
    pub pointer: String,
    /// What.
    pub detail: String,
}

/// Names of a document in its folder.
const DOCUMENTS: [&str; 3] = ["lab.yaml", "lab.yml", "lab.json"];

/// Reads a folder or file. `languages` is asked for only if a document needs them to know its files' languages.
pub async fn read(
    path: &Path,
    languages: impl AsyncFnOnce() -> anyhow::Result<Vec<Language>>,
) -> anyhow::Result<Parcel> {
    let kind = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if kind.is_dir() {
        let found = DOCUMENTS.iter().filter(|name| path.join(name).is_file()).collect::<Vec<_>>();
        return match found.as_slice() {
            [] => {
                let (bytes, names) = pack::folder(path)?;
                Ok(Parcel::Archive(bytes, names))
            }
            [name] => {
                let languages = languages().await?;
                let (document, sources) = document::assemble(path, name, &languages)?;
                Ok(Parcel::Document(Box::new(document), sources))
            }
            [one, other, ..] => bail!("{} has {one} and {other}: keep one of them", path.display()),
        };
    }
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "zip" => {
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let names = pack::names(&bytes).with_context(|| format!("{} is no zip archive", path.display()))?;
            Ok(Parcel::Archive(bytes.into(), names))
        }
        "json" | "yaml" | "yml" => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Parcel::Document(Box::new(files::document(path)?), Sources::of(name)))
        }
        _ => bail!("{} is no lab: name a folder, or a .zip, .json or .yaml file", path.display()),
    }
}

impl Parcel {
    /// The flaws, each at its file.
    pub fn place(&self, flaws: Vec<Flaw>) -> Vec<Placed> {
        flaws.into_iter().map(|flaw| self.place_one(flaw)).collect()
    }

    fn place_one(&self, Flaw { pointer, detail }: Flaw) -> Placed {
        match self {
            Self::Document(_, sources) => {
                let (file, pointer) = sources.place(&pointer);
                Placed { file, pointer, detail }
            }
            Self::Archive(_, names) => {
                let rest = pointer.strip_prefix('/').unwrap_or_default();
                let (first, tail) = rest.split_once('/').map_or((rest, ""), |(first, tail)| (first, tail));
                let first = first.replace("~1", "/").replace("~0", "~");
                if names.contains(&first) {
                    let pointer = if tail.is_empty() { String::new() } else { format!("/{tail}") };
                    return Placed { file: first, pointer, detail };
                }
                Placed { file: String::new(), pointer, detail }
            }
        }
    }
}

/// What a lab of that folder or file is called in its course: lower-case letters and digits, hyphens between them.
pub fn slug(path: &Path) -> anyhow::Result<String> {
    let whole =
        if path.is_dir() { fs::canonicalize(path)? } else { PathBuf::from(path.file_stem().unwrap_or_default()) };
    let name = whole.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").chars().take(64).collect();
    let slug = slug.trim_end_matches('-').to_owned();
    if slug.is_empty() {
        bail!("the name of {} makes no address: give one with --slug", path.display())
    }
    Ok(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaw_of_an_archive_is_at_its_entry() {
        let names = vec!["lab.json".to_owned(), "data/secret/1.in".to_owned()];
        let parcel = Parcel::Archive(Bytes::new(), names);
        let flaw = |pointer: &str| Flaw { pointer: pointer.to_owned(), detail: String::new() };
        let placed =
            parcel.place(["/lab.json/groups/0/points", "/data~1secret~11.in", "/groups", ""].map(flaw).to_vec());
        let at: Vec<_> = placed.iter().map(|placed| (placed.file.as_str(), placed.pointer.as_str())).collect();
        assert_eq!(at, [("lab.json", "/groups/0/points"), ("data/secret/1.in", ""), ("", "/groups"), ("", "")]);
    }

    #[test]
    fn a_lab_is_called_like_its_folder() {
        let home = tempfile::tempdir().expect("a folder");
        for (name, expected) in [("Sum_of Two", "sum-of-two"), ("a--b", "a-b"), ("été", "t")] {
            let folder = home.path().join(name);
            fs::create_dir(&folder).expect("made");
            assert_eq!(slug(&folder).expect("a slug"), expected);
        }
        assert_eq!(slug(Path::new("/nowhere/hello.zip")).expect("a slug"), "hello");
        assert!(slug(Path::new("/nowhere/_.zip")).is_err());
    }
}
