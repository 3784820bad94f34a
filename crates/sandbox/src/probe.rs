//! The Volume Trap: a service in a container asks the host's daemon to mount a path, and the daemon takes it for a path
//! of the host. So at start a file is written into the workspace and read back through a container.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use crate::{
    SandboxError,
    docker::{
        Image,
        attach::Attached,
        demux::{Demux, Stream},
        host_config::ContainerSpec,
    },
    labels::Kind,
    pool::{Pool, janitor::Tenancy},
};

const FOLDER_INSIDE: &str = "/probe";
const TOKEN: &str = "token";
/// The token is 32 bytes; a harness that complains needs a little more.
const MOST_SAID: usize = 4096;

/// Proves that the daemon mounts our workspace, or explains what to do.
pub(crate) async fn prove_workspace(pool: &Pool) -> anyhow::Result<()> {
    let image = first_image(pool).await?;
    let jail = Uuid::new_v4();
    let folder = pool.workspace.jail_folder(pool.identity.owner, jail);
    let mut tenancy = pool.janitor.tenancy(jail, folder.path.clone());
    pool.workspace.make_jail_folder(&folder)?;
    let token = Uuid::new_v4().simple().to_string();
    fs::write(folder.src.join(TOKEN), &token)
        .with_context(|| format!("cannot write below {}", folder.src.display()))?;

    let read = read_through_container(pool, &image, jail, &mut tenancy).await;
    tenancy.end_and_wait().await;
    let root = pool.workspace.root().display();
    match read {
        Ok(said) if said.trim_ascii() == token.as_bytes() => Ok(()),
        Ok(said) => {
            bail!("{}", explain(&root, &format!("it read {:?} instead of the file", String::from_utf8_lossy(&said))))
        }
        Err(SandboxError::Docker(words)) if words.contains("bind source path does not exist") => {
            bail!("{}", explain(&root, &words))
        }
        Err(e) => Err(e).context(format!("cannot run the harness in a container of {}", image.id)),
    }
}

fn explain(root: &dyn std::fmt::Display, found: &str) -> String {
    format!(
        "the Docker daemon does not see the workspace {root} as this service does ({found}). Jails get their files from \
         there by bind mounts that the daemon resolves on its own host: it must be the same folder at the same absolute \
         path for both. Make {root} on the host and, if this service runs in a container, mount it there as \
         \"{root}:{root}\"; or set sandbox.workspace_root to a path that both share"
    )
}

async fn first_image(pool: &Pool) -> anyhow::Result<Image> {
    let mut last = None;
    for language in pool.languages.iter() {
        match pool.docker.image(&language.image).await {
            Ok(image) => return Ok(image),
            Err(e) => last = Some(e),
        }
    }
    let error = last.map_or_else(|| anyhow::anyhow!("there are no languages"), anyhow::Error::from);
    Err(error.context("no language's image is on this Docker host: build them first"))
}

async fn read_through_container(
    pool: &Pool,
    image: &Image,
    jail: Uuid,
    tenancy: &mut Tenancy,
) -> Result<Vec<u8>, SandboxError> {
    let folder = pool.workspace.jail_folder(pool.identity.owner, jail);
    let spec = ContainerSpec {
        image,
        arguments: &["probe", &format!("{FOLDER_INSIDE}/{TOKEN}")],
        labels: pool.identity.labels(Kind::Probe, "", jail),
        resources: pool.config.default_resources(),
        cpu_period: pool.config.cpu_period(),
        harness: &pool.workspace.for_docker(pool.workspace.harness()),
        hosts: &pool.workspace.for_docker(&pool.workspace.hosts()),
        folder: (&pool.workspace.for_docker(&folder.src), FOLDER_INSIDE),
        config: &pool.config,
    };
    tenancy.creating();
    let container = pool.docker.create(&spec).await?;
    tenancy.created(&container);
    let attached = pool.docker.attach(&container).await?;
    pool.docker.start(&container).await?;
    let within = Duration::from_millis(pool.config.hello_ms);
    tokio::time::timeout(within, everything(attached))
        .await
        .map_err(|_| SandboxError::Timeout("the probe container"))?
}

/// All that the container says until its end, both streams as one.
async fn everything(mut attached: Attached) -> Result<Vec<u8>, SandboxError> {
    let mut demux = Demux::new();
    let mut said = Vec::new();
    let mut keep = |_: Stream, bytes: &[u8]| {
        let room = MOST_SAID.saturating_sub(said.len());
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
    };
    let mut feed = |bytes: &[u8]| demux.feed(bytes, &mut keep).map_err(|e| SandboxError::Protocol(e.to_string()));
    feed(&attached.early)?;
    let mut buffer = vec![0; 4096];
    loop {
        match attached.reader.read(&mut buffer).await {
            Ok(0) => break,
            Ok(n) => feed(&buffer[..n])?,
            Err(e) => return Err(SandboxError::JailLost(format!("its stream broke: {e}"))),
        }
    }
    Ok(said)
}
