//! Folders as archives. The same folder makes the same bytes.

use std::{
    fs::{self, File},
    io::{Cursor, Write as _},
    path::Path,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::files::below;

/// Bytes of all files together: more than any judge takes.
const LARGEST: u64 = 1 << 30;

/// A folder, and the names of its files; what is hidden stays.
pub fn folder(path: &Path) -> anyhow::Result<(Bytes, Vec<String>)> {
    let names = below(path)?;
    ensure!(!names.is_empty(), "{} is empty", path.display());
    let mut total = 0;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for name in &names {
        let file = path.join(name);
        let reading = || format!("cannot read {}", file.display());
        total += fs::metadata(&file).with_context(reading)?.len();
        ensure!(total <= LARGEST, "{} holds more than {} MiB", path.display(), LARGEST >> 20);
        writer.start_file(name.as_str(), options)?;
        std::io::copy(&mut File::open(&file).with_context(reading)?, &mut writer).with_context(reading)?;
    }
    writer.flush()?;
    Ok((writer.finish()?.into_inner().into(), names))
}

/// The names in an archive.
pub fn names(bytes: &[u8]) -> anyhow::Result<Vec<String>> {
    ZipArchive::new(Cursor::new(bytes))?.file_names().map(|name| Ok(name?.into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_makes_the_same_archive_each_time_and_hides_what_is_hidden() {
        let home = tempfile::tempdir().expect("a folder");
        for (name, text) in [("problem.yaml", "name: x"), ("data/secret/1.in", "1\n"), (".git/config", "no")] {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let (bytes, sent) = folder(home.path()).expect("an archive");
        assert_eq!(sent, ["data/secret/1.in", "problem.yaml"]);
        let mut found = names(&bytes).expect("an archive");
        found.sort();
        assert_eq!(found, sent);
        assert_eq!(folder(home.path()).expect("an archive").0, bytes);
        assert!(names(b"no archive").is_err());
    }
}
