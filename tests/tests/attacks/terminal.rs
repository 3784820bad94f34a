//! A3 (run sessions), A4 (attaching to them), A5, and what programs can do to the terminal that they run on.

mod frames;
mod messages;
mod programs;
mod raw;
mod sessions;
mod sockets;
mod strangers;

use iteratione_common::{config::Environment, ids::UserId, terminal::ticket::TicketKey};
use serde_json::{Value, json};
use testkit::{Client, service::Service, stack::Setup};

use crate::frame::{Arena, Row, family_on};

/// A wide margin: whatever is waited for comes within this time, or never.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);
/// No attack may make a service grow by more than so many MiB, however much it sends.
const GROWTH_MB: f64 = 64.0;

fn setup(grace: &str) -> Setup {
    let settings = [
        ("ITERATIONE_RUNNER__SESSIONS", "3"),
        ("ITERATIONE_RUNNER__SESSIONS_PER_ACCOUNT", "2"),
        ("ITERATIONE_RUNNER__MIN_FREE_MEMORY_MB", "0"),
        // Short where it is waited for, long where somebody comes back.
        ("ITERATIONE_RUNNER__GRACE_SECONDS", grace),
        ("ITERATIONE_RUNNER__WALL_SECONDS", "300"),
        ("ITERATIONE_RUNNER__IDLE_SECONDS", "300"),
        ("ITERATIONE_RUNNER__OUTPUT_MB", "8"),
        // The honest account asks for one after each row.
        ("ITERATIONE_API__LIMITS__RUN_TICKET_BURST", "100"),
    ];
    Setup { runners: 1, settings: settings.map(|(name, value)| (name, value.to_owned())).into(), ..Setup::default() }
}

#[test]
fn a3_a4_a5_no_client_of_a_terminal_harms_the_judge_or_gets_in_without_a_ticket() {
    let rows = [sessions::rows(), strangers::rows(), sockets::rows(), messages::rows(), frames::rows()];
    family_on(setup("3"), rows.into_iter().flatten());
}

#[test]
fn a4_a5_who_comes_back_finds_his_own_run_unharmed_and_nobody_else_does() {
    family_on(setup("120"), [strangers::attached(), messages::resizes(), messages::acks()]);
}

#[test]
fn r_i_on_a_terminal_no_program_gets_more_than_its_own_terminal() {
    family_on(setup("3"), programs::rows());
}

/// A new account, signed in.
async fn account(arena: &Arena<'_>) -> Client {
    let client = arena.stack.anonymous();
    let email = format!("{}@attacks.test", uuid());
    let wanted = json!({"email": email, "password": "an attacker's password", "name": "Somebody"});
    client.post("/auth/register", &wanted).await.expect("an account");
    client
}

fn uuid() -> String {
    UserId::new().to_string()
}

/// The key of the test's own installation, which is a developer's.
fn key(text: &str) -> TicketKey {
    TicketKey::from_setting(&text.to_owned().into(), Environment::Dev).expect("a key")
}

/// A genuine ticket of an account that need not exist: the runner knows none.
fn ticket(account: UserId) -> String {
    key("").issue(account, "2199-01-01T00:00:00Z".parse().expect("a moment")).1
}

/// An address for a ticket; `base` is the API's, or a runner's own.
fn address(base: &str, ticket: &str) -> String {
    format!("{}/ws/run?ticket={ticket}", base.replacen("http", "ws", 1))
}

/// Where an account of its own gets a terminal through the API.
fn somebody(arena: &Arena<'_>) -> String {
    address(&arena.stack.url, &ticket(UserId::new()))
}

/// A Python program, as a `run`.
fn python(source: &str) -> Value {
    json!({"type": "run", "language": "python", "files": [{"name": "main.py", "content": source}], "cols": 80, "rows": 24})
}

/// Fails if a service has grown while something was done to it, and says by how much.
async fn growth<T>(arena: &Arena<'_>, doing: impl Future<Output = T>) -> (T, String) {
    for service in arena.stack.services() {
        // From now on the peak is that of this attack. Where the kernel does not allow it, an earlier one may hide it.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", service.pid()), "5");
    }
    let peaks = || -> Vec<f64> { arena.stack.services().filter_map(Service::memory).map(|m| m.peak_mb).collect() };
    let before = peaks();
    let done = doing.await;
    let grown: Vec<f64> = peaks().iter().zip(&before).map(|(after, before)| after - before).collect();
    assert!(grown.iter().all(|mb| *mb < GROWTH_MB), "API, grader and runner have grown by {grown:.0?} MiB");
    (done, format!("API, grader and runner have grown by {grown:.0?} MiB"))
}

/// Waits until no program of this installation has a jail; gives back how long that took, for people.
async fn gone(arena: &Arena<'_>) -> String {
    let begin = std::time::Instant::now();
    testkit::wait::until_true("its jail is gone", PATIENCE, async || arena.stack.used_jails().is_empty()).await;
    format!("{} ms", begin.elapsed().as_millis())
}

/// All rows' shape.
type Rows = Vec<Row>;
