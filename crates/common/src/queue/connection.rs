//! One way to Redis for the queue and the events: a pool for short commands, single connections for what blocks.

use std::time::Duration;

use anyhow::Context as _;
use deadpool_redis::{Connection, Manager, Pool, Runtime, Timeouts};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};

/// How long a short command, or getting a connection for it, may take.
const COMMAND: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(1);
/// Short commands are pipelined over few connections; more would only wait inside Redis, which has one thread.
const CONNECTIONS: usize = 8;

/// Where Redis is, and under which prefix this installation's keys are. Connects when first used.
#[derive(Clone)]
pub(crate) struct Redis {
    pool: Pool,
    client: Client,
    prefix: String,
}

impl Redis {
    pub(crate) fn new(url: &str, namespace: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !namespace.is_empty() && namespace.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
            "the instance's name may have letters, digits and -_. only, not {namespace:?}"
        );
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(COMMAND));
        let manager = Manager::new_with_config(url, config).context("redis_url")?;
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .timeouts(Timeouts { wait: Some(COMMAND), create: Some(CONNECT), recycle: Some(CONNECT) })
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, client: Client::open(url)?, prefix: format!("{{iteratione:{namespace}}}") })
    }

    /// A key of this installation. All share one hash tag, so that scripts may use several in a cluster.
    pub(crate) fn key(&self, name: impl std::fmt::Display) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// For short commands.
    pub(crate) async fn command(&self) -> anyhow::Result<Connection> {
        self.pool.get().await.context("no connection to Redis")
    }

    /// For one reader that blocks. It has no reply timeout: an abandoned BLOCK would stay registered at the server and
    /// swallow the next entry. The caller sets a deadline, and after one throws the connection away.
    pub(crate) async fn blocking(&self) -> anyhow::Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await.context("no connection to Redis")
    }

    /// For subscriptions.
    pub(crate) async fn subscriber(&self) -> anyhow::Result<redis::aio::PubSub> {
        tokio::time::timeout(COMMAND, self.client.get_async_pubsub())
            .await
            .context("Redis does not answer")?
            .context("no connection to Redis")
    }
}
