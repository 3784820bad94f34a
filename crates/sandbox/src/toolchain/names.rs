//! Paths of the jail and the names that the student knows.

/// Folders of the jail that mean nothing to a student.
const FOLDERS: [&str; 3] = ["/src/", "/build/", "./"];

/// Paths below the source folder → names that the student knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameMap {
    /// Longest path first, so that no path is taken for the beginning of a longer one.
    pairs: Vec<(String, String)>,
}

impl NameMap {
    /// Pairs of a path, relative to the source folder, and a name.
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then(a.cmp(b)));
        Self { pairs }
    }

    /// The path and the student's name of a file that a tool names by its path.
    pub fn find(&self, path: &str) -> Option<(&str, &str)> {
        let path = FOLDERS.iter().find_map(|f| path.strip_prefix(f)).unwrap_or(path);
        self.pairs.iter().find(|(p, _)| p == path).map(|(p, n)| (p.as_str(), n.as_str()))
    }

    /// A text with the student's names in the place of the jail's paths.
    pub fn rename_in(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut rest, mut inside) = (text, false);
        while let Some(c) = rest.chars().next() {
            if !inside && let Some((name, length)) = self.path_at(rest) {
                out.push_str(name);
                rest = &rest[length..];
                // What follows a folder may be anything, but no second path.
                inside = true;
                continue;
            }
            inside = is_path(c);
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
        out
    }

    /// What to say in the place of the path with which a text begins, and the path's length.
    fn path_at(&self, text: &str) -> Option<(&str, usize)> {
        let folder = FOLDERS.iter().find(|f| text.starts_with(**f)).map_or(0, |f| f.len());
        let path = &text[folder..];
        let ends =
            |length: usize| !path[length..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '/'));
        if let Some((p, name)) = self.pairs.iter().find(|(p, _)| path.starts_with(p.as_str()) && ends(p.len())) {
            return Some((name, folder + p.len()));
        }
        if let Some(length) = object_file(text) {
            return Some(("the program", length));
        }
        (folder > 0 && !text.starts_with("./")).then_some(("", folder))
    }
}

/// Characters that may stand in a path: within one, no other path begins.
fn is_path(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '/' | '-' | '+')
}

/// The length of a name like `/tmp/ccyQP5lv.o`, which gcc gives to what it hands to the linker.
fn object_file(text: &str) -> Option<usize> {
    let name = text.strip_prefix("/tmp/cc")?;
    let random = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let long = random == 6 && name[random..].starts_with(".o");
    long.then_some("/tmp/cc".len() + random + ".o".len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> NameMap {
        let pairs = [("app/Main.java", "Main.java"), ("app/model/Main2.java", "Main2.java"), ("x.h", "x.h")];
        NameMap::new(pairs.iter().map(|(p, n)| ((*p).to_owned(), (*n).to_owned())).collect())
    }

    #[test]
    fn paths_become_the_students_names() {
        for (text, expected) in [
            ("app/Main.java:3: error", "Main.java:3: error"),
            ("/src/app/Main.java:3", "Main.java:3"),
            ("  File \"/src/x.h\", line 3", "  File \"x.h\", line 3"),
            ("./x.h and (app/model/Main2.java)", "x.h and (Main2.java)"),
            ("/build/main: not found", "main: not found"),
            ("/src/other and /src/", "other and "),
            ("/src//src/x", "/src/x"),
            ("ld: /tmp/ccyQP5lv.o: in function `main':", "ld: the program: in function `main':"),
            // Words that only contain a path are left alone.
            ("myapp/Main.java", "myapp/Main.java"),
            ("app/Main.javax app/Main.java/x", "app/Main.javax app/Main.java/x"),
            ("/usr/src/linux /home/build/x", "/usr/src/linux /home/build/x"),
            ("/tmp/cc.o /tmp/cc1234567.o", "/tmp/cc.o /tmp/cc1234567.o"),
            ("1/2 ./configure é/src/x", "1/2 ./configure é/src/x"),
        ] {
            assert_eq!(names().rename_in(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_is_found_by_every_way_of_naming_it() {
        for path in ["app/Main.java", "./app/Main.java", "/src/app/Main.java"] {
            assert_eq!(names().find(path), Some(("app/Main.java", "Main.java")), "{path}");
        }
        assert_eq!(names().find("Main.java"), None);
        assert_eq!(names().find("/usr/include/stdio.h"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_renamed_and_never_grows(any in any::<String>(), likely in "(/src/|/build/|app/|Main.java|/tmp/cc|[a-zé/.]){0,20}") {
            for text in [any, likely] {
                prop_assert!(names().rename_in(&text).len() <= text.len());
            }
        }
    }
}
