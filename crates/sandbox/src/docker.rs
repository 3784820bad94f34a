//! The Docker daemon: the only module that names bollard.
//!
//! Every request has a deadline. Containers are never named and never removed by the daemon itself: they carry labels,
//! and whoever made them removes them. Streams do not go through bollard, see [`attach`].

use std::{collections::HashMap, future::Future, path::PathBuf, time::Duration};

use bollard::{
    errors::Error as BollardError,
    models::ContainerUpdateBody,
    query_parameters::{
        CreateContainerOptions, InspectContainerOptions, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
        StartContainerOptions,
    },
};

use crate::{Resources, SandboxError};

pub mod attach;
pub mod demux;
pub mod host_config;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// A connection to the daemon. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Docker {
    client: bollard::Docker,
    socket: PathBuf,
    deadline: Duration,
}

/// An image, as far as a jail needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…` of its configuration.
    pub id: String,
    /// `NAME=value` of its environment.
    pub env: Vec<String>,
    /// Folders for which Docker would make writable volumes on the host's disk.
    pub volumes: Vec<String>,
}

/// A container found by its labels.
#[derive(Debug, Clone)]
pub struct Found {
    /// Docker's id.
    pub id: String,
    /// All its labels.
    pub labels: HashMap<String, String>,
}

/// What the daemon is and can do.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    /// Its version.
    pub version: String,
    /// Names of its OCI runtimes.
    pub runtimes: Vec<String>,
    /// Which of them it uses when none is named.
    pub default_runtime: String,
    /// Version of runc as it says of itself.
    pub runc_version: Option<String>,
    /// Limits that its kernel cannot enforce, for people; empty is good.
    pub missing_limits: Vec<&'static str>,
}

impl Docker {
    /// Connects to `host` (`unix:///path`, or empty for the default socket) and agrees on an API version.
    pub async fn connect(host: &str, deadline: Duration) -> Result<Self, SandboxError> {
        let socket = if host.is_empty() { DEFAULT_SOCKET } else { host.strip_prefix("unix://").unwrap_or(host) };
        let client =
            bollard::Docker::connect_with_unix(socket, deadline.as_secs().max(1), bollard::API_DEFAULT_VERSION)
                .map_err(|e| SandboxError::Docker(format!("no daemon at {socket}: {e}")))?;
        let this = Self { client: client.clone(), socket: PathBuf::from(socket), deadline };
        // The version lives behind an Arc that both share.
        this.call("version", client.negotiate_version()).await?;
        Ok(this)
    }

    /// Makes a container and returns its id.
    pub async fn create(&self, spec: &host_config::ContainerSpec<'_>) -> Result<String, SandboxError> {
        let body = host_config::create_body(spec);
        let created = self.call("create", self.client.create_container(None::<CreateContainerOptions>, body)).await?;
        for warning in created.warnings {
            tracing::warn!(container.id = %created.id, warning, "Docker warns");
        }
        Ok(created.id)
    }

    /// Starts a container.
    pub async fn start(&self, id: &str) -> Result<(), SandboxError> {
        self.call("start", self.client.start_container(id, None::<StartContainerOptions>)).await
    }

    /// Opens the raw streams of a container. Must come before [`Docker::start`], or the first bytes are lost.
    pub async fn attach(&self, id: &str) -> Result<attach::Attached, SandboxError> {
        let api = format!("v{}", self.client.client_version());
        let opening = attach::attach(&self.socket, &api, id);
        match tokio::time::timeout(self.deadline, opening).await {
            Ok(Ok(attached)) => Ok(attached),
            Ok(Err(error)) => Err(failed("attach", format!("attach: {error}"))),
            Err(_) => Err(late("attach")),
        }
    }

    /// Changes what a running container may use.
    pub async fn update(&self, id: &str, resources: Resources, cpu_period: Duration) -> Result<(), SandboxError> {
        let limits = host_config::Limits::of(resources, cpu_period);
        let body = ContainerUpdateBody {
            memory: Some(limits.memory),
            memory_swap: Some(limits.memory),
            cpu_period: Some(limits.cpu_period),
            cpu_quota: Some(limits.cpu_quota),
            pids_limit: Some(limits.pids),
            ..Default::default()
        };
        self.call("update", self.client.update_container(id, body)).await
    }

