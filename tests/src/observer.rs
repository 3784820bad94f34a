//! What it is like to use the judge while it is busy: the answers to `/livez` and to logins, and the services' memory,
//! measured until the observer is told to stop.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    Client,
    classroom::Student,
    service::{Memory, Service},
    statistics::Sample,
};

const LIVEZ: Duration = Duration::from_millis(100);
const LOGIN: Duration = Duration::from_millis(500);
const MEMORY: Duration = Duration::from_millis(200);

/// Ends the observers when it is dropped or told to.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Until when to observe.
#[derive(Debug, Clone)]
pub struct Until(watch::Receiver<bool>);

/// A way to end observers, and what to hand to them.
pub fn until_stopped() -> (Stop, Until) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Until(receiver))
}

impl Stop {
    /// Ends the observers.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Until {
    /// Waits; `false` when it is time to end.
    pub async fn pause(&mut self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.0.wait_for(|stopped| *stopped)).await.is_err()
    }
}

/// Measures `GET /livez`; each must be answered with 200.
pub async fn livez(client: &Client, mut until: Until) -> Sample {
    let mut sample = Sample::default();
    while until.pause(LIVEZ).await {
        let begin = Instant::now();
        let answer = client.plain("/livez").await.unwrap_or_else(|e| panic!("{e:#}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        sample.add(begin.elapsed());
    }
    sample
}

/// Measures logins of one after the other; each must succeed.
pub async fn logins(url: &str, students: &[Student], mut until: Until) -> Sample {
    let mut sample = Sample::default();
    for student in students.iter().cycle() {
        if !until.pause(LOGIN).await {
            break;
        }
        let client = Client::new(url).expect("a client");
        let begin = Instant::now();
        client.login(&student.email, student.password).await.unwrap_or_else(|e| panic!("{e:#}"));
        sample.add(begin.elapsed());
    }
    sample
}

/// Memory of processes over time.
#[derive(Debug, Default)]
pub struct MemoryTrack {
    first: BTreeMap<String, Memory>,
    most: BTreeMap<String, Memory>,
}

impl MemoryTrack {
    /// Looks at the services once. A restarted one goes on under its name.
    pub fn look<'a>(&mut self, services: impl Iterator<Item = &'a Service>) {
        for service in services {
            let Some(memory) = service.memory() else { continue };
            self.first.entry(service.name().to_owned()).or_insert(memory);
            let most = self.most.entry(service.name().to_owned()).or_default();
            most.now_mb = most.now_mb.max(memory.now_mb);
            most.peak_mb = most.peak_mb.max(memory.peak_mb);
        }
    }

    /// Fails if any service has ever had more than so many MiB.
    pub fn assert_below(&self, mb: f64) {
        assert!(!self.most.is_empty(), "nothing was measured");
        assert!(self.most.values().all(|m| m.peak_mb.max(m.now_mb) < mb), "more than {mb} MiB: {self}");
    }

    /// Looks every now and then while something else is awaited.
    pub async fn during<T>(&mut self, services: &[&Service], doing: impl Future<Output = T>) -> T {
        let mut doing = std::pin::pin!(doing);
        loop {
            self.look(services.iter().copied());
            if let Ok(done) = tokio::time::timeout(MEMORY, &mut doing).await {
                return done;
            }
        }
    }
}

impl fmt::Display for MemoryTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, most) in &self.most {
            let first = self.first.get(name).map_or(0.0, |m| m.now_mb);
            write!(f, "{name}: {first:.0} MiB at first, at most {:.0} MiB; ", most.peak_mb.max(most.now_mb))?;
        }
        Ok(())
    }
}
