//! A course with its people, over REST.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Client, programs::Program, stack::Stack, wait::until};

/// From submitting to the result, in the longest queue of a test.
pub const GRADED: Duration = Duration::from_secs(180);
const STUDENT_PASSWORD: &str = "a student's password";

/// A course.
pub struct Classroom {
    /// Its instructor.
    pub instructor: Client,
    /// Its students.
    pub students: Vec<Student>,
    /// Its slug.
    pub course: String,
}

/// Somebody who hands in.
#[derive(Clone)]
pub struct Student {
    /// Signed in.
    pub client: Client,
    /// Account id.
    pub id: String,
    /// To sign in again.
    pub email: String,
    /// To sign in again.
    pub password: &'static str,
}

impl Stack {
    /// A new course with students who have registered and joined.
    pub async fn classroom(&self, slug: &str, students: usize) -> Classroom {
        let instructor = self.instructor().await;
        let made = instructor.post("/courses", &json!({"slug": slug, "title": "A course"})).await;
        let join_code = text(&made.expect("a course"), "join_code");
        let students = join_all((0..students).map(|number| self.student(slug, number, &join_code))).await;
        Classroom { instructor, students, course: slug.to_owned() }
    }

    async fn student(&self, course: &str, number: usize, join_code: &str) -> Student {
        let client = self.anonymous();
        let email = format!("student-{number}@{course}.test");
        let wanted = json!({"email": email, "password": STUDENT_PASSWORD, "name": format!("Student {number}")});
        let account = client.post("/auth/register", &wanted).await.expect("an account");
        client.post("/courses/join", &json!({"join_code": join_code})).await.expect("joined");
        Student { client, id: text(&account, "id"), email, password: STUDENT_PASSWORD }
    }
}

impl Classroom {
    /// The first student.
    pub fn student(&self) -> &Client {
        &self.students[0].client
    }

    /// Puts a lab and publishes it; it must be accepted. Returns its id.
    pub async fn publish(&self, slug: &str, document: &Value) -> String {
        let (id, lab) = self.try_publish(slug, document).await;
        assert_eq!(lab["status"], "published", "{slug} was rejected: {}", lab["validation"]);
        id
    }

    /// Puts a lab and publishes it; returns its id and how it stands when its solutions are graded.
    pub async fn try_publish(&self, slug: &str, document: &Value) -> (String, Value) {
        let put = self.instructor.put(&format!("/courses/{}/labs/{slug}", self.course), document).await;
        let id = text(&put.expect("the document is valid"), "id");
        let lab = self.validated(&id).await;
        (id, lab)
    }

    /// Publishes a lab that was put; returns how it stands when its solutions are graded.
    pub async fn validated(&self, id: &str) -> Value {
        let publish = self.instructor.call(Method::POST, &format!("/labs/{id}/publish"), None).await;
        publish.and_then(|answer| answer.expect(&[202])).expect("publishing begins");
        until(&format!("{id} is published or rejected"), GRADED, async || {
            let lab = self.instructor.get(&format!("/labs/{id}")).await.expect("the lab");
            (lab["status"] != "validating").then_some(lab)
        })
        .await
    }
}

/// Hands in; returns the submission's id.
pub async fn submit(client: &Client, lab: &str, program: &Program) -> String {
    let path = format!("/labs/{lab}/submissions");
    let answer = client.call(Method::POST, &path, Some(&program.hand_in())).await;
    let answer = answer.and_then(|a| a.expect(&[202])).unwrap_or_else(|e| panic!("{}: {e:#}", program.name));
    text(&answer, "id")
}

/// Waits for a result.
pub async fn result(client: &Client, submission: &str) -> Value {
    client.result(submission, GRADED).await.unwrap_or_else(|e| panic!("{e:#}"))
}

/// Hands in and waits for the result.
pub async fn grade(client: &Client, lab: &str, program: &Program) -> Value {
    result(client, &submit(client, lab, program).await).await
}

/// Waits until a submission is being graded, by a certain attempt or a later one.
pub async fn running(client: &Client, submission: &str, attempt: i64) {
    until(&format!("{submission} is graded by attempt {attempt}"), GRADED, async || {
        let seen = client.get(&format!("/submissions/{submission}")).await.ok()?;
        (seen["status"] == "running" && seen["grading_attempt"].as_i64() >= Some(attempt)).then_some(())
    })
    .await;
}

/// A field that is a text.
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("there is no {field} in {value}")).to_owned()
}