    /// Kills and removes a container with its anonymous volumes. One that is already gone is a success.
    pub async fn remove(&self, id: &str) -> Result<(), SandboxError> {
        let mut pause = Duration::from_millis(20);
        // While another removal of it is under way Docker says 409; then it is gone, or that removal failed.
        for _ in 0..8 {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let request = self.client.remove_container(id, Some(options));
            match self.answer("remove", request).await? {
                Ok(()) => return Ok(()),
                Err(e) if status(&e) == Some(404) => return Ok(()),
                Err(e) if status(&e) == Some(409) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(e) => return Err(failed("remove", words(&e))),
            }
        }
        Err(failed("remove", format!("container {id} is being removed and does not go")))
    }

    /// All containers, running or not, that carry every one of these labels (`name=value`).
    pub async fn list(&self, labels: &[String]) -> Result<Vec<Found>, SandboxError> {
        let filters = HashMap::from([("label".to_owned(), labels.to_vec())]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.call("list", self.client.list_containers(Some(options))).await?;
        Ok(found.into_iter().filter_map(|c| Some(Found { id: c.id?, labels: c.labels.unwrap_or_default() })).collect())
    }

    /// An image by name or id.
    pub async fn image(&self, name: &str) -> Result<Image, SandboxError> {
        let image = match self.answer("image", self.client.inspect_image(name)).await? {
            Ok(image) => image,
            Err(e) if status(&e) == Some(404) => return Err(SandboxError::ImageMissing(name.to_owned())),
            Err(e) => return Err(failed("image", words(&e))),
        };
        let id = image.id.ok_or_else(|| failed("image", format!("{name} has no id")))?;
        let config = image.config.unwrap_or_default();
        Ok(Image { id, env: config.env.unwrap_or_default(), volumes: config.volumes.unwrap_or_default() })
    }

    /// Everything that Docker says of a container, as JSON of its API.
    pub async fn inspect(&self, id: &str) -> Result<serde_json::Value, SandboxError> {
        let inspected =
            self.call("inspect", self.client.inspect_container(id, None::<InspectContainerOptions>)).await?;
        serde_json::to_value(inspected).map_err(|e| failed("inspect", e.to_string()))
    }

    /// What the daemon is and can do.
    pub async fn engine(&self) -> Result<Engine, SandboxError> {
        let info = self.call("info", self.client.info()).await?;
        let version = self.call("version", self.client.version()).await?;
        let mut missing_limits = Vec::new();
        for (has, what) in [
            (info.memory_limit, "memory"),
            (info.swap_limit, "swap"),
            (info.cpu_cfs_quota, "CPU quota"),
            (info.pids_limit, "number of processes"),
        ] {
            if has == Some(false) {
                missing_limits.push(what);
            }
        }
        if !info.security_options.unwrap_or_default().iter().any(|o| o.contains("seccomp")) {
            missing_limits.push("system calls (seccomp)");
        }
        Ok(Engine {
            version: version.version.unwrap_or_default(),
            runtimes: info.runtimes.unwrap_or_default().into_keys().collect(),
            default_runtime: info.default_runtime.unwrap_or_default(),
            runc_version: version
                .components
                .unwrap_or_default()
                .into_iter()
                .find(|c| c.name == "runc")
                .map(|c| c.version),
            missing_limits,
        })
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, BollardError>>,
    ) -> Result<T, SandboxError> {
        self.answer(operation, request).await?.map_err(|e| failed(operation, words(&e)))
    }

    async fn answer<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, BollardError>>,
    ) -> Result<Result<T, BollardError>, SandboxError> {
        tokio::time::timeout(self.deadline, request).await.map_err(|_| late(operation))
    }
}

fn late(operation: &'static str) -> SandboxError {
    metrics::counter!("iteratione_docker_errors_total", "operation" => operation).increment(1);
    SandboxError::Timeout(match operation {
        "create" => "creating a container",
        "start" => "starting a container",
        "attach" => "attaching to a container",
        "remove" => "removing a container",
        "update" => "changing a container's limits",
        _ => "a request to the Docker daemon",
    })
}

fn failed(operation: &'static str, words: String) -> SandboxError {
    metrics::counter!("iteratione_docker_errors_total", "operation" => operation).increment(1);
    SandboxError::Docker(words)
}

fn status(error: &BollardError) -> Option<u16> {
    match error {
        BollardError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The daemon's own words, without the library's around them; otherwise the whole chain of causes.
fn words(error: &BollardError) -> String {
    if let BollardError::DockerResponseServerError { message, .. } = error {
        return message.trim().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(c) = cause {
        let c_text = c.to_string();
        if !text.contains(&c_text) {
            text = format!("{text}: {c_text}");
        }
        cause = c.source();
    }
    text
}
