//! Zip archives from strangers: every file of one in memory, or the reason why not.
//!
//! Nothing that an archive says of itself is believed. Its directory is walked entry by entry, so that a hundred thousand
//! entries cost no more than the first one too many; bytes are counted while they are inflated, whatever sizes the
//! headers announce; headers that contradict each other are refused, because two readers would see two archives. What
//! an entry is called must be a plain path below the archive's root on every system ([`names`]). Archives in archives
//! are not opened: they are bytes like any others. Nothing is written to a disk.

use std::io::{Cursor, Read as _, Write as _};

use zip::{
    CompressionMethod, ZipReadOptions,
    read::{Config, ZipFileEntry},
    result::ZipError,
    unstable::read::ZipIterable,
};

mod names;
#[cfg(test)]
mod tests;

use self::names::Names;

/// How much of an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive itself.
    pub archive_bytes: usize,
    /// Entries, folders and ignored ones included.
    pub entries: usize,
    /// Inflated bytes of one entry.
    pub entry_bytes: usize,
    /// Inflated bytes of all entries together.
    pub total_bytes: usize,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFile {
    /// A relative path: steps divided by `/`, none of them empty, `.` or `..`, in Unicode normal form C.
    pub name: String,
    /// Its content, inflated; its checksum was right.
    pub bytes: Vec<u8>,
}

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    /// Every file but the ignored ones, in the order of the archive.
    pub files: Vec<ArchiveFile>,
    /// How many files were passed over that operating systems leave in archives: `__MACOSX`, `.DS_Store` and the like.
    pub ignored: usize,
}

/// Why an archive is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The name of the entry that it is about, escaped and cut for people; nothing if it is about the archive itself.
    pub entry: Option<String>,
    /// One sentence for people. It names the entry too.
    pub reason: String,
}

impl Refusal {
    fn archive(reason: impl Into<String>) -> Self {
        Self { entry: None, reason: reason.into() }
    }

    fn entry(name: &[u8], why: impl std::fmt::Display) -> Self {
        let entry = shown(name);
        let reason = format!("“{entry}” {why}");
        Self { entry: Some(entry), reason }
    }
}

/// Reads a whole archive. Memory is bounded by the limits: `total_bytes`, one more byte, and the names.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Archive, Refusal> {
    if bytes.len() > limits.archive_bytes {
        return Err(Refusal::archive(format!("The archive is larger than {}.", size(limits.archive_bytes))));
    }
    let mut directory = ZipIterable::try_new(Cursor::new(bytes), Config::default())
        .map_err(|error| Refusal::archive(format!("This is not a zip archive ({}).", cause(&error))))?
        .enforce_header_consistency(true);
    if directory.len() > limits.entries {
        let (entries, most) = (directory.len(), limits.entries);
        return Err(Refusal::archive(format!("The archive has {entries} entries: at most {most} are read.")));
    }
    let mut archive = Archive::default();
    let mut names = Names::default();
    let mut left = limits.total_bytes;
    let broken = |error: &ZipError| Refusal::archive(format!("The archive is broken ({}).", cause(error)));
    for entry in directory.files().map_err(|e| broken(&e))? {
        let entry = entry.map_err(|e| broken(&e))?;
        let raw = entry.name_raw().to_vec();
        let name = names.take(&raw).map_err(|why| Refusal::entry(&raw, why))?;
        plain(&entry, name.folder).map_err(|why| Refusal::entry(&raw, why))?;
        if name.folder {
            continue;
        }
        if name.litter {
            archive.ignored += 1;
            continue;
        }
        let content = inflate(entry, bytes, limits, left).map_err(|why| Refusal::entry(&raw, why))?;
        left -= content.len();
        archive.files.push(ArchiveFile { name: name.path, bytes: content });
    }
    Ok(archive)
}

/// An archive of these files, in their order.
pub fn write(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> std::io::Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed date: the same files are the same archive.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for (name, content) in files {
        archive.start_file(name, options)?;
        archive.write_all(&content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Whether an entry is a file or a folder like any other: no link, no device, no secret.
fn plain(entry: &ZipFileEntry<'_>, folder: bool) -> Result<(), String> {
    const KIND: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    const FOLDER: u32 = 0o040_000;
    const LINK: u32 = 0o120_000;
    // Whatever system it says it comes from: an unpacker may look at the mode all the same.
    match (entry.external_attributes() >> 16) & KIND {
        0 => {}
        FILE if !folder => {}
        FOLDER if folder => {}
        LINK => return Err("is a symbolic link: put the file itself into the archive.".to_owned()),
        FILE | FOLDER => return Err("is a file and a folder at once.".to_owned()),
        _ => return Err("is neither a file nor a folder, but a device, a pipe or a socket.".to_owned()),
    }
    if folder && entry.size() > 0 {
        return Err("is a folder with content.".to_owned());
    }
    if entry.encrypted() {
        return Err("is encrypted: make the archive without a password.".to_owned());
    }
    match entry.compression() {
        CompressionMethod::Stored | CompressionMethod::Deflated => Ok(()),
        other => Err(format!("is compressed by {other}, which is not understood: use “deflate”.")),
    }
}

/// The content of an entry, if it stays within its own bound and within what is left of the whole.
fn inflate(entry: ZipFileEntry<'_>, bytes: &[u8], limits: &Limits, left: usize) -> Result<Vec<u8>, String> {
    let most = limits.entry_bytes.min(left);
    let announced = entry.size();
    let mut source = Cursor::new(bytes);
    let broken = |cause: String| format!("is broken: {cause}.");
    let file = entry.with_reader(&mut source, ZipReadOptions::new()).map_err(|e| broken(cause(&e)))?;
    let mut content = Vec::new();
    // The byte too many shows that there is one. The size that is announced reserves nothing.
    file.take(most as u64 + 1).read_to_end(&mut content).map_err(|e| broken(e.to_string()))?;
    if content.len() > most {
        return Err(if most == limits.entry_bytes {
            format!("is larger than {}.", size(limits.entry_bytes))
        } else {
            format!("is too much: the archive holds more than {} in all.", size(limits.total_bytes))
        });
    }
    if content.len() as u64 != announced {
        return Err(format!("announces {announced} bytes and holds {}.", content.len()));
    }
    Ok(content)
}

/// The library's reason, cut, as the end of a sentence.
fn cause(error: &ZipError) -> String {
    let text = match error {
        ZipError::InvalidArchive(why) => why.to_string(),
        other => other.to_string(),
    };
    let cut: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    cut.trim_end_matches('.').to_owned()
}

/// A name for people: escaped, and cut.
fn shown(name: &[u8]) -> String {
    const CHARS: usize = 100;
    let head = &name[..name.len().min(CHARS * 4)];
    let text: String = String::from_utf8_lossy(head).chars().take(CHARS).collect();
    let more = if text.len() < name.len() { "…" } else { "" };
    format!("{}{more}", text.escape_debug())
}

fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}
