//! Containers of jails by hand, request by request: for figures.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use bollard::{
    models::ContainerCreateBody,
    query_parameters::{CreateContainerOptions, RemoveContainerOptionsBuilder},
};
use iteratione_sandbox::{
    docker::{Docker, Image, attach::Attached, host_config},
    labels::{Identity, Kind},
};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use crate::support::{BASE, DEADLINE, Site, harness};

/// Where the time of one container went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cycle {
    pub create: Duration,
    pub attach: Duration,
    pub start: Duration,
    pub hello: Duration,
    pub remove: Duration,
}

impl Cycle {
    pub fn until_hello(self) -> Duration {
        self.create + self.attach + self.start + self.hello
    }

    pub fn whole(self) -> Duration {
        self.until_hello() + self.remove
    }
}

pub struct Workshop {
    site: Site,
    docker: Docker,
    client: bollard::Docker,
    image: Image,
    identity: Identity,
    harness: PathBuf,
    hosts: PathBuf,
    folder: PathBuf,
}

impl Workshop {
    pub async fn open() -> Self {
        let site = Site::base();
        std::fs::create_dir_all(&site.root).expect("mkdir");
        let (hosts, folder) = (site.root.join("hosts"), site.root.join("src"));
        std::fs::write(&hosts, "127.0.0.1 localhost\n").expect("write");
        std::fs::create_dir(&folder).expect("mkdir");
        let docker = Docker::connect("", DEADLINE).await.expect("a daemon");
        let client = bollard::Docker::connect_with_unix("/var/run/docker.sock", 90, bollard::API_DEFAULT_VERSION)
            .expect("a daemon")
            .negotiate_version()
            .await
            .expect("a version");
        let image = docker.image(BASE).await.expect("the image");
        let identity = Identity::new(&site.instance, &site.root, Uuid::new_v4());
        Self { harness: harness(), docker, client, image, identity, hosts, folder, site }
    }

    /// What a jail is made of.
    pub fn body(&self) -> ContainerCreateBody {
        host_config::create_body(&host_config::ContainerSpec {
            image: &self.image,
            arguments: &[],
            labels: self.identity.labels(Kind::Jail, "base", Uuid::new_v4()),
            resources: self.site.config.default_resources(),
            cpu_period: self.site.config.cpu_period(),
            harness: &self.harness,
            hosts: &self.hosts,
            folder: (&self.folder, "/src"),
            config: &self.site.config,
        })
    }

    /// A container whose harness has said hello.
    pub async fn bring_up(&self, body: ContainerCreateBody) -> (String, Attached, Cycle) {
        let mut cycle = Cycle::default();
        let began = Instant::now();
        let created = self.client.create_container(None::<CreateContainerOptions>, body).await.expect("created");
        cycle.create = began.elapsed();
        let began = Instant::now();
        let mut attached = self.docker.attach(&created.id).await.expect("attached");
        cycle.attach = began.elapsed();
        let began = Instant::now();
        self.docker.start(&created.id).await.expect("started");
        cycle.start = began.elapsed();
        let began = Instant::now();
        if attached.early.is_empty() {
            let mut buffer = [0; 256];
            let read = tokio::time::timeout(DEADLINE, attached.reader.read(&mut buffer)).await;
            assert!(read.expect("in time").expect("readable") > 0, "the harness says hello");
        }
        cycle.hello = began.elapsed();
        (created.id, attached, cycle)
    }

    pub async fn remove(&self, id: &str) {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        self.client.remove_container(id, Some(options)).await.expect("removed");
    }

    /// One container from nothing to nothing.
    pub async fn cycle(&self, body: ContainerCreateBody) -> Cycle {
        let (id, attached, mut cycle) = self.bring_up(body).await;
        let began = Instant::now();
        self.remove(&id).await;
        drop(attached);
        cycle.remove = began.elapsed();
        cycle
    }
}

pub fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// One line per arm: medians of each request, and of the whole with its range.
pub fn print_cycles<A: Copy + PartialEq + std::fmt::Debug>(arms: &[A], cycles: &[(A, Cycle)]) {
    println!("| arm | create | attach | start | hello | create..hello (min-max) | remove | cycle | n |");
    for arm in arms {
        let own: Vec<Cycle> = cycles.iter().filter(|(a, _)| a == arm).map(|(_, c)| *c).collect();
        let of = |f: fn(Cycle) -> Duration| ms(median(own.iter().copied().map(f)));
        let hellos = || own.iter().map(|c| ms(c.until_hello()));
        println!(
            "| {arm:?} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} ({:.1}-{:.1}) | {:.1} | {:.1} | {} |",
            of(|c| c.create),
            of(|c| c.attach),
            of(|c| c.start),
            of(|c| c.hello),
            of(Cycle::until_hello),
            hellos().fold(f64::MAX, f64::min),
            hellos().fold(0.0, f64::max),
            of(|c| c.remove),
            of(Cycle::whole),
            own.len(),
        );
    }
}
