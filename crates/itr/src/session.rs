//! Who asks whom: `$XDG_CONFIG_HOME/itr/config.toml`, and over it ITR_URL, ITR_TOKEN and ITR_COURSE.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use iteratione_common::config::process_environment;
use serde::{Deserialize, Serialize};

/// What the configuration file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The judge that was signed in to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The token that it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The token's id, if it was made by us: signing out ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// Where labs go unless another course is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
}

/// What holds for this call.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configuration file.
    pub path: PathBuf,
    /// What is in it.
    pub kept: Kept,
    /// ITR_COURSE, or the file's.
    pub course: Option<String>,
    /// ITR_PASSWORD: for scripts that sign in.
    pub password: Option<String>,
    url: Option<String>,
    token: Option<String>,
}

impl Settings {
    /// Reads the file and the environment; `url` is the command line's.
    pub fn read(url: Option<String>) -> anyhow::Result<Self> {
        let environment = process_environment();
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let folder = match (variable("XDG_CONFIG_HOME"), variable("HOME")) {
            (Some(folder), _) => PathBuf::from(folder),
            (None, Some(home)) => Path::new(&home).join(".config"),
            (None, None) => bail!("there is no place for the configuration: set HOME or XDG_CONFIG_HOME"),
        };
        let path = folder.join("itr/config.toml");
        let kept = Kept::read(&path)?;
        let course = variable("ITR_COURSE").or_else(|| kept.course.clone());
        let url = url.or_else(|| variable("ITR_URL"));
        Ok(Self { path, kept, course, password: variable("ITR_PASSWORD"), url, token: variable("ITR_TOKEN") })
    }

    /// The judge and the token. A token that is kept goes only to the judge that gave it.
    pub fn account(&self) -> anyhow::Result<(String, String)> {
        let kept = self.kept.url.as_deref();
        let url = self.url.as_deref().or(kept).context("no judge is known: itr login URL, or set ITR_URL")?;
        let own = self.kept.token.as_ref().filter(|_| kept.is_some_and(|kept| same(kept, url)));
        let token = self.token.as_ref().or(own);
        let token =
            token.with_context(|| format!("you are not signed in to {url}: itr login {url}, or set ITR_TOKEN"))?;
        Ok((url.to_owned(), token.clone()))
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

impl Kept {
    fn read(path: &Path) -> anyhow::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).with_context(|| format!("{} cannot be understood", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Writes the file so that only its owner can read it, whole or not at all.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let writing = || -> std::io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let next = path.with_extension(format!("toml.{}", std::process::id()));
            let text = toml::to_string(self).map_err(std::io::Error::other)?;
            // A file that is left from a crash is not one to write into: others may have it open.
            let _ = fs::remove_file(&next);
            let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&next)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&next, path)
        };
        writing().with_context(|| format!("{} cannot be written", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_its_owners_alone_and_comes_back_as_it_was_written() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("config/itr/config.toml");
        assert_eq!(Kept::read(&path).expect("nothing yet"), Kept::default());
        let kept = Kept { url: Some("http://judge".to_owned()), token: Some("itr_x".to_owned()), ..Kept::default() };
        for _ in 0..2 {
            kept.write(&path).expect("written");
        }
        assert_eq!(Kept::read(&path).expect("read"), kept);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
        fs::write(&path, "url = 7").expect("written");
        let error = format!("{:#}", Kept::read(&path).expect_err("no text"));
        assert!(error.contains("config.toml cannot be understood"), "{error}");
    }

    #[test]
    fn a_kept_token_is_not_sent_to_another_judge() {
        let kept = Kept { url: Some("http://judge/".to_owned()), token: Some("itr_x".to_owned()), ..Kept::default() };
        let settings = |url: Option<&str>, token: Option<&str>| Settings {
            path: PathBuf::new(),
            kept: kept.clone(),
            course: None,
            password: None,
            url: url.map(str::to_owned),
            token: token.map(str::to_owned),
        };
        let of = |url, token| settings(url, token).account().ok();
        assert_eq!(of(None, None), Some(("http://judge/".to_owned(), "itr_x".to_owned())));
        assert_eq!(of(Some("http://judge"), None), Some(("http://judge".to_owned(), "itr_x".to_owned())));
        assert_eq!(of(Some("http://evil"), None), None);
        assert_eq!(of(Some("http://evil"), Some("t")), Some(("http://evil".to_owned(), "t".to_owned())));
    }
}
