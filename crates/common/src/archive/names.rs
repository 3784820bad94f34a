//! What entries may be called, so that every system would unpack them below one folder, each to a place of its own.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

const PATH_BYTES: usize = 1024;
const STEP_BYTES: usize = 255;
const STEPS: usize = 16;

/// A name that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Without a slash at its end; in normal form C.
    pub(super) path: String,
    /// It is a folder's.
    pub(super) folder: bool,
    /// It is of no use to anybody but the system that left it there.
    pub(super) litter: bool,
}

/// The names so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Paths as the most forgiving file system compares them, and whether each is a folder.
    seen: HashMap<String, bool>,
}

impl Names {
    /// The next entry's name, or the end of a sentence that begins with it.
    pub(super) fn take(&mut self, raw: &[u8]) -> Result<Name, &'static str> {
        let text =
            std::str::from_utf8(raw).map_err(|_| "has a name that is not UTF-8: pack it with a newer program.")?;
        if text.len() > PATH_BYTES {
            return Err("has a name that is too long.");
        }
        let path: String = text.nfc().collect();
        let folder = path.ends_with('/');
        let path = path.strip_suffix('/').unwrap_or(&path).to_owned();
        check(&path)?;
        let litter = is_litter(&path);
        if !litter {
            self.remember(&path, folder)?;
        }
        Ok(Name { path, folder, litter })
    }

    /// Refuses twins, and what is a file here and a folder there.
    fn remember(&mut self, path: &str, folder: bool) -> Result<(), &'static str> {
        let key: String = path.to_lowercase().nfc().collect();
        for (at, _) in key.match_indices('/') {
            if !*self.seen.entry(key[..at].to_owned()).or_insert(true) {
                return Err("is in a folder that is a file.");
            }
        }
        match self.seen.insert(key, folder) {
            None => Ok(()),
            Some(true) if folder => Ok(()),
            Some(false) if !folder => {
                Err("is there twice (names that differ only in upper and lower case are one on many systems).")
            }
            Some(_) => Err("is a file and a folder at once."),
        }
    }
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("has an empty name.");
    }
    if path.starts_with('/') {
        return Err("has an absolute name: only paths below the archive's root are taken.");
    }
    if path.contains('\\') {
        return Err("has a backslash in its name: folders are divided by “/”.");
    }
    if path.contains(':') {
        return Err("has a colon in its name, which means a drive or a stream on Windows.");
    }
    if path.chars().any(is_invisible) {
        return Err("has a character in its name that cannot be seen.");
    }
    let mut steps = 0;
    for step in path.split('/') {
        match step {
            "" => return Err("has an empty folder in its name."),
            "." | ".." => return Err("has “.” or “..” as a folder in its name: it would leave the archive."),
            _ if step.len() > STEP_BYTES => return Err("has a name that is too long."),
            _ if step.ends_with(['.', ' ']) => return Err("has a name that ends with a dot or a blank."),
            _ => steps += 1,
        }
    }
    if steps > STEPS { Err("is nested too deeply.") } else { Ok(()) }
}

/// Control characters, and those that make a name look like another one.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// What macOS and Windows leave in archives unasked.
fn is_litter(path: &str) -> bool {
    let mut steps = path.split('/');
    let last = path.rsplit('/').next().unwrap_or(path);
    steps.any(|step| step == "__MACOSX")
        || last.starts_with("._")
        || [".DS_Store", "Thumbs.db", "desktop.ini"].iter().any(|name| last.eq_ignore_ascii_case(name))
}
