//! How rows are run. A family of rows shares one installation: an API, one grader and its warm jails.
//!
//! After EVERY row, whatever it did:
//! - the verdict, or whatever else the row is about, is what the row says;
//! - the API has answered its health check all the time;
//! - no jail that held a submission is left, nor any process, folder, cgroup, mount, volume or file of one;
//! - API and grader have stayed small;
//! - an honest program in the same language is graded Accepted by the same processes, and if there are runners, one runs at
//!   a terminal, and they answer their health checks.
//!
//! A row that fails does not keep the others from being run: the family fails at its end and names them all.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use iteratione_common::config::process_environment;
use serde_json::Value;
use testkit::{
    Client,
    classroom::{Classroom, grade},
    console::{Console, program},
    host::{self, Ours},
    labs,
    observer::{self, MemoryTrack, until_stopped},
    programs::Program,
    stack::{Setup, Stack, with_stack},
    statistics::Sample,
    wait::until,
};

pub mod ends;

/// The longest that a row may take on a busy machine, with all that is checked afterwards.
const ROW: Duration = Duration::from_secs(400);
/// All rows of a family, on a busy machine.
const FAMILY: Duration = Duration::from_secs(3600);
/// Until the traces of a row are gone.
const GONE: Duration = Duration::from_secs(60);
/// No service may ever need more memory, in MiB.
const MEMORY_MB: f64 = 200.0;
/// Languages of the honest programs.
pub const LANGUAGES: [&str; 4] = ["java", "python", "c", "cpp"];

/// What a row does: returns what was seen, in a few words, and panics if it is not what must be.
type Attack = Box<dyn for<'a> FnOnce(&'a Arena<'a>) -> LocalBoxFuture<'a, String>>;

/// One attack.
pub struct Row {
    /// Stable: the row of the threat list, and what it does.
    id: &'static str,
    /// Of the honest program that comes next.
    language: &'static str,
    attack: Attack,
}

impl Row {
    /// Any attack. It returns what it has seen, in a few words, and panics if that is not what must be.
    pub fn new(
        id: &'static str,
        language: &'static str,
        attack: impl AsyncFnOnce(&Arena<'_>) -> String + 'static,
    ) -> Self {
        Self { id, language, attack: Box::new(move |arena| Box::pin(async move { attack(arena).await })) }
    }

    /// Whether the environment asks for it.
    fn is_wanted(&self) -> bool {
        let Some(wanted) = process_environment().get("ITERATIONE_TEST_ROWS").cloned() else { return true };
        wanted.split(',').any(|prefix| !prefix.is_empty() && self.id.starts_with(prefix))
    }
}

/// Where attacks take place.
pub struct Arena<'a> {
    /// The installation.
    pub stack: &'a Stack,
    /// A course with two students: the one who attacks and the honest one.
    pub class: Classroom,
    ours: &'a Ours,
    labs: RefCell<BTreeMap<String, String>>,
}

impl Arena<'_> {
    /// Who attacks.
    pub fn attacker(&self) -> &Client {
        &self.class.students[0].client
    }

    /// Who does not.
    pub fn honest(&self) -> &Client {
        &self.class.students[1].client
    }

    /// The id of a published lab with this document; the same document is published once.
    pub async fn lab(&self, document: &Value) -> String {
        let key = document.to_string();
        let known = self.labs.borrow().get(&key).cloned();
        if let Some(id) = known {
            return id;
        }
        let slug = format!("lab-{}", self.labs.borrow().len());
        let id = self.class.publish(&slug, document).await;
        self.labs.borrow_mut().insert(key, id.clone());
        id
    }

    /// Hands in as the attacker and waits for the result, as staff see it.
    pub async fn graded(&self, document: &Value, program: &Program) -> Value {
        let lab = self.lab(document).await;
        let seen = grade(self.attacker(), &lab, program).await;
        let id = seen["id"].as_str().expect("an id");
        self.class.instructor.get(&format!("/submissions/{id}")).await.unwrap_or_else(|e| panic!("{e:#}"))
    }

    /// An honest program is graded Accepted.
    async fn honest_goes_on(&self, language: &str) {
        let lab = self.lab(&labs::sum(&LANGUAGES)).await;
        let result = grade(self.honest(), &lab, &Program::read(&format!("{language}/accepted"))).await;
        assert_eq!(result["verdict"], "AC", "the next honest submission: {result}");
    }

    /// An honest program runs at a terminal.
    async fn honest_runs(&self) {
        for runner in &self.stack.runners {
            assert!(runner.is_alive().await, "{} is not alive", runner.name());
        }
        if !self.stack.runners.is_empty() {
            let echoes = program("python", &[("main.py", "print('still', input())")]);
            let mut console = Console::run(self.stack, self.honest(), echoes).await;
            console.running().await;
            console.type_in("here\r").await;
            console.expect("still here").await;
            assert_eq!(console.exit().await.code, Some(0), "the next honest run");
        }
    }

    /// Nothing that the row has made is left.
    async fn leaves_nothing(&self, before: &BTreeSet<String>) {
        let used = until("every jail that held a submission is gone", GONE, async || {
            let used = self.stack.used_jails();
            used.is_empty().then_some(used)
        });
        used.await;
        until("no program of a student lives", GONE, async || {
            let of_ours = self.stack.containers().await;
            let living = host::jail_processes().into_iter().filter(host::Process::is_program);
            let mut living = living.filter(|p| p.container.as_ref().is_some_and(|c| of_ours.contains(c)));
            living.next().is_none().then_some(())
        })
        .await;
        host::no_strays_but(before, self.ours, GONE).await;
    }
}

