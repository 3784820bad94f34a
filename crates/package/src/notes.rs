//! What is to be said of a package.

/// Something about a file of the package, or about the whole if the path is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Path in the package.
    pub path: String,
    /// The rest of a sentence that begins with the file.
    pub detail: String,
}

/// The most that is listed of either kind.
const MOST: usize = 200;

/// Errors and warnings, as they are found.
#[derive(Debug, Default)]
pub struct Notes {
    errors: Vec<Note>,
    warnings: Vec<Note>,
    more: usize,
}

impl Notes {
    /// The package cannot be taken.
    pub fn error(&mut self, path: &str, detail: impl Into<String>) {
        Self::add(&mut self.errors, &mut self.more, path, detail.into());
    }

    /// It can, but not all of it.
    pub fn warn(&mut self, path: &str, detail: impl Into<String>) {
        Self::add(&mut self.warnings, &mut self.more, path, detail.into());
    }

    fn add(list: &mut Vec<Note>, more: &mut usize, path: &str, detail: String) {
        let note = Note { path: path.to_owned(), detail };
        if list.contains(&note) {
            return;
        }
        if list.len() < MOST { list.push(note) } else { *more += 1 }
    }

    /// The warnings if there are no errors.
    pub fn finish(self) -> Result<Vec<Note>, Vec<Note>> {
        let failed = !self.errors.is_empty();
        let mut list = if failed { self.errors } else { self.warnings };
        if self.more > 0 {
            list.push(Note { path: String::new(), detail: format!("and {} more of this kind", self.more) });
        }
        if failed { Err(list) } else { Ok(list) }
    }
}
