//! Submissions that are graded beside the terminals.

use std::time::{Duration, Instant};

use iteratione_demo::client::Client;
use testkit::{classroom::Classroom, labs, programs::Program, stack::Stack};
use tokio::sync::watch;

use crate::stats::Samples;

use super::report::Row;

/// No submission takes longer, whatever else the machine does.
const GRADED: Duration = Duration::from_secs(300);

/// A lab, and somebody who hands in.
pub struct Grading {
    student: Client,
    lab: String,
    programs: [Program; 2],
    _classroom: Classroom,
}

/// Times from handing in to the verdict.
#[derive(Debug, Clone, Default)]
pub struct Graded {
    java: Samples,
    python: Samples,
    missing: usize,
    /// Why, of the last that is missing.
    pub complaint: Option<String>,
}

impl Grading {
    /// Publishes a lab of one test.
    pub async fn prepare(stack: &Stack) -> Self {
        let classroom = stack.classroom("terminals", 1).await;
        let lab = classroom.publish("sum", &labs::sum(&["java", "python"])).await;
        let programs = ["java/accepted", "python/accepted"].map(Program::read);
        Self { student: classroom.student().clone(), lab, programs, _classroom: classroom }
    }

    /// So many of each language, one after the other.
    pub async fn some(&self, times: usize) -> Graded {
        let mut graded = Graded::default();
        for _ in 0..times {
            self.both(&mut graded).await;
        }
        graded
    }

    /// One after the other until it is enough; one of each at least.
    pub async fn until(&self, enough: watch::Receiver<bool>) -> Graded {
        let mut graded = Graded::default();
        loop {
            self.both(&mut graded).await;
            if *enough.borrow() {
                return graded;
            }
        }
    }

    async fn both(&self, graded: &mut Graded) {
        for program in &self.programs {
            let began = Instant::now();
            match self.one(program).await {
                Ok(()) if program.language == "java" => graded.java.add(began.elapsed()),
                Ok(()) => graded.python.add(began.elapsed()),
                Err(error) => {
                    graded.missing += 1;
                    graded.complaint = Some(format!("{error:#}"));
                }
            }
        }
    }

    async fn one(&self, program: &Program) -> anyhow::Result<()> {
        let path = format!("/labs/{}/submissions", self.lab);
        let made = self.student.post(&path, &program.hand_in()).await?;
        let id = made["id"].as_str().unwrap_or_default();
        let result = self.student.result(id, GRADED).await?;
        anyhow::ensure!(result["verdict"] == "AC", "{}: {}", program.name, result["verdict"]);
        Ok(())
    }
}

impl Graded {
    /// For the table.
    pub fn rows(&self, what: &str) -> Vec<Row> {
        vec![Row::new(what, "java", &self.java, self.missing), Row::new(what, "python", &self.python, 0)]
    }
}
