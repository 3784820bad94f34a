//! Configuration: commented defaults compiled in, an optional file, the environment on top.
//!
//! A service has one commented `config.toml`, compiled in as its defaults. `ITERATIONE_CONFIG` may name a file that
//! is laid over it. Last, environment variables: `ITERATIONE_API__LISTEN` sets `api.listen`, and any
//! string can be given as a file's content by the suffix `_FILE`. Unknown keys are fatal, with their path.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use serde::{Deserialize, de::DeserializeOwned};
use toml::{Table, Value};

/// Variables with other names than `ITERATIONE_…`, by convention of other tools, and the keys that they set.
const FOREIGN: [(&str, &str); 4] = [
    ("DATABASE_URL", "database_url"),
    ("REDIS_URL", "redis_url"),
    ("DOCKER_HOST", "sandbox.docker_host"),
    ("ITERATIONE_ENV", "environment"),
];

/// Sections of any service: one environment serves all of them.
pub const SECTIONS: [&str; 5] = ["api", "grader", "runner", "sandbox", "log"];

/// Keys outside any section that not every service has: who lacks one ignores it.
const SHARED: [&str; 2] = ["database_url", "ticket_key"];

/// Where the service runs; outside `dev`, missing or default secrets are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A developer's machine: demo accounts, plain HTTP.
    Dev,
    /// Real students.
    Production,
}

/// The environment of this process, as a map; the only place that reads it.
#[allow(clippy::disallowed_methods, reason = "this is the configuration that the ban points to")]
pub fn process_environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

/// Reads a service's configuration from its compiled-in defaults, the file named by `ITERATIONE_CONFIG`, and the
/// environment. Sections of other services in the environment are ignored: one `.env` serves all, so `sections`
/// lists the top-level keys that exist in any service.
pub fn load<T: DeserializeOwned>(
    defaults: &str,
    environment: &BTreeMap<String, String>,
    sections: &[&str],
) -> anyhow::Result<T> {
    let table = merged(defaults, environment, sections)?;
    serde_path_to_error::deserialize(Value::Table(table))
        .map_err(|e| anyhow::anyhow!("configuration key {}: {}", e.path(), e.inner().to_string().trim()))
}

fn merged(defaults: &str, environment: &BTreeMap<String, String>, sections: &[&str]) -> anyhow::Result<Table> {
    let mut table: Table = defaults.parse().context("the built-in defaults")?;
    if let Some(path) = environment.get("ITERATIONE_CONFIG") {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read ITERATIONE_CONFIG {path}"))?;
        let overlay: Table = text.parse().with_context(|| format!("{path} is not TOML"))?;
        overlay_table(&mut table, overlay);
    }
    for (name, value) in environment {
        let Some(key) = key_of(name) else { continue };
        let (key, file) = match name.strip_suffix("_FILE") {
            Some(bare) => (key_of(bare).unwrap_or_default(), Some(Path::new(value))),
            None => (key, None),
        };
        let mut path = key.split('.').map(str::to_owned).collect::<Vec<_>>();
        let Some(last) = path.pop() else { continue };
        let (first, known) = path.first().map_or((&last, &SHARED[..]), |first| (first, sections));
        if !table.contains_key(first) && known.contains(&first.as_str()) {
            continue;
        }
        let value = file.map_or_else(|| Ok(value.clone()), |path| read_secret(path, name))?;
        set(&mut table, &path, last, &value, name)?;
    }
    Ok(table)
}

/// `ITERATIONE_API__LISTEN` → `api.listen`; `None` for variables that are not ours.
fn key_of(name: &str) -> Option<String> {
    if let Some((_, key)) = FOREIGN.iter().find(|(n, _)| *n == name || name.strip_suffix("_FILE") == Some(n)) {
        return Some((*key).to_owned());
    }
    let rest = name.strip_prefix("ITERATIONE_")?;
    // These steer tools, not services.
    if rest == "CONFIG" || rest.starts_with("TEST_") {
        return None;
    }
    Some(rest.to_ascii_lowercase().replace("__", "."))
}

