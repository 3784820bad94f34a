//! Many submissions at once, a third of them hostile, while a grader is killed: each ends once and right, and meanwhile
//! the judge is quick to answer, keeps its secrets and its memory.
//!
//! `ITERATIONE_TEST_STORM` makes it another number than 200.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Client,
    classroom::{Classroom, Student, grade, result, submit},
    labs::{self, with},
    observer::{self, MemoryTrack, Until, until_stopped},
    programs::Program,
    settings::Settings,
    spy::{lab_with_secrets, spy},
    stack::{Setup, Stack, with_stack},
    wait::{until, until_true},
};

const LANGUAGES: [&str; 4] = ["java", "python", "c", "cpp"];
const DEADLINE: Duration = Duration::from_secs(900);
/// Submissions, unless the environment says otherwise: the promise.
const SUBMISSIONS: usize = 200;
/// What an account may have under way is 20.
const EACH: usize = 20;
/// No service may ever need more memory, in MiB.
const MEMORY_MB: f64 = 200.0;

/// Programs that mean no harm, and their verdicts.
const HONEST: [(&str, &[&str]); 14] = [
    ("java/accepted", &["AC"]),
    ("python/accepted", &["AC"]),
    ("c/accepted", &["AC"]),
    ("cpp/accepted", &["AC"]),
    ("java/packages", &["AC"]),
    ("python/wrong-answer", &["WA"]),
    ("java/wrong-answer", &["WA"]),
    ("c/wrong-answer", &["WA"]),
    ("cpp/wrong-answer", &["WA"]),
    ("java/compile-error", &["CE"]),
    ("c/compile-error", &["CE"]),
    ("python/exit-3", &["RTE"]),
    ("cpp/signal", &["RTE"]),
    ("python/compile-error", &["CE"]),
];

/// Loops, bombs and floods. What a bomb hits first, its process or its time limit, is not ours to say.
const HOSTILE: [(&str, &[&str]); 19] = [
    ("c/busy", &["TLE"]),
    ("c/fork-bomb", &["TLE", "RTE"]),
    ("java/threads", &["TLE", "RTE", "MLE"]),
    ("python/output", &["OLE"]),
    ("c/memory", &["MLE"]),
    ("java/busy", &["TLE"]),
    ("python/fork-bomb", &["TLE", "RTE", "MLE"]),
    ("c/long-line", &["OLE"]),
    ("cpp/memory", &["MLE"]),
    ("java/output", &["OLE"]),
    ("python/kill-all", &["RTE"]),
    ("cpp/busy", &["TLE"]),
    ("java/memory", &["MLE"]),
    ("python/fill-folders", &["AC"]),
    ("c/output", &["OLE"]),
    ("c/stops-itself", &["TLE"]),
    ("python/leaves-children", &["AC"]),
    ("java/long-line", &["OLE"]),
    ("python/memory", &["MLE"]),
];

