//! Where the tests find what they test. All of it has defaults for a developer's checkout.

use std::path::{Path, PathBuf};

use iteratione_common::{config::process_environment, language::Choice};

const DATABASE_URL: &str = "postgres://iteratione:iteratione@127.0.0.1:54329/iteratione_dev";
const REDIS_URL: &str = "redis://127.0.0.1:63799";

/// Where things are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ITERATIONE_TEST_DATABASE_URL`: a server on which databases may be made.
    pub database_url: String,
    /// `ITERATIONE_TEST_REDIS_URL`: shared by tests that do not break it.
    pub redis_url: String,
    /// `ITERATIONE_TEST_BIN_DIR`: the services' programs.
    pub bin_dir: PathBuf,
    /// `ITERATIONE_TEST_HARNESS`: the static harness.
    pub harness: PathBuf,
    /// `ITERATIONE_TEST_LANGUAGES_DIR`: one folder per language.
    pub languages_dir: PathBuf,
    /// `ITERATIONE_TEST_LANGUAGES`: ids of the languages whose folders are tested, as `ITERATIONE_LANGUAGES` has them.
    pub languages: Choice,
}

impl Settings {
    /// Reads the environment.
    pub fn read() -> Self {
        let environment = process_environment();
        let variable = |name: &str| environment.get(&format!("ITERATIONE_TEST_{name}")).cloned();
        let path = |name: &str, default: PathBuf| variable(name).map_or(default, PathBuf::from);
        let root = repository();
        let target = environment.get("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let static_target = format!("{}-unknown-linux-gnu/debug/iteratione-harness", std::env::consts::ARCH);
        let ids = variable("LANGUAGES").unwrap_or_default();
        let ids: Vec<_> = ids.split([',', ' ']).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Self {
            database_url: variable("DATABASE_URL").unwrap_or_else(|| DATABASE_URL.to_owned()),
            redis_url: variable("REDIS_URL").unwrap_or_else(|| REDIS_URL.to_owned()),
            bin_dir: path("BIN_DIR", target.join("debug")),
            harness: path("HARNESS", target.join(static_target)),
            languages_dir: path("LANGUAGES_DIR", root.join("images")),
            languages: Choice::new(&ids).expect("ITERATIONE_TEST_LANGUAGES"),
        }
    }

    /// A service's program.
    pub fn program(&self, name: &str) -> PathBuf {
        let path = self.bin_dir.join(name);
        assert!(path.is_file(), "there is no program {}: build it first (cargo build -p {name})", path.display());
        path
    }

    /// A number that a single test knows, e.g. `ITERATIONE_TEST_STORM`.
    pub fn number(variable: &str, default: usize) -> usize {
        let text = process_environment().get(variable).cloned();
        text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")))
    }
}

/// The checkout.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_path_buf()
}
