//! A course with people, labs full of secrets, and a grader played by hand, for tests.

use std::time::Duration;

use axum::http::Method;
use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    events::EventBus,
    ids::{CourseId, LabId, SubmissionId, WorkerId},
    lab::{Scoring, Visibility},
    lifecycle::Lifecycle,
    store::{
        self, AccountRole, CourseRole, PgPool,
        course::NewCourse,
        job::{self, Claimed},
        worker::Worker,
    },
    submission::{CaseResult, CompileResult, Event, Grade, GroupResult, SubmissionStatus, TestResult, TimeLimit},
    verdict::Verdict,
};
use serde_json::{Value, json};

use crate::{
    state::AppState,
    testing::{TestApp, TestUser},
};

/// Stands in every text that a student must not see; numbers that they must not see begin with 7770000.
pub(crate) const SECRETS: [&str; 2] = ["SECRET", "7770000"];

/// The course `c` and all sorts of people.
pub(crate) struct World {
    pub(crate) app: TestApp,
    pub(crate) admin: TestUser,
    pub(crate) instructor: TestUser,
    pub(crate) assistant: TestUser,
    pub(crate) student: TestUser,
    pub(crate) other: TestUser,
    /// An instructor elsewhere, but no member here.
    pub(crate) outsider: TestUser,
    pub(crate) worker: WorkerId,
}

impl World {
    /// With Redis away.
    pub(crate) async fn new(pg: PgPool) -> Self {
        Self::adjusted(pg, &[], |_| {}).await
    }

    /// With the test machine's Redis.
    pub(crate) async fn with_redis(pg: PgPool) -> Self {
        let url = redis_url();
        // Its listener ends with the test's runtime.
        let bus = EventBus::connect(&url, "test", &Lifecycle::new()).expect("URL");
        Self::adjusted(pg, &[("REDIS_URL", &url)], |state| state.events = bus).await
    }

    pub(crate) async fn adjusted(pg: PgPool, settings: &[(&str, &str)], adjust: impl FnOnce(&mut AppState)) -> Self {
        let app = TestApp::adjusted(pg, settings, adjust);
        let admin = app.account("admin", AccountRole::Admin).await;
        let instructor = app.account("instructor", AccountRole::Instructor).await;
        let assistant = app.account("assistant", AccountRole::Student).await;
        let student = app.account("student", AccountRole::Student).await;
        let other = app.account("other", AccountRole::Student).await;
        let outsider = app.account("outsider", AccountRole::Instructor).await;
        let course = course(&app.state.pg, "c", &instructor).await;
        course_of_its_own(&app.state.pg, &outsider).await;
        for (user, role) in
            [(&assistant, CourseRole::Assistant), (&student, CourseRole::Student), (&other, CourseRole::Student)]
        {
            store::member::insert(&app.state.pg, course, user.id, role).await.expect("member");
        }
        let worker = WorkerId::new();
        Self { app, admin, instructor, assistant, student, other, outsider, worker }
    }

    pub(crate) fn pg(&self) -> &PgPool {
        &self.app.state.pg
    }

