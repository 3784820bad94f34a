//! The Docker client as a program: what the published design is made of, and what tidies up after it.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use tokio::{io::AsyncWriteExt as _, process::Command};

/// For one run of the client.
const DEADLINE: Duration = Duration::from_secs(180);

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code, if it had one.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Ended {
    /// Its output, if it ended well.
    pub fn well(self) -> anyhow::Result<String> {
        let said = String::from_utf8_lossy(&self.stderr);
        ensure!(self.code == Some(0), "it ended with {:?}: {}", self.code, said.trim());
        String::from_utf8(self.stdout).context("its output is not UTF-8")
    }
}

/// Runs the client with this input.
pub async fn run(arguments: &[&str], stdin: &[u8]) -> anyhow::Result<Ended> {
    let mut child = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the Docker client cannot be started")?;
    let pipe = child.stdin.take();
    let work = async {
        if let Some(mut pipe) = pipe {
            // One that does not read its input may have ended.
            let _ = pipe.write_all(stdin).await;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(DEADLINE, work)
        .await
        .with_context(|| format!("docker {} did not end within {} s", arguments.join(" "), DEADLINE.as_secs()))??;
    Ok(Ended { code: output.status.code(), stdout: output.stdout, stderr: output.stderr })
}

/// Runs the client, which must succeed; what it printed.
pub async fn ask(arguments: &[&str]) -> anyhow::Result<String> {
    let said = run(arguments, b"").await?.well().with_context(|| format!("docker {}", arguments.join(" ")))?;
    Ok(said.trim().to_owned())
}

/// Removes every container that carries a label.
pub async fn remove_labelled(label: &str) -> anyhow::Result<()> {
    let found = ask(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &format!("label={label}")]).await?;
    for id in found.lines() {
        // Another may be removing it at the same time.
        let _ = ask(&["rm", "--force", "--volumes", id]).await;
    }
    Ok(())
}
