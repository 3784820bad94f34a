//! A course with a lab, and what tests do to it.

use std::time::Duration;

use iteratione_common::{
    ids::{CourseId, LabId, RevisionId, SubmissionId, UserId, WorkerId},
    lab::SourceFile,
    queue::{Patience, Queue},
    store::{
        PgPool, SubmissionKind,
        job::{self, Claimed, Dispatched, JobClass},
        submission::{self, NewSubmission},
        worker::{self, Worker},
    },
    submission::Grade,
    verdict::Verdict,
};
use serde_json::{Value, json};

pub const LEASE: Duration = Duration::from_secs(30);

/// The Redis of the tests, and a namespace that no other test has.
#[allow(clippy::disallowed_methods, reason = "tests are steered by the environment")]
pub fn redis_url() -> String {
    std::env::var("ITERATIONE_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:63799".to_owned())
}

pub fn namespace() -> String {
    format!("test-{}", uuid::Uuid::new_v4())
}

pub fn queue(namespace: &str) -> Queue {
    Queue::connect(&redis_url(), namespace).expect("a queue").with_patience(Patience {
        stalled: Duration::from_millis(1000),
        look: Duration::from_millis(50),
        stale: Duration::from_millis(300),
    })
}

/// What FLUSHALL does, for one namespace only: other tests share this Redis.
pub async fn flush(namespace: &str) {
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{{iteratione:{namespace}}}:*"))
        .query_async(&mut connection)
        .await
        .expect("keys");
    for key in keys {
        redis::cmd("DEL").arg(key).query_async::<()>(&mut connection).await.expect("deleted");
    }
}

pub struct Fixture {
    pub pg: PgPool,
    pub course: CourseId,
    pub lab: LabId,
    pub revision: RevisionId,
    pub owner: UserId,
}

impl Fixture {
    pub async fn new(pg: &PgPool) -> Self {
        Self::with_document(pg, document(&json!([]))).await
    }

    pub async fn with_document(pg: &PgPool, document: Value) -> Self {
        let owner = account(pg).await;
        let (course, lab, revision) = (CourseId::new(), LabId::new(), RevisionId::new());
        sqlx::query(
            "insert into course (course_id, slug, title, join_code, created_by) values ($1, 'c', 'C', 'j', $2)",
        )
        .bind(course)
        .bind(owner)
        .execute(pg)
        .await
        .expect("a course");
        sqlx::query("insert into lab (lab_id, course_id, slug) values ($1, $2, 'l')")
            .bind(lab)
            .bind(course)
            .execute(pg)
            .await
            .expect("a lab");
        let this = Self { pg: pg.clone(), course, lab, revision, owner };
        this.revise(revision, 1, document).await;
        this
    }

    pub async fn revise(&self, revision: RevisionId, number: i32, document: Value) {
        sqlx::query(
            "insert into lab_revision (revision_id, lab_id, number, document, document_hash, created_by) values ($1, $2, $3, $4, '', $5)",
        )
        .bind(revision)
        .bind(self.lab)
        .bind(number)
        .bind(document)
        .bind(self.owner)
        .execute(&self.pg)
        .await
        .expect("a revision");
    }

    pub fn new_submission(&self, account: UserId, class: JobClass) -> NewSubmission {
        NewSubmission {
            id: SubmissionId::new(),
            lab: self.lab,
            revision: self.revision,
            account,
            kind: SubmissionKind::Student,
            solution: None,
            language: "python".to_owned(),
            files: vec![SourceFile { name: "main.py".to_owned(), content: "print(1)\n".to_owned() }],
            main: None,
            late_factor: 1.0,
            class,
        }
    }

    pub async fn insert(&self, new: &NewSubmission) -> i32 {
        let mut tx = self.pg.begin().await.expect("begins");
        let inserted = submission::insert(&mut tx, new).await.expect("inserts");
        tx.commit().await.expect("commits");
        inserted.ordinal
    }

    pub async fn submit(&self, account: UserId) -> SubmissionId {
        self.submit_as(account, JobClass::Submission).await
    }

    pub async fn submit_as(&self, account: UserId, class: JobClass) -> SubmissionId {
        let new = self.new_submission(account, class);
        self.insert(&new).await;
        new.id
    }