/// Runs the rows of a family; fails at the end if one of them has failed.
pub fn family(rows: impl IntoIterator<Item = Row>) {
    family_on(Setup::default(), rows);
}

/// As [`family`], on an installation with other settings. It has one grader, and jails that wait.
pub fn family_on(setup: Setup, rows: impl IntoIterator<Item = Row>) {
    let rows: Vec<Row> = rows.into_iter().filter(Row::is_wanted).collect();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len(), "two rows have the same id");
    if rows.is_empty() {
        println!("no row is wanted");
        return;
    }
    let mut failures = Vec::new();
    let (mut before, mut ours) = (BTreeSet::new(), None);
    with_stack(Setup { graders: 1, slots: 2, warm: 1, ..setup }, FAMILY, async |stack| {
        let ours = ours.insert(Ours::follow(&stack.instance).await);
        before = host::strays(ours).await;
        let arena = Arena { class: stack.classroom("attacks", 2).await, stack, ours, labs: RefCell::default() };
        let mut health = Sample::default();
        let mut memory = MemoryTrack::default();
        for row in rows {
            let (id, begin) = (row.id, Instant::now());
            let running = tokio::time::timeout(ROW, run(&arena, row, &before, &mut memory));
            let outcome = AssertUnwindSafe(running).catch_unwind().await;
            let seconds = begin.elapsed().as_secs_f64();
            let failure = match outcome {
                Ok(Ok(done)) => {
                    println!("{id}: {} ({seconds:.1} s; health {})", done.seen, done.health);
                    health.extend(&done.health);
                    continue;
                }
                Ok(Err(_)) => format!("it had not ended after {} s", ROW.as_secs()),
                Err(panic) => said(&*panic),
            };
            println!("{id}: FAILED ({seconds:.1} s): {failure}");
            // The whole of it has just been printed.
            failures.push(format!("{id}: {}", failure.chars().take(300).collect::<String>()));
        }
        println!("health check during all rows: {health}\nmemory: {memory}");
    });
    // The installation is gone; now nothing at all may be left.
    let ours = ours.expect("the family was run");
    runtime().block_on(host::no_strays_but(&before, &ours, GONE));
    assert!(failures.is_empty(), "{} rows failed:\n{}", failures.len(), failures.join("\n"));
}

struct Done {
    seen: String,
    health: Sample,
}

async fn run(arena: &Arena<'_>, row: Row, before: &BTreeSet<String>, memory: &mut MemoryTrack) -> Done {
    let (stop, observed) = until_stopped();
    let services: Vec<_> = arena.stack.services().collect();
    let anonymous = arena.stack.anonymous();
    let attacking = async {
        let seen = (row.attack)(arena).await;
        stop.stop();
        seen
    };
    let both = async { tokio::join!(attacking, observer::livez(&anonymous, observed)) };
    let (seen, health) = memory.during(&services, both).await;
    arena.leaves_nothing(before).await;
    arena.honest_goes_on(row.language).await;
    arena.honest_runs().await;
    memory.look(services.into_iter());
    memory.assert_below(MEMORY_MB);
    Done { seen, health }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_else(|| "a panic".to_owned())
}
