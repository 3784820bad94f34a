//! `itr courses`

use crate::{
    Outcome,
    judge::{Course, Judge},
    output::{Cell, Output},
};

/// All that one is in.
pub async fn list(judge: &Judge, output: &Output) -> anyhow::Result<Outcome> {
    let courses = judge.courses().await?;
    output.json(&courses);
    let courses: Vec<Course> = courses.into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?;
    let row =
        |course: Course| [course.slug, course.role, course.join_code.unwrap_or_default(), course.title].map(Cell::from);
    if courses.is_empty() {
        output.say("you are in no course yet");
    }
    output.table(["course", "you are", "join code", "title"], &courses.into_iter().map(row).collect::<Vec<_>>());
    Ok(Outcome::Good)
}
