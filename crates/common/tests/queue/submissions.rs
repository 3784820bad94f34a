use iteratione_common::{
    lab::SourceFile,
    store::{
        PgPool,
        job::{self, JobClass},
        submission::{self, Filter},
    },
    submission::SubmissionStatus,
    verdict::Verdict,
};

use crate::fixture::{Fixture, account, grade};

#[sqlx::test(migrations = "../../migrations")]
async fn ordinals_are_gapless_when_one_account_submits_all_at_once(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let student = account(&pg).await;
    let new: Vec<_> = (0..20).map(|_| fixture.new_submission(student, JobClass::Submission)).collect();
    let mut ordinals = futures_util::future::join_all(new.iter().map(|n| fixture.insert(n))).await;
    ordinals.sort_unstable();
    assert_eq!(ordinals, (1..=20).collect::<Vec<_>>());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_submission_is_read_back_as_it_was_handed_in_even_with_nul_characters(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let student = account(&pg).await;
    let mut new = fixture.new_submission(student, JobClass::Submission);
    new.files = vec![SourceFile { name: "a.py".to_owned(), content: "print('\0\u{1F600}')".to_owned() }];
    new.main = Some("a.py".to_owned());
    new.late_factor = 0.5;
    fixture.insert(&new).await;
    let row = submission::get(&pg, new.id).await.expect("reads").expect("is there");
    assert_eq!(
        (row.lab, row.course, row.revision, row.revision_number),
        (fixture.lab, fixture.course, fixture.revision, 1)
    );
    assert_eq!((row.account, row.ordinal, row.late_factor, row.grading_attempt), (student, 1, 0.5, 0));
    assert_eq!((row.status, row.verdict, row.grade, row.finished_at), (SubmissionStatus::Queued, None, None, None));
    assert_eq!(submission::files(&pg, new.id).await.expect("reads"), Some(new.files));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_page_goes_on_after_the_one_before_newest_first_and_keeps_accounts_apart(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (one, two) = (account(&pg).await, account(&pg).await);
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(fixture.submit(one).await);
        fixture.submit(two).await;
    }
    mine.reverse();
    let of = |account| Filter { account: Some(account), ..Filter::default() };
    let ids = |rows: Vec<submission::SubmissionRow>| rows.iter().map(|r| r.id).collect::<Vec<_>>();
    let first = ids(submission::page(&pg, fixture.lab, of(one), None, 2).await.expect("reads"));
    let second = ids(submission::page(&pg, fixture.lab, of(one), Some(first[1]), 2).await.expect("reads"));
    assert_eq!([first, second].concat(), mine);
    assert_eq!(submission::page(&pg, fixture.lab, Filter::default(), None, 10).await.expect("reads").len(), 6);
}

#[sqlx::test(migrations = "../../migrations")]
async fn internal_errors_do_not_count_as_attempts(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, _) = fixture.claimed().await;
    let count = || submission::attempts(&pg, fixture.lab, claimed.account);
    let before = count().await.expect("counts");
    assert_eq!((before.total, before.recent), (1, vec![claimed.created_at]));
    job::finish(&pg, claimed.submission, claimed.attempt, &grade(Verdict::Ie, 0.0))
        .await
        .expect("finishes")
        .expect("its own");
    let after = count().await.expect("counts");
    assert_eq!((after.total, after.recent), (0, Vec::new()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn attempts_older_than_a_day_count_in_all_alone(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let student = account(&pg).await;
    let old = fixture.submit(student).await;
    fixture.submit(student).await;
    sqlx::query("update submission set created_at = now() - interval '25 hours' where submission_id = $1")
        .bind(old)
        .execute(&pg)
        .await
        .expect("older");
    let count = submission::attempts(&pg, fixture.lab, student).await.expect("counts");
    assert_eq!((count.total, count.recent.len()), (2, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_position_in_the_queue_is_the_order_in_which_jobs_are_dispatched(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let flooder = account(&pg).await;
    for _ in 0..4 {
        fixture.submit(flooder).await;
    }
    let other = fixture.submit(account(&pg).await).await;
    let urgent = fixture.submit_as(account(&pg).await, JobClass::Interactive).await;
    let position = async |id| submission::queue_position(&pg, id).await.expect("counts");
    // The flood's first came before the other; its second is of a later turn.
    assert_eq!((position(urgent).await, position(other).await), (Some(1), Some(3)));
    let worker = fixture.grader(1).await;
    let jobs = fixture.dispatch().await;
    assert_eq!(jobs[0].submission, urgent);
    assert_eq!(position(jobs[0].submission).await, Some(1));
    assert_eq!(position(jobs[1].submission).await, Some(2));
    assert_eq!(position(other).await, Some(3), "behind the two that are dispatched");
    fixture.claim(&jobs[0], worker).await.expect("claimed");
    assert_eq!(position(urgent).await, None);
    assert_eq!(position(jobs[1].submission).await, Some(1));
}