/// The n-th program: every third is hostile.
fn program(n: usize) -> (&'static str, &'static [&'static str]) {
    if n % 3 == 2 { HOSTILE[n / 3 % HOSTILE.len()] } else { HONEST[(n - n / 3) % HONEST.len()] }
}

#[test]
fn a_storm_of_honest_and_hostile_submissions_with_a_grader_killed_in_its_midst_ends_once_and_right() {
    let submissions = Settings::number("ITERATIONE_TEST_STORM", SUBMISSIONS);
    let setup = Setup { graders: 2, slots: 3, warm: 1, alone: true, errors_expected: true, ..Setup::default() };
    with_stack(setup, DEADLINE, async |stack| {
        let class = stack.classroom("storm", submissions.div_ceil(EACH)).await;
        let document = with(labs::sum(&LANGUAGES), "/limits", "wall_ms", json!(12_000));
        let lab = class.publish("storm", &document).await;
        let secret = Secret::prepare(stack).await;
        let (stop, observed) = until_stopped();
        let (url, anonymous) = (stack.url.clone(), stack.anonymous());

        let begin = Instant::now();
        let watching = async {
            tokio::join!(
                observer::livez(&anonymous, observed.clone()),
                observer::logins(&url, &class.students, observed.clone()),
                secret.spy(observed.clone()),
            )
        };
        let storming = async {
            let handed_in = hand_in(&class, &lab, submissions).await;
            println!("{submissions} submissions were accepted within {:.1} s", begin.elapsed().as_secs_f64());
            let memory = survive(stack, submissions).await;
            stop.stop();
            (handed_in, memory)
        };
        let ((livez, logins, looks), (handed_in, memory)) = tokio::join!(watching, storming);

        println!("all were graded within {:.1} s", begin.elapsed().as_secs_f64());
        println!("GET /livez: {livez}\nlogin: {logins}\nmemory: {memory}");
        println!("a student who looked for secrets read {looks} answers and events");
        assert!(livez.count() > 10 && logins.count() > 3 && looks > 10, "they were asked all the time");
        right_verdicts(&class, &lab, &handed_in).await;
        memory.assert_below(MEMORY_MB);
    });
}

/// Each student hands in one after the other, all of them at once. Returns the number of each submission's program.
async fn hand_in(class: &Classroom, lab: &str, submissions: usize) -> BTreeMap<String, usize> {
    let each = class.students.iter().enumerate().map(|(i, Student { client, .. })| async move {
        let mut ids = Vec::new();
        for n in (i * EACH..(i + 1) * EACH).take_while(|n| *n < submissions) {
            ids.push((submit(client, lab, &Program::read(program(n).0)).await, n));
        }
        ids
    });
    join_all(each).await.into_iter().flatten().collect()
}

/// Kills a grader when half is done, starts it again, and waits for the end.
async fn survive(stack: &mut Stack, submissions: usize) -> MemoryTrack {
    let mut memory = MemoryTrack::default();
    wait_for(stack, submissions / 2, &mut memory).await;
    stack.graders[0].kill().await;
    println!("a grader is killed with {} submissions done", done(stack).await);
    let (begin, killed_at) = (Instant::now(), done(stack).await);
    until_true("the other one goes on", Duration::from_secs(60), async || {
        memory.look(stack.services());
        begin.elapsed() > Duration::from_secs(3) && done(stack).await > killed_at
    })
    .await;
    stack.graders[0].start().await;
    wait_for(stack, submissions, &mut memory).await;
    memory
}

async fn wait_for(stack: &Stack, wanted: usize, memory: &mut MemoryTrack) {
    until(&format!("{wanted} submissions are done"), DEADLINE, async || {
        memory.look(stack.services());
        tokio::time::sleep(Duration::from_millis(200)).await;
        (done(stack).await >= wanted).then_some(())
    })
    .await;
}

/// Students' submissions to the storm's lab that have ended.
async fn done(stack: &Stack) -> usize {
    let query =
        "select count(*) from submission s join lab l using (lab_id) where s.status = 'done' and l.slug = 'storm'";
    let count: i64 = sqlx::query_scalar(query).fetch_one(&stack.database.pg).await.expect("the database answers");
    usize::try_from(count).expect("a count")
}

/// As staff see it: every submission is there, with a verdict that its program deserves.
async fn right_verdicts(class: &Classroom, lab: &str, handed_in: &BTreeMap<String, usize>) {
    let mut after = String::new();
    let (mut seen, mut verdicts, mut again) = (0, BTreeMap::<String, usize>::new(), 0);
    let mut wrong = Vec::new();
    loop {
        let page = class.instructor.get(&format!("/labs/{lab}/submissions?limit=50{after}")).await.expect("a page");
        for item in page["items"].as_array().expect("a list") {
            let n = handed_in[item["id"].as_str().expect("an id")];
            let (name, allowed) = program(n);
            let verdict = item["verdict"].as_str().unwrap_or("none").to_owned();
            if !allowed.contains(&verdict.as_str()) {
                let whole =
                    class.instructor.get(&format!("/submissions/{}", item["id"].as_str().expect("an id"))).await;
                wrong.push(format!("{name}: {verdict}, not {allowed:?}: {whole:?}"));
            }
            *verdicts.entry(verdict).or_default() += 1;
            again += usize::from(item["grading_attempt"].as_i64() > Some(1));
            seen += 1;
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    println!("verdicts: {verdicts:?}; {again} of {seen} were begun more than once");
    assert_eq!(seen, handed_in.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A lab with hidden tests, a student who has handed in, and somebody else who has.
struct Secret {
    student: Client,
    lab: String,
    own: String,
    others: String,
}

impl Secret {
    async fn prepare(stack: &Stack) -> Self {
        let class = stack.classroom("secret", 2).await;
        let lab = class.publish("secrets", &lab_with_secrets(&["python"])).await;
        let program = Program::read("python/show");
        let (student, other) = (class.students[0].client.clone(), &class.students[1].client);
        let own = submit(&student, &lab, &program).await;
        let others = submit(other, &lab, &program).await;
        result(&student, &own).await;
        Self { student, lab, own, others }
    }

    async fn spy(&self, mut until: Until) -> usize {
        let mut looks = 0;
        while until.pause(Duration::from_secs(1)).await {
            looks += spy(&self.student, &self.lab, &self.own, &self.others).await;
        }
        looks
    }
}

#[test]
fn memory_stays_bounded_while_programs_print_without_end_and_lines_of_50_megabytes() {
    let setup = Setup { slots: 4, warm: 1, alone: true, ..Setup::default() };
    with_stack(setup, Duration::from_secs(180), async |stack| {
        let class = stack.classroom("flood", 4).await;
        // As much output as an operator allows by default, so that most of it is really carried.
        let document = with(labs::sum(&LANGUAGES), "/limits", "output_kb", json!(16 * 1024));
        let document = with(document, "/limits", "cpu_ms", json!(10_000));
        let lab = &class.publish("flood", &document).await;
        let mut memory = MemoryTrack::default();
        let floods = class.students.iter().zip(["c/long-line", "java/long-line", "c/output", "java/output"]);
        let graded = join_all(floods.map(async |(student, name)| {
            let results = [
                grade(&student.client, lab, &Program::read(name)).await,
                grade(&student.client, lab, &Program::read(name)).await,
            ];
            (name, results)
        }));
        let services: Vec<_> = stack.services().collect();
        let graded: Vec<(&str, [Value; 2])> = memory.during(&services, graded).await;
        println!("memory: {memory}");
        for (name, results) in &graded {
            for result in results {
                assert_eq!(result["verdict"], "OLE", "{name}: {}", result["tests"][0]["message"]);
            }
        }
        memory.assert_below(MEMORY_MB);
    });
}
