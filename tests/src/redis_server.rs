//! A Redis of a test's own, for tests that kill or empty it.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::{Child, Command};

use crate::{stack::free_port, wait::until_true};

/// A private Redis server, without anything on disk.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: std::path::PathBuf,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one.
    pub async fn start(folder: &Path) -> Self {
        let mut server = Self { port: free_port(), folder: folder.to_path_buf(), child: None };
        server.start_again().await;
        server
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it where it was before, empty.
    pub async fn start_again(&mut self) {
        assert!(self.child.is_none(), "Redis runs already");
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning"])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        until_true("Redis answers", Duration::from_secs(20), async || self.command("PING").await.is_ok()).await;
    }

    /// Kills it.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("Redis runs");
        child.start_kill().expect("it can be killed");
        tokio::time::timeout(Duration::from_secs(10), child.wait()).await.expect("Redis ends").expect("a child");
    }

    /// Forgets everything.
    pub async fn flush(&self) {
        self.command("FLUSHALL").await.expect("Redis answers");
    }

    async fn command(&self, command: &str) -> anyhow::Result<()> {
        let doing = async {
            let client = redis::Client::open(self.url())?;
            let mut connection = client.get_multiplexed_async_connection().await?;
            redis::cmd(command).query_async::<redis::Value>(&mut connection).await?;
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(5), doing).await?
    }
}

/// Removes what an installation has written into a shared Redis.
pub async fn forget(url: &str, instance: &str) {
    let doing = async {
        let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let pattern = format!("*{instance}*");
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(1000)
                .query_async(&mut connection)
                .await?;
            if !keys.is_empty() {
                redis::cmd("DEL").arg(&keys).query_async::<redis::Value>(&mut connection).await?;
            }
            cursor = next;
            if cursor == 0 {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), doing).await.expect("Redis answers").expect("Redis forgets");
}
