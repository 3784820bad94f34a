//! How a lab goes, computed by PostgreSQL over the submissions of the course's students. Staff who try are left out.

use jiff::Timestamp;
use sqlx::PgExecutor;

use crate::{
    ids::{LabId, UserId},
    store::Time,
    verdict::Verdict,
};

/// Numbers of the whole lab.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Students of the course.
    pub students: i64,
    /// Of those, who handed in.
    pub submitted: i64,
    /// Of those, who were accepted at least once.
    pub passed: i64,
    /// Submissions that are graded.
    pub submissions: i64,
    /// Median of the points that count, after the late factor.
    pub median_score: Option<f64>,
    /// Median of the attempts up to the first accepted one.
    pub median_attempts_to_pass: Option<f64>,
    /// Median seconds from the first hand-in to the first accepted one.
    pub median_seconds_to_pass: Option<f64>,
    /// Median seconds from the moment given to the first accepted one.
    pub median_seconds_from_start: Option<f64>,
}

/// The summary; `from` is when the lab became available, if that is known.
pub async fn summary(db: impl PgExecutor<'_>, lab: LabId, from: Option<Timestamp>) -> sqlx::Result<Summary> {
    sqlx::query_as!(
        Summary,
        r#"with students as (
             select m.account_id from lab l join course_member m using (course_id) where l.lab_id = $1 and m.role = 'student'),
           done as (
             select s.account_id, s.verdict, s.created_at,
                    row_number() over (partition by s.account_id order by s.ordinal) as n
               from submission s join students using (account_id)
              where s.lab_id = $1 and s.kind = 'student' and s.status = 'done' and s.verdict <> 'IE'),
           passes as (
             select account_id, min(n) filter (where verdict = 'AC') as attempts, min(created_at) as first,
                    min(created_at) filter (where verdict = 'AC') as passed from done group by 1)
           select (select count(*) from students) as "students!", (select count(*) from passes) as "submitted!",
                  (select count(*) from passes where passed is not null) as "passed!", (select count(*) from done) as "submissions!",
                  (select percentile_cont(0.5) within group (order by s.score * s.late_factor)
                     from counting_submission c join submission s using (submission_id) join students t on t.account_id = c.account_id
                    where c.lab_id = $1) as median_score,
                  (select percentile_cont(0.5) within group (order by attempts) from passes) as median_attempts_to_pass,
                  (select percentile_cont(0.5) within group (order by extract(epoch from passed - first)::float8) from passes)
                    as median_seconds_to_pass,
                  (select percentile_cont(0.5) within group (order by extract(epoch from passed - $2)::float8) from passes)
                    as median_seconds_from_start"#,
        lab as _,
        from.map(Time::from) as Option<Time>
    )
    .fetch_one(db)
    .await
}

/// How often something occurred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Name of the list: `verdict`, `language`, `attempts` (up to the first accepted one).
    pub list: String,
    /// What is counted.
    pub key: String,
    /// How often.
    pub count: i64,
}

/// Verdicts and languages of all graded submissions, and the attempts up to the first accepted one (31 stands for more
/// than 30).
pub async fn tallies(db: impl PgExecutor<'_>, lab: LabId) -> sqlx::Result<Vec<Tally>> {
    sqlx::query_as!(
        Tally,
        r#"with done as (
             select s.account_id, s.verdict, s.language,
                    row_number() over (partition by s.account_id, s.verdict = 'IE' order by s.ordinal) as n
               from submission s join lab l using (lab_id)
               join course_member m on m.course_id = l.course_id and m.account_id = s.account_id and m.role = 'student'
              where s.lab_id = $1 and s.kind = 'student' and s.status = 'done'),
           passes as (select least(min(n), 31) as n from done where verdict = 'AC' group by account_id)
           select 'verdict' as "list!", verdict::text as "key!", count(*) as "count!" from done group by 2
           union all select 'language', language, count(*) from done group by 2
           union all select 'attempts', n::text, count(*) from passes group by 2"#,
        lab as _
    )
    .fetch_all(db)
    .await
}

