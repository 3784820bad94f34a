use std::{collections::HashMap, time::Duration};

use iteratione_common::{
    ids::SubmissionId,
    queue::Queue,
    store::job::{Dispatched, JobClass},
};

use crate::fixture::{flush, namespace, queue, redis_url};

const BLOCK: Duration = Duration::from_millis(200);

fn job(class: JobClass) -> Dispatched {
    Dispatched { submission: SubmissionId::new(), attempt: 0, class }
}

async fn entries(namespace: &str, class: JobClass) -> usize {
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let key = format!("{{iteratione:{namespace}}}:jobs:{}", class.index());
    redis::cmd("XLEN").arg(key).query_async(&mut connection).await.expect("a length")
}

#[tokio::test]
async fn a_job_is_added_once_per_attempt_and_read_once() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let first = job(JobClass::Submission);
    assert_eq!(queue.enqueue(&[first, first]).await.expect("adds"), 1);
    assert_eq!(queue.enqueue(&[Dispatched { attempt: 1, ..first }]).await.expect("adds"), 1);
    let (mut one, mut two) = (queue.reader("one"), queue.reader("two"));
    let read =
        [one.next(BLOCK).await.expect("reads"), two.next(BLOCK).await.expect("reads")].map(|e| e.expect("an entry"));
    assert_eq!(read.clone().map(|e| e.job.attempt), [0, 1]);
    for entry in &read {
        queue.ack(entry).await.expect("acknowledges");
    }
    assert_eq!(one.next(BLOCK).await.expect("reads"), None);
    assert_eq!(entries(&namespace, JobClass::Submission).await, 0, "what is done leaves nothing in the stream");
    flush(&namespace).await;
}

#[tokio::test]
async fn a_blocked_reader_gets_a_job_of_any_class_as_soon_as_it_is_added() {
    let namespace = namespace();
    let queue = queue(&namespace);
    for class in JobClass::ALL {
        let mut reader = queue.reader("r");
        let (added, started) = (job(class), tokio::time::Instant::now());
        let adding = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            queue.enqueue(&[added]).await.expect("adds");
        };
        let (entry, ()) = tokio::join!(reader.next(Duration::from_secs(5)), adding);
        let entry = entry.expect("reads").expect("an entry");
        assert_eq!(entry.job, added);
        assert!(started.elapsed() < Duration::from_secs(4));
        queue.ack(&entry).await.expect("acknowledges");
    }
    flush(&namespace).await;
}

#[tokio::test]
async fn full_streams_are_read_8_to_4_to_1() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let jobs: Vec<_> = JobClass::ALL.into_iter().flat_map(|c| (0..30).map(move |_| job(c))).collect();
    queue.enqueue(&jobs).await.expect("adds");
    let mut reader = queue.reader("r");
    let mut seen = HashMap::new();
    for _ in 0..26 {
        let entry = reader.next(BLOCK).await.expect("reads").expect("an entry");
        *seen.entry(entry.job.class).or_insert(0) += 1;
        queue.ack(&entry).await.expect("acknowledges");
    }
    assert_eq!(JobClass::ALL.map(|c| seen[&c]), [16, 8, 2]);
    flush(&namespace).await;
}

#[tokio::test]
async fn what_a_dead_reader_held_is_taken_over_by_another() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let lost = job(JobClass::Submission);
    queue.enqueue(&[lost]).await.expect("adds");
    let mut dead = queue.reader("dead");
    dead.next(BLOCK).await.expect("reads").expect("an entry");
    drop(dead);
    let mut heir = queue.reader("heir");
    assert_eq!(heir.next(Duration::from_millis(50)).await.expect("reads"), None, "it may still be alive");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let entry = heir.next(BLOCK).await.expect("reads").expect("the entry");
    assert_eq!(entry.job, lost);
    queue.ack(&entry).await.expect("acknowledges");
    flush(&namespace).await;
}

#[tokio::test]
async fn a_reader_that_comes_back_begins_with_what_it_held() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let jobs = [job(JobClass::Submission), job(JobClass::Submission)];
    queue.enqueue(&jobs).await.expect("adds");
    queue.reader("same").next(BLOCK).await.expect("reads").expect("an entry");
    let mut again = queue.reader("same");
    for expected in jobs {
        assert_eq!(again.next(BLOCK).await.expect("reads").expect("an entry").job, expected);
    }
    flush(&namespace).await;
}