    pub async fn dispatch(&self) -> Vec<Dispatched> {
        let mut tx = self.pg.begin().await.expect("begins");
        let jobs = job::dispatch(&mut tx).await.expect("dispatches");
        tx.commit().await.expect("commits");
        jobs
    }

    /// A grader with so many slots.
    pub async fn grader(&self, slots: i32) -> WorkerId {
        let worker = Worker { id: WorkerId::new(), host: "test".to_owned(), slots, per_account: 2, max_attempts: 3 };
        worker::beat(&self.pg, &worker).await.expect("beats");
        worker.id
    }

    pub async fn claim(&self, job: &Dispatched, worker: WorkerId) -> Option<Claimed> {
        job::claim(&self.pg, job.submission, job.attempt, worker, LEASE).await.expect("claims")
    }

    /// One submission that a grader has claimed.
    pub async fn claimed(&self) -> (Claimed, WorkerId) {
        let worker = self.grader(1).await;
        let account = account(&self.pg).await;
        self.submit(account).await;
        let jobs = self.dispatch().await;
        let claimed = self.claim(&jobs[0], worker).await.expect("claimed");
        (claimed, worker)
    }

    /// Sends a requeued job on its way again, whatever its delay, and claims it.
    pub async fn claim_again(&self, submission: SubmissionId, worker: WorkerId) -> Claimed {
        sqlx::query("update grading_job set run_after = now() where submission_id = $1")
            .bind(submission)
            .execute(&self.pg)
            .await
            .expect("ready");
        let jobs = self.dispatch().await;
        let job = jobs.iter().find(|j| j.submission == submission).expect("dispatched");
        self.claim(job, worker).await.expect("claimed")
    }

    pub async fn expire_lease(&self, submission: SubmissionId) {
        sqlx::query("update grading_job set lease_until = now() - interval '1 second' where submission_id = $1")
            .bind(submission)
            .execute(&self.pg)
            .await
            .expect("expired");
    }

    pub async fn state(&self, submission: SubmissionId) -> String {
        sqlx::query_scalar(
            "select state::text || ' ' || attempt || ' ' || handed_back from grading_job where submission_id = $1",
        )
        .bind(submission)
        .fetch_one(&self.pg)
        .await
        .expect("a job")
    }
}

pub async fn account(pg: &PgPool) -> UserId {
    let id = UserId::new();
    sqlx::query("insert into account (account_id, email, name, password_hash) values ($1, $2, 'N', '')")
        .bind(id)
        .bind(format!("{id}@test"))
        .execute(pg)
        .await
        .expect("an account");
    id
}

pub fn document(solutions: &Value) -> Value {
    json!({
        "title": "Lab", "languages": ["python"],
        "groups": [
            {"name": "a", "points": 60.0, "tests": [{"name": "t", "expected": "1\n"}]},
            {"name": "b", "points": 40.0, "tests": [{"name": "t", "expected": "1\n"}]}
        ],
        "solutions": solutions
    })
}

pub fn grade(verdict: Verdict, score: f64) -> Grade {
    Grade { verdict, score, max_score: 100.0, compile: None, groups: Vec::new(), tests: Vec::new(), message: None }
}

/// A Redis of one test's own, to be stopped and started.
pub struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: std::process::Child,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .map(|a| a.port())
            .expect("a free port");
        let process = Self::spawn(&folder, port);
        let this = Self { folder, port, process };
        this.answers().await;
        this
    }

    fn spawn(folder: &tempfile::TempDir, port: u16) -> std::process::Child {
        std::process::Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--port"])
            .arg(port.to_string())
            .arg("--dir")
            .arg(folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("redis-server is installed")
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn answers(&self) {
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..100 {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<()>(&mut connection).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not answer");
    }

    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Removes what it kept, while it is stopped.
    pub fn empty(&self) {
        std::fs::remove_dir_all(self.folder.path().join("appendonlydir")).expect("removes");
    }

    pub async fn restart(&mut self) {
        self.stop();
        self.process = Self::spawn(&self.folder, self.port);
        self.answers().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
