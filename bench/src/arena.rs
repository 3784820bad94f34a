//! Where it is measured: folders of its own, a deployment of its own, and nothing of it left behind.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use iteratione_common::{
    config::load,
    language::{Choice, Languages},
    lifecycle::Lifecycle,
};
use iteratione_sandbox::{DEFAULTS, Sandbox, SandboxConfig};
use serde::Deserialize;
use uuid::Uuid;

use crate::{docker, published::Published, rootfs, work::Work};

/// Until a pool is full, on a busy machine.
const FULL: Duration = Duration::from_secs(180);

/// Folders and names of one run.
#[derive(Debug)]
pub struct Arena {
    /// What is kept from run to run, and what is made for this one.
    home: PathBuf,
    languages_dir: PathBuf,
    harness: PathBuf,
    /// The deployment's name.
    instance: String,
}

/// What a sandbox keeps ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: every jail is started when it is asked for, and compiles for itself.
    Nothing,
    /// As much as an installation does by default, but with no more CPU for a compiler that stays than for a jail.
    Strictly,
    /// As an installation does by default.
    AsInstalled,
}

/// A running sandbox of one language.
#[derive(Debug, Clone)]
pub struct Site {
    /// The sandbox.
    pub sandbox: Sandbox,
    language: String,
    /// Jails that wait when all is quiet.
    jails: usize,
    /// Compilers that wait when all is quiet.
    compilers: usize,
}

impl Arena {
    /// Makes the folders.
    pub fn new(home: &Path, languages_dir: &Path, harness: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
        let home = home.canonicalize()?;
        let instance = format!("bench-{}", Uuid::new_v4().simple());
        let harness = harness.canonicalize().with_context(|| format!("no harness at {}", harness.display()))?;
        let languages_dir = languages_dir.canonicalize().context("no folder of languages")?;
        Ok(Self { home, languages_dir, harness, instance })
    }

    /// The label of every container of this run: the one of a deployment's.
    pub fn label(&self) -> String {
        format!("iteratione.deployment={}", self.instance)
    }

    /// One language alone; `None` if it or its image is not there.
    pub async fn language(&self, id: &str) -> anyhow::Result<Option<Languages>> {
        if !self.languages_dir.join(id).join("language.toml").is_file() {
            return Ok(None);
        }
        let languages = Languages::chosen(&self.languages_dir, &Choice::new(&[id.to_owned()])?)?;
        let image = languages.get(id).map(|l| l.image.clone()).unwrap_or_default();
        let there = docker::run(&["image", "inspect", "--format", "{{.Id}}", &image], b"").await?;
        Ok((there.code == Some(0)).then_some(languages))
    }

    /// Settings as an installation has them by default, but for its folders.
    pub fn config(&self) -> anyhow::Result<SandboxConfig> {
        #[derive(Deserialize)]
        struct Service {
            sandbox: SandboxConfig,
        }
        let mut config = load::<Service>(DEFAULTS, &BTreeMap::new(), &["sandbox"])?.sandbox;
        config.workspace_root = self.home.join("workspaces");
        config.harness.clone_from(&self.harness);
        Ok(config)
    }

    /// A sandbox of one language.
    pub async fn site(&self, languages: &Languages, language: &str, keep: Keep) -> anyhow::Result<Site> {
        let mut config = self.config()?;
        match keep {
            Keep::Nothing => {
                (config.pool_floor, config.pool_ceiling, config.compilers) = (0, 0, 0);
                config.pool_floors.clear();
                config.pool_ceilings.clear();
            }
            Keep::Strictly => config.compiler_cpus = config.cpus,
            Keep::AsInstalled => {}
        }
        let has_compiler = languages.get(language).is_some_and(|l| l.warm.is_some());
        let (jails, compilers) = (config.pool_floor, if has_compiler { config.compilers } else { 0 });
        let sandbox = Sandbox::start(config, self.instance.clone(), languages.clone(), Lifecycle::new())
            .await
            .context("the sandbox does not start")?;
        Ok(Site { sandbox, language: language.to_owned(), jails, compilers })
    }

    /// The published design for some work.
    pub fn published(&self, languages: &Languages, work: &Work) -> anyhow::Result<Published> {
        let language = languages.get(work.language).context("no such language")?;
        Ok(Published::new(&self.home, language, &self.label(), self.config()?.cpus))
    }

    /// The file system of a language's image.
    pub async fn rootfs(&self, languages: &Languages, id: &str) -> anyhow::Result<PathBuf> {
        let language = languages.get(id).context("no such language")?;
        rootfs::of(&self.home.join("rootfs"), id, &language.image, &self.label()).await
    }

    /// An empty folder of this run.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        let folder = self.home.join("published").join(Uuid::new_v4().simple().to_string());
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Removes whatever carries this run's name.
    pub async fn end(&self) -> anyhow::Result<()> {
        docker::remove_labelled(&self.label()).await?;
        let _ = std::fs::remove_dir_all(self.home.join("workspaces").join(&self.instance));
        Ok(())
    }
}

impl Site {
    /// Waits until what it keeps ready is ready, and nothing is being started or removed.
    pub async fn settled(&self, in_use: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut since = Instant::now();
        let mut seen = (0, 0, 0);
        loop {
            let now = (self.sandbox.warm(&self.language), self.sandbox.compilers(&self.language), self.sandbox.live());
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            let (jails, compilers, live) = now;
            // Those that are started or removed are alive, and wait nowhere.
            let quiet = since.elapsed() > Duration::from_millis(50) && live == jails + compilers + in_use;
            if quiet && jails >= self.jails && compilers >= self.compilers {
                return Ok(());
            }
            if began.elapsed() > FULL {
                bail!("after {} s {jails} jails and {compilers} compilers wait, of {live} in all", FULL.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