fn read_secret(path: &Path, name: &str) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {} named by {name}", path.display()))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn overlay_table(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(b)), Value::Table(a)) => overlay_table(b, a),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn set(table: &mut Table, path: &[String], last: String, text: &str, name: &str) -> anyhow::Result<()> {
    let mut at = table;
    for part in path {
        let Value::Table(next) = at.entry(part.clone()).or_insert_with(|| Value::Table(Table::new())) else {
            bail!("{name}: {part} is not a section");
        };
        at = next;
    }
    // The default tells the type; a key without a default stays text, or what it reads as when serde asks.
    let value = match at.get(&last) {
        Some(Value::Integer(_)) => {
            Value::Integer(text.parse().with_context(|| format!("{name} must be a whole number, not {text:?}"))?)
        }
        Some(Value::Float(_)) => {
            Value::Float(text.parse().with_context(|| format!("{name} must be a number, not {text:?}"))?)
        }
        Some(Value::Boolean(_)) => {
            Value::Boolean(text.parse().with_context(|| format!("{name} must be true or false, not {text:?}"))?)
        }
        Some(Value::Array(_)) => Value::Array(
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| Value::String(s.to_owned())).collect(),
        ),
        _ => Value::String(text.to_owned()),
    };
    at.insert(last, value);
    Ok(())
}

/// The effective configuration for people, secrets masked: what `<service> config` prints.
pub fn effective(defaults: &str, environment: &BTreeMap<String, String>, sections: &[&str]) -> anyhow::Result<String> {
    let mut table = merged(defaults, environment, sections)?;
    mask(&mut table);
    Ok(toml::to_string_pretty(&table)?)
}

/// Passwords that stand in examples and defaults.
const KNOWN_PASSWORDS: [&str; 6] = ["iteratione", "postgres", "password", "changeme", "change-me", "secret"];

/// Fails if one of the URLs (with the key that each is set by) has a password that everybody knows.
pub fn refuse_known_passwords(urls: &[(&str, &str)]) -> anyhow::Result<()> {
    for (key, url) in urls {
        let password = url
            .split_once("://")
            .and_then(|(_, rest)| rest.rsplit_once('@'))
            .and_then(|(authority, _)| authority.split_once(':'));
        if password.is_some_and(|(_, password)| KNOWN_PASSWORDS.contains(&password)) {
            bail!("{key} has a password that stands in examples: choose another");
        }
    }
    Ok(())
}

fn mask(table: &mut Table) {
    for (key, value) in table.iter_mut() {
        match value {
            Value::Table(t) => mask(t),
            Value::String(s) if key.ends_with("secret") || key.ends_with("password") || key.ends_with("_key") => {
                "***".clone_into(s);
            }
            Value::String(s) if key.ends_with("_url") => *s = mask_url(s),
            _ => {}
        }
    }
}