/// Students by the points that count, in ten equal parts of what can be had; full points are in the last.
pub async fn histogram(db: impl PgExecutor<'_>, lab: LabId) -> sqlx::Result<Vec<(i32, i64)>> {
    let rows = sqlx::query!(
        r#"select greatest(least(floor(10 * s.score * s.late_factor / nullif(s.max_score, 0))::int, 9), 0) as "bin!", count(*) as "count!"
             from counting_submission c join submission s using (submission_id) join lab l on l.lab_id = c.lab_id
             join course_member m on m.course_id = l.course_id and m.account_id = c.account_id and m.role = 'student'
            where c.lab_id = $1 group by 1 order by 1"#,
        lab as _
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.bin, row.count)).collect())
}

/// How students do in one test, by the submissions that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRate {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Students whose submission ran it.
    pub run: i64,
    /// Of those, who passed it.
    pub passed: i64,
    /// The verdict that was most frequent among the others.
    pub common_failure: Option<Verdict>,
}

/// Students whose results are read for [`tests`]: each may be megabytes.
const RESULTS: i64 = 2000;

/// Pass rate of each test, in the order of the tests as students met them.
pub async fn tests(db: impl PgExecutor<'_>, lab: LabId, limit: i64) -> sqlx::Result<Vec<TestRate>> {
    sqlx::query_as!(
        TestRate,
        r#"with counted as (
             select s.submission_id, s.grade from counting_submission c join submission s using (submission_id) join lab l on l.lab_id = c.lab_id
               join course_member m on m.course_id = l.course_id and m.account_id = c.account_id and m.role = 'student'
              where c.lab_id = $1 order by s.submission_id desc limit $3),
           results as (
             select t ->> 'group' as "group", t ->> 'name' as name, t ->> 'verdict' as verdict, place
               from counted, json_array_elements(grade -> 'tests') with ordinality as ts (t, place))
           select "group" as "group!", name as "name!", count(*) filter (where verdict <> 'SK') as "run!",
                  count(*) filter (where verdict = 'AC') as "passed!",
                  (mode() within group (order by verdict) filter (where verdict not in ('AC', 'SK')))::verdict as common_failure
             from results group by 1, 2 order by min(place), 1, 2 limit $2"#,
        lab as _,
        limit,
        RESULTS
    )
    .fetch_all(db)
    .await
}

/// A student who gets no further.
#[derive(Debug, Clone)]
pub struct Stuck {
    /// Account.
    pub account: UserId,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Attempts so far.
    pub attempts: i64,
    /// Attempts since the last that got more than all before it.
    pub without_progress: i64,
    /// Best points so far, before late factors.
    pub best: f64,
    /// The last attempt's verdict.
    pub last_verdict: Verdict,
    /// When that was handed in.
    pub last_at: Time,
}

/// Students who were never accepted and whose last `attempts` or more hand-ins got no further; the longest first.
pub async fn stuck(db: impl PgExecutor<'_>, lab: LabId, attempts: i64, limit: i64) -> sqlx::Result<Vec<Stuck>> {
    sqlx::query_as!(
        Stuck,
        r#"with done as (
             select s.account_id, s.verdict, s.score, s.created_at, s.ordinal,
                    max(s.score) over (partition by s.account_id order by s.ordinal rows between unbounded preceding and 1 preceding) as before
               from submission s join lab l using (lab_id)
               join course_member m on m.course_id = l.course_id and m.account_id = s.account_id and m.role = 'student'
              where s.lab_id = $1 and s.kind = 'student' and s.status = 'done' and s.verdict <> 'IE'),
           progress as (
             select account_id, max(ordinal) filter (where score > coalesce(before, 0)) as last_progress from done group by 1),
           told as (
             select d.account_id, count(*) as attempts, count(*) filter (where d.ordinal > coalesce(p.last_progress, 0)) as without_progress,
                    max(d.score) as best, (array_agg(d.verdict order by d.ordinal desc))[1] as last_verdict, max(d.created_at) as last_at
               from done d join progress p using (account_id) group by 1 having not bool_or(d.verdict = 'AC'))
           select t.account_id as "account: UserId", a.name, a.email, t.attempts as "attempts!", t.without_progress as "without_progress!",
                  t.best as "best!", t.last_verdict as "last_verdict!: Verdict", t.last_at as "last_at!"
             from told t join account a using (account_id)
            where t.without_progress >= $2 order by t.without_progress desc, t.last_at desc limit $3"#,
        lab as _,
        attempts,
        limit
    )
    .fetch_all(db)
    .await
}
