use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use iteratione_common::{
    events::{EventBus, EventId},
    ids::SubmissionId,
    lifecycle::Lifecycle,
    submission::{Event, SubmissionStatus},
};

use crate::fixture::{Server, flush, namespace, redis_url};

fn event(n: i32) -> Event {
    Event::Status { status: SubmissionStatus::Running, attempt: n }
}

fn number(event: &Event) -> i32 {
    match event {
        Event::Status { attempt, .. } => *attempt,
        other => panic!("{other:?}"),
    }
}

async fn take(stream: &mut (impl Stream<Item = (EventId, Event)> + Unpin), n: usize) -> Vec<(EventId, i32)> {
    let all = stream.take(n).map(|(id, event)| (id, number(&event))).collect();
    tokio::time::timeout(Duration::from_secs(15), all).await.expect("the events come")
}

async fn silent(stream: &mut (impl Stream<Item = (EventId, Event)> + Unpin)) {
    let next = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(next.is_err(), "nothing more should come, but {next:?}");
}

fn numbers(events: &[(EventId, i32)]) -> Vec<i32> {
    events.iter().map(|(_, n)| *n).collect()
}

#[tokio::test]
async fn a_watcher_gets_history_and_then_what_comes_each_once_and_in_order() {
    let (namespace, lifecycle, id) = (namespace(), Lifecycle::new(), SubmissionId::new());
    let bus = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    for n in 0..50 {
        bus.publish(id, &event(n)).await;
    }
    let mut watcher = bus.subscribe(id, None).await;
    let publishing = async {
        for n in 50..150 {
            bus.publish(id, &event(n)).await;
        }
    };
    let (events, ()) = tokio::join!(take(&mut watcher, 150), publishing);
    assert_eq!(numbers(&events), (0..150).collect::<Vec<_>>());
    assert!(events.windows(2).all(|w| w[0].0 < w[1].0));
    silent(&mut watcher).await;
    flush(&namespace).await;
}

#[tokio::test]
async fn a_watcher_that_comes_back_with_its_last_id_misses_nothing_and_sees_nothing_twice() {
    let (namespace, lifecycle, id) = (namespace(), Lifecycle::new(), SubmissionId::new());
    let bus = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    assert_eq!(bus.last_id(id).await, None);
    for n in 0..40 {
        bus.publish(id, &event(n)).await;
    }
    let seen = take(&mut bus.subscribe(id, None).await, 17).await;
    let mut again = bus.subscribe(id, Some(seen[16].0)).await;
    let rest = take(&mut again, 23).await;
    assert_eq!(numbers(&rest), (17..40).collect::<Vec<_>>());
    assert_eq!(bus.last_id(id).await, Some(rest[22].0));
    silent(&mut again).await;
    flush(&namespace).await;
}

#[tokio::test]
async fn events_come_at_once_from_another_process_and_to_each_watcher() {
    let (namespace, lifecycle, id) = (namespace(), Lifecycle::new(), SubmissionId::new());
    let here = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    let there = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    let mut watchers = futures_util::future::join_all((0..10).map(|_| here.subscribe(id, None))).await;
    let mut bystander = here.subscribe(SubmissionId::new(), None).await;
    for watcher in &mut watchers {
        silent(watcher).await;
    }
    let started = tokio::time::Instant::now();
    there.publish(id, &event(1)).await;
    for watcher in &mut watchers {
        assert_eq!(numbers(&take(watcher, 1).await), [1]);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "a notice, not the ten-second look, brought them");
    silent(&mut bystander).await;
    flush(&namespace).await;
}

#[tokio::test]
async fn a_slow_watcher_holds_up_nobody_and_still_gets_all() {
    let (namespace, lifecycle, id) = (namespace(), Lifecycle::new(), SubmissionId::new());
    let bus = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    let mut slow = bus.subscribe(id, None).await;
    bus.publish(id, &event(0)).await;
    assert_eq!(numbers(&take(&mut slow, 1).await), [0]);
    for n in 1..900 {
        bus.publish(id, &event(n)).await;
    }
    assert_eq!(numbers(&take(&mut slow, 899).await), (1..900).collect::<Vec<_>>());
    flush(&namespace).await;
}

#[tokio::test]
async fn the_history_of_a_submission_is_bounded() {
    let (namespace, lifecycle, id) = (namespace(), Lifecycle::new(), SubmissionId::new());
    let bus = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    for n in 0..1500 {
        bus.publish(id, &event(n)).await;
    }
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let key = format!("{{iteratione:{namespace}}}:ev:{id}");
    let (length, life): (usize, u64) =
        redis::pipe().cmd("XLEN").arg(&key).cmd("TTL").arg(&key).query_async(&mut connection).await.expect("answers");
    assert!(length < 1200, "{length} events");
    assert!((3000..=3600).contains(&life), "{life} s");
    let finished_at = "2026-01-01T00:00:00Z".parse().expect("a time");
    let done = Event::Done { verdict: iteratione_common::verdict::Verdict::Ac, score: 1.0, finished_at };
    bus.publish(id, &done).await;
    let life: u64 = redis::cmd("TTL").arg(&key).query_async(&mut connection).await.expect("answers");
    assert!(life <= 60, "{life} s");
    flush(&namespace).await;
}

#[tokio::test]
async fn an_event_of_another_version_does_not_stop_a_watcher() {
    let (namespace, lifecycle, id) = (namespace(), Lifecycle::new(), SubmissionId::new());
    let bus = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    let client = redis::Client::open(redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let key = format!("{{iteratione:{namespace}}}:ev:{id}");
    redis::cmd("XADD")
        .arg(&key)
        .arg(&["*", "e", "{\"event\":\"new\"}"])
        .query_async::<()>(&mut connection)
        .await
        .expect("adds");
    bus.publish(id, &event(1)).await;
    assert_eq!(numbers(&take(&mut bus.subscribe(id, None).await, 1).await), [1]);
    flush(&namespace).await;
}

#[tokio::test]
async fn watching_goes_on_after_redis_was_away_and_lost_everything() {
    let mut server = Server::start().await;
    let (lifecycle, id) = (Lifecycle::new(), SubmissionId::new());
    let bus = EventBus::connect(&server.url(), "x", &lifecycle).expect("a bus");
    let mut watcher = bus.subscribe(id, None).await;
    bus.publish(id, &event(1)).await;
    assert_eq!(numbers(&take(&mut watcher, 1).await), [1]);
    server.stop();
    let started = tokio::time::Instant::now();
    for _ in 0..20 {
        bus.publish(id, &event(2)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "nobody waits for a Redis that is down");
    silent(&mut watcher).await;
    server.empty();
    server.restart().await;
    let publishing = async {
        for n in 3.. {
            bus.publish(id, &event(n)).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let events = tokio::select! { events = take(&mut watcher, 3) => events, () = publishing => unreachable!() };
    let first = events[0].1;
    assert_eq!(numbers(&events), [first, first + 1, first + 2]);
}

#[tokio::test]
async fn the_bus_ends_with_the_service() {
    let (namespace, lifecycle) = (namespace(), Lifecycle::new());
    let _bus = EventBus::connect(&redis_url(), &namespace, &lifecycle).expect("a bus");
    assert!(!lifecycle.finished(Duration::from_millis(50)).await);
    lifecycle.hard.cancel();
    assert!(lifecycle.finished(Duration::from_secs(2)).await);
}