    /// Puts a document as the instructor.
    pub(crate) async fn put(&self, slug: &str, document: &Value) -> Value {
        let path = format!("/courses/c/labs/{slug}");
        let answer = self.app.call(&self.instructor, Method::PUT, &path, Some(document)).await;
        assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Puts a document and publishes it; its reference solutions are graded as they claim, its starters fail.
    pub(crate) async fn published(&self, slug: &str, document: &Value) -> LabId {
        let lab: LabId = self.put(slug, document).await["id"].as_str().expect("id").parse().expect("UUID");
        let answer = self.app.post(&self.instructor, &format!("/labs/{lab}/publish"), &json!({})).await;
        let answer = answer.expect(202);
        for id in answer["submissions"].as_array().expect("list") {
            let id: SubmissionId = id.as_str().expect("id").parse().expect("UUID");
            let claimed = self.claim(id).await;
            let mut grade = grade();
            let submitted = store::submission::get(self.pg(), id).await.expect("reads").expect("is there");
            // Starters have negative places, and fail as they should.
            if submitted.solution >= Some(0) {
                grade.verdict = Verdict::Ac;
                grade.score = 100.0;
            }
            job::finish(self.pg(), id, claimed.attempt, &grade).await.expect("finishes").expect("not fenced");
        }
        let lab_now = self.app.get(&self.instructor, &format!("/labs/{lab}")).await.expect(200);
        assert_eq!(lab_now["status"], "published", "{lab_now}");
        lab
    }

    /// Hands in `print(3)` in Python.
    pub(crate) async fn submit(&self, user: &TestUser, lab: LabId) -> SubmissionId {
        let answer = self.app.post(user, &format!("/labs/{lab}/submissions"), &hand_in()).await;
        answer.expect(202)["id"].as_str().expect("id").parse().expect("UUID")
    }

    /// What a grader does: says that it lives, lets choose, claims.
    pub(crate) async fn claim(&self, id: SubmissionId) -> Claimed {
        let worker = Worker { id: self.worker, host: "test".to_owned(), slots: 50, per_account: 50, max_attempts: 3 };
        store::worker::beat(self.pg(), &worker).await.expect("beats");
        let mut tx = self.pg().begin().await.expect("begins");
        job::dispatch(&mut tx).await.expect("dispatches");
        tx.commit().await.expect("commits");
        let row = store::submission::get(self.pg(), id).await.expect("reads").expect("is there");
        job::claim(self.pg(), id, row.grading_attempt, self.worker, Duration::from_mins(1))
            .await
            .expect("claims")
            .expect("is to be had")
    }

    /// Publishes an event as a grader does.
    pub(crate) async fn publish(&self, id: SubmissionId, event: Event) {
        self.app.state.events.publish(id, &event).await;
    }

    pub(crate) async fn publish_running(&self, id: SubmissionId, attempt: i32) {
        self.publish(id, Event::Status { status: SubmissionStatus::Running, attempt }).await;
    }

    pub(crate) async fn publish_compile(&self, id: SubmissionId, attempt: i32) {
        self.publish(id, Event::Compile { compile: grade().compile.expect("compiled"), attempt }).await;
    }

    /// The event of the `index`-th test of [`grade`].
    pub(crate) async fn publish_test(&self, id: SubmissionId, attempt: i32, index: usize) {
        let tests = grade().tests;
        let (of, test) = (tests.len(), Box::new(tests[index].clone()));
        self.publish(id, Event::Test { test, index, of, attempt }).await;
    }

    /// Records [`grade`] and says so.
    pub(crate) async fn finish(&self, id: SubmissionId, attempt: i32) {
        let finished = job::finish(self.pg(), id, attempt, &grade()).await.expect("finishes").expect("not fenced");
        self.publish(id, finished.event()).await;
    }

    /// All of it, without a word on the way.
    pub(crate) async fn graded(&self, id: SubmissionId) {
        let claimed = self.claim(id).await;
        job::finish(self.pg(), id, claimed.attempt, &grade()).await.expect("finishes").expect("not fenced");
    }
}

pub(crate) fn redis_url() -> String {
    iteratione_common::config::process_environment()
        .remove("ITERATIONE_TEST_REDIS_URL")
        .unwrap_or_else(|| "redis://127.0.0.1:63799".to_owned())
}

async fn course(pg: &PgPool, slug: &str, instructor: &TestUser) -> CourseId {
    let id = CourseId::new();
    let code = format!("code-{slug}");
    let new = NewCourse { id, slug, title: "A course", join_code: &code, time_zone: "UTC", created_by: instructor.id };
    store::course::insert(pg, &new).await.expect("course");
    store::member::insert(pg, id, instructor.id, CourseRole::Instructor).await.expect("instructor");
    id
}

async fn course_of_its_own(pg: &PgPool, instructor: &TestUser) {
    course(pg, "elsewhere", instructor).await;
}

pub(crate) fn hand_in() -> Value {
    json!({"language": "python", "files": [{"name": "main.py", "content": "print(3)\n"}]})
}

/// A document with a test of each visibility. What students must not see is marked by [`SECRETS`].
pub(crate) fn lab() -> Value {
    json!({
        "title": "Sum of two", "statement_md": "Add **them**.", "languages": ["python", "java"],
        "starter": {"python": [
            {"name": "main.py", "content": "# yours", "role": "editable"},
            {"name": "given.py", "content": "# given", "role": "locked"},
            {"name": "judge.py", "content": "SECRET hidden file", "role": "hidden"}]},
        "groups": [
            {"name": "basics", "points": 40, "tests": [
                {"name": "sample", "visibility": "sample", "stdin": "1 2\n", "expected": "3\n",
                 "message": "Read the statement again."},
                {"name": "visible", "visibility": "visible", "stdin": "SECRET until graded", "expected": "4\n"}]},
            {"name": "rest", "points": 60, "requires": ["basics"], "tests": [
                {"name": "hidden", "visibility": "hidden", "stdin": "SECRET stdin", "expected": "SECRET expected",
                 "args": ["SECRET arg"], "files": [{"name": "SECRET.txt", "content": "SECRET file"}],
                 "message": "Think of negative numbers."},
                {"name": "after", "visibility": "after_due", "stdin": "SECRET stdin", "expected": "SECRET expected"}]}],
        "solutions": [{"name": "SECRET name", "language": "python",
                       "files": [{"name": "main.py", "content": "SECRET solution"}], "expect": {"score": 100}}],
        "attempts": {"max": null, "per_hour": null}
    })
}

/// The same without reference solutions.
pub(crate) fn plain_lab() -> Value {
    let mut lab = lab();
    lab["solutions"] = json!([]);
    lab
}

/// What a grader finds: everything that leaks, leaks.
pub(crate) fn grade() -> Grade {
    let test = |group: &str, name: &str, visibility, verdict| TestResult {
        group: group.to_owned(),
        name: name.to_owned(),
        visibility,
        verdict,
        limit: None,
        points: if verdict == Verdict::Ac { 20.0 } else { 0.0 },
        max_points: 20.0,
        cpu_ms: Some(11),
        wall_ms: Some(12),
        memory_kb: Some(13),
        exit_code: Some(0),
        signal: None,
        stdin: Some("open stdin".to_owned()),
        stdout: Some("open stdout".to_owned()),
        stderr: Some(String::new()),
        expected: Some("open expected".to_owned()),
        message: None,
        judge_message: Some("SECRET note for staff".to_owned()),
        cases: Vec::new(),
        suspicious: vec!["SECRET suspicion".to_owned()],
    };
    let secret = |test: TestResult| TestResult {
        limit: Some(TimeLimit::Cpu),
        cpu_ms: Some(77_700_001),
        wall_ms: Some(77_700_002),
        memory_kb: Some(77_700_003),
        exit_code: Some(77_700_004),
        signal: Some(77_700_005),
        stdin: Some("SECRET stdin".to_owned()),
        stdout: Some("SECRET stdout".to_owned()),
        stderr: Some("SECRET stderr".to_owned()),
        expected: Some("SECRET expected".to_owned()),
        message: Some("SECRET difference".to_owned()),
        cases: vec![CaseResult {
            name: "CalcTest.adds".to_owned(),
            verdict: Verdict::Wa,
            points: 0.0,
            max_points: 20.0,
            wall_ms: Some(77_700_006),
            message: Some("SECRET assertion".to_owned()),
            trace: Some("SECRET trace".to_owned()),
        }],
        ..test
    };
    let group = |name: &str, verdict, points: f64, max_points| GroupResult {
        name: name.to_owned(),
        verdict,
        scoring: Scoring::Sum,
        points,
        max_points,
    };
    Grade {
        verdict: Verdict::Wa,
        score: 20.0,
        max_score: 100.0,
        compile: Some(CompileResult {
            ok: true,
            cpu_ms: 5,
            diagnostics: vec![
                diagnostic("main.py", "unused name"),
                diagnostic("judge.py", "SECRET line of the hidden file"),
            ],
            output: "main.py:1: unused name\njudge.py:1: SECRET line of the hidden file\n".to_owned(),
        }),
        groups: vec![group("basics", Verdict::Wa, 20.0, 40.0), group("rest", Verdict::Wa, 0.0, 60.0)],
        tests: vec![
            test("basics", "sample", Visibility::Sample, Verdict::Ac),
            TestResult {
                message: Some("The first difference is in line 1.".to_owned()),
                ..test("basics", "visible", Visibility::Visible, Verdict::Wa)
            },
            secret(test("rest", "hidden", Visibility::Hidden, Verdict::Wa)),
            secret(test("rest", "after", Visibility::AfterDue, Verdict::Tle)),
        ],
        message: Some("SECRET sentence".to_owned()),
    }
}

fn diagnostic(file: &str, message: &str) -> Diagnostic {
    Diagnostic {
        file: Some(file.to_owned()),
        line: Some(1),
        column: None,
        severity: Severity::Warning,
        message: message.to_owned(),
    }
}

/// Fails if a student could read a secret.
#[track_caller]
pub(crate) fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
