//! The file system of a language's image as a folder, so that a bare process runs the very same programs.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::docker;

/// For unpacking a gigabyte on a busy machine.
const DEADLINE: Duration = Duration::from_mins(5);

/// The folder of an image's file system below `cache`, unpacked when it is not there yet. Older ones of the language go.
pub async fn of(cache: &Path, language: &str, image: &str, label: &str) -> anyhow::Result<PathBuf> {
    let id = docker::ask(&["image", "inspect", "--format", "{{.Id}}", image]).await?;
    let id: String = id.trim_start_matches("sha256:").chars().take(16).collect();
    let folder = cache.join(format!("{language}-{id}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    std::fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    for entry in std::fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().and_then(|n| n.rsplit_once('-')).is_some_and(|(of, _)| of == language) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    let half = cache.join(format!("{language}-{}.half", std::process::id()));
    std::fs::create_dir_all(&half)?;
    let container = docker::ask(&["create", "--label", label, "--network", "none", image, "true"]).await?;
    let unpacked = unpack(&container, &half).await;
    docker::ask(&["rm", "--force", "--volumes", &container]).await?;
    unpacked?;
    match std::fs::rename(&half, &folder) {
        Ok(()) => Ok(folder),
        // Another run was quicker.
        Err(_) if folder.is_dir() => {
            std::fs::remove_dir_all(&half)?;
            Ok(folder)
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", folder.display())),
    }
}

async fn unpack(container: &str, into: &Path) -> anyhow::Result<()> {
    let mut export = Command::new("docker")
        .args(["export", container])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the Docker client cannot be started")?;
    let stream: Stdio = export.stdout.take().context("no stream")?.try_into()?;
    let mut tar = Command::new("tar")
        .args(["--extract", "--numeric-owner", "--exclude=dev/*", "--directory"])
        .arg(into)
        .stdin(stream)
        .kill_on_drop(true)
        .spawn()
        .context("tar cannot be started")?;
    let both = async { anyhow::Ok((export.wait().await?, tar.wait().await?)) };
    let (exported, unpacked) =
        tokio::time::timeout(DEADLINE, both).await.context("unpacking an image took too long")??;
    ensure!(exported.success() && unpacked.success(), "the image's file system could not be unpacked");
    Ok(())
}