/// `postgres://user:secret@host/db` → `postgres://user:***@host/db`.
fn mask_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((authority, tail)) = rest.rsplit_once('@') else { return url.to_owned() };
    match authority.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{tail}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        database_url: String,
        api: Api,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Api {
        listen: String,
        slots: u32,
        domains: Vec<String>,
    }
    const DEFAULTS: &str = "database_url = \"\"\n[api]\nlisten = \"127.0.0.1:8080\"\nslots = 2\ndomains = []\n";

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_environment_overrides_defaults_by_type() {
        let env = environment(&[
            ("DATABASE_URL", "postgres://u:p@h/d"),
            ("ITERATIONE_API__SLOTS", "7"),
            ("ITERATIONE_API__DOMAINS", "a.test, b.test"),
            ("ITERATIONE_GRADER__SLOTS", "9"),
            ("HOME", "/root"),
        ]);
        let sample: Sample = load(DEFAULTS, &env, &["api", "grader"]).expect("loads");
        assert_eq!((sample.api.slots, sample.api.listen.as_str()), (7, "127.0.0.1:8080"));
        assert_eq!(sample.api.domains, ["a.test", "b.test"]);
        assert_eq!(sample.database_url, "postgres://u:p@h/d");
    }

    #[test]
    fn an_unknown_key_is_fatal_and_named() {
        let env = environment(&[("ITERATIONE_API__LISTNE", "x")]);
        let error = load::<Sample>(DEFAULTS, &env, &["api"]).expect_err("must fail").to_string();
        assert!(error.contains("listne"), "{error}");
    }

    #[test]
    fn what_only_another_service_has_is_ignored_and_its_files_are_not_read() {
        let env = environment(&[
            ("DATABASE_URL", "postgres://h/d"),
            ("ITERATIONE_TICKET_KEY_FILE", "/nowhere/ticket-key"),
            ("ITERATIONE_GRADER__SECRET_FILE", "/nowhere/secret"),
        ]);
        load::<Sample>(DEFAULTS, &env, &["api", "grader"]).expect("loads");
        let env = environment(&[("DATABASE_URL_FILE", "/nowhere/url")]);
        let error = load::<Sample>(DEFAULTS, &env, &["api"]).expect_err("ours is read").to_string();
        assert!(error.contains("DATABASE_URL_FILE"), "{error}");
    }

    #[test]
    fn a_bad_number_names_the_variable() {
        let env = environment(&[("ITERATIONE_API__SLOTS", "many")]);
        let error = load::<Sample>(DEFAULTS, &env, &["api"]).expect_err("must fail").to_string();
        assert!(error.contains("ITERATIONE_API__SLOTS"), "{error}");
    }

    #[test]
    fn a_secret_can_come_from_a_file() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("url");
        std::fs::write(&path, "postgres://f\n").expect("write");
        let env = environment(&[("DATABASE_URL_FILE", path.to_str().expect("utf-8"))]);
        let sample: Sample = load(DEFAULTS, &env, &["api"]).expect("loads");
        assert_eq!(sample.database_url, "postgres://f");
    }

    #[test]
    fn what_is_printed_has_no_secrets() {
        let env = environment(&[("DATABASE_URL", "postgres://u:p4ss@h/d")]);
        let text = effective(DEFAULTS, &env, &["api"]).expect("prints");
        assert!(text.contains("postgres://u:***@h/d") && !text.contains("p4ss"), "{text}");
    }

    /// Names of all keys of a table, as the environment has them.
    fn names(table: &Table, path: &str, out: &mut std::collections::BTreeSet<String>) {
        for (key, value) in table {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Table(inner) if !inner.is_empty() => names(inner, &path, out),
                // Tables by language: a file's business.
                Value::Table(_) => {}
                _ => {
                    let foreign = FOREIGN.iter().find(|(_, k)| *k == path).map(|(n, _)| (*n).to_owned());
                    let ours = || format!("ITERATIONE_{}", path.replace('.', "__").to_ascii_uppercase());
                    out.insert(foreign.unwrap_or_else(ours));
                }
            }
        }
    }

    #[test]
    fn the_env_example_lists_every_key_of_every_service_and_no_other() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut keys = std::collections::BTreeSet::from(["ITERATIONE_CONFIG".to_owned()]);
        let services = ["api", "grader", "runner"].map(|service| format!("crates/{service}/config.toml"));
        for file in services.iter().map(String::as_str).chain(["crates/sandbox/src/config.toml"]) {
            let text = std::fs::read_to_string(root.join(file)).expect(file);
            names(&text.parse().expect(file), "", &mut keys);
        }
        let example = std::fs::read_to_string(root.join(".env.example")).expect(".env.example");
        let listed =
            example.lines().filter_map(|l| l.strip_prefix("# ")?.split_once('=')).map(|(name, _)| name.to_owned());
        let listed =
            listed.filter(|n| n.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')).collect();
        assert_eq!(keys, listed);
    }
}