#[tokio::test]
async fn a_reader_that_leaves_gives_back_what_it_holds_and_its_name() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let held = job(JobClass::Interactive);
    queue.enqueue(&[held]).await.expect("adds");
    let mut leaver = queue.reader("leaver");
    leaver.next(BLOCK).await.expect("reads").expect("an entry");
    leaver.leave().await.expect("leaves");
    let entry = queue.reader("other").next(BLOCK).await.expect("reads").expect("the entry at once");
    assert_eq!(entry.job, held);
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let consumers: redis::streams::StreamInfoConsumersReply = redis::cmd("XINFO")
        .arg("CONSUMERS")
        .arg(format!("{{iteratione:{namespace}}}:jobs:0"))
        .arg("graders")
        .query_async(&mut connection)
        .await
        .expect("consumers");
    assert_eq!(consumers.consumers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["other"]);
    flush(&namespace).await;
}

#[tokio::test]
async fn a_reader_survives_that_redis_is_emptied_under_it() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let mut reader = queue.reader("r");
    assert_eq!(reader.next(BLOCK).await.expect("reads"), None);
    let emptied = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        flush(&namespace).await;
    };
    // Blocked while its group vanishes, it may say so; then it goes on.
    let (_, ()) = tokio::join!(reader.next(BLOCK), emptied);
    let added = job(JobClass::Background);
    queue.enqueue(&[added]).await.expect("adds");
    let mut read = None;
    for _ in 0..3 {
        if let Ok(Some(entry)) = reader.next(BLOCK).await {
            read = Some(entry.job);
            break;
        }
    }
    assert_eq!(read, Some(added));
    flush(&namespace).await;
}

#[tokio::test]
async fn entries_that_make_no_sense_are_dropped() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let key = format!("{{iteratione:{namespace}}}:jobs:1");
    for fields in [["job", "x"], ["", ""]] {
        redis::cmd("XADD").arg(&key).arg("*").arg(&fields).query_async::<()>(&mut connection).await.expect("adds");
    }
    let good = job(JobClass::Submission);
    queue.enqueue(&[good]).await.expect("adds");
    let mut reader = queue.reader("r");
    let mut read = Vec::new();
    for _ in 0..3 {
        read.extend(reader.next(BLOCK).await.expect("reads"));
    }
    assert_eq!(read.iter().map(|e| e.job).collect::<Vec<_>>(), [good]);
    flush(&namespace).await;
}

#[tokio::test]
async fn a_marker_whose_entry_is_lost_keeps_nothing_out() {
    let namespace = namespace();
    let queue = queue(&namespace);
    let lost = job(JobClass::Submission);
    queue.enqueue(&[lost]).await.expect("adds");
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let key = format!("{{iteratione:{namespace}}}:jobs:1");
    redis::cmd("DEL").arg(&key).query_async::<()>(&mut connection).await.expect("deletes");
    assert_eq!(queue.enqueue(&[lost]).await.expect("adds"), 1);
    let mut reader = queue.reader("r");
    assert!(reader.next(BLOCK).await.expect("reads").is_some());
    assert_eq!(queue.enqueue(&[lost]).await.expect("adds"), 0, "it is there, in somebody's hands");
    reader.leave().await.expect("leaves");
    assert_eq!(queue.enqueue(&[lost]).await.expect("adds"), 0, "it is there, given back");
    assert_eq!(entries(&namespace, JobClass::Submission).await, 1);
    flush(&namespace).await;
}

#[tokio::test]
async fn an_emptied_redis_is_noticed_once() {
    let namespace = namespace();
    let (one, two) = (queue(&namespace), queue(&namespace));
    assert!(one.may_have_forgotten().await.expect("asks"), "never seen before");
    assert!(!one.may_have_forgotten().await.expect("asks"));
    assert!(!two.may_have_forgotten().await.expect("asks"));
    flush(&namespace).await;
    assert!(two.may_have_forgotten().await.expect("asks"));
    assert!(!one.may_have_forgotten().await.expect("asks"), "the other has seen to it");
    flush(&namespace).await;
}

#[tokio::test]
async fn a_restarted_redis_is_noticed_although_it_kept_its_data() {
    let mut server = crate::fixture::Server::start().await;
    let queue = Queue::connect(&server.url(), "restart").expect("a queue");
    queue.may_have_forgotten().await.expect("asks");
    assert!(!queue.may_have_forgotten().await.expect("asks"));
    let kept = job(JobClass::Submission);
    queue.enqueue(&[kept]).await.expect("adds");
    let mut reader = queue.reader("r");
    server.restart().await;
    let mut noticed = false;
    for _ in 0..20 {
        match queue.may_have_forgotten().await {
            Ok(forgotten) => {
                noticed = forgotten;
                break;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    assert!(noticed);
    assert_eq!(reader.next(BLOCK).await.expect("reads").map(|e| e.job), Some(kept));
}
