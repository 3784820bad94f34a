use std::{sync::atomic::Ordering, time::Duration};

use iteratione_common::ids::UserId;
use iteratione_runner::{RunnerConfig, admission::Turn};
use uuid::Uuid;

use crate::support::{DEADLINE, Door, config, namespace, next, no_redis, permit, position, redis_url, until_in};

#[tokio::test]
async fn who_finds_a_free_place_runs_at_once_and_the_next_one_when_it_is_free_again() {
    let door = Door::new(&config(2, 10));
    let (one, _two) = (door.is_in().await, door.is_in().await);
    let mut waiting = door.waits().await;
    assert_eq!(position(&mut waiting).await, 1);
    assert_eq!(door.admission.counts(), (2, 1));
    drop(one);
    let _three = permit(&mut waiting).await;
    assert_eq!(door.admission.counts(), (2, 0));
}

#[tokio::test]
async fn everybody_behind_one_who_leaves_is_told_at_once() {
    let door = Door::new(&config(1, 10));
    let running = door.is_in().await;
    let (mut a, mut b, mut c) = (door.waits().await, door.waits().await, door.waits().await);
    for (waiting, place) in [(&mut a, 1), (&mut b, 2), (&mut c, 3)] {
        assert_eq!(position(waiting).await, place);
    }
    drop(b);
    assert_eq!(position(&mut c).await, 2);
    drop(running);
    let running = permit(&mut a).await;
    assert_eq!(position(&mut c).await, 1);
    drop(running);
    permit(&mut c).await;
}

#[tokio::test]
async fn a_place_that_was_given_to_one_who_went_away_goes_to_the_next() {
    let door = Door::new(&config(1, 10));
    let running = door.is_in().await;
    let (unheard, mut next) = (door.waits().await, door.waits().await);
    drop(running);
    // It has the place by now, and never asked.
    drop(unheard);
    until_in(&mut next).await;
}

#[tokio::test]
async fn an_account_has_one_session_whether_it_runs_or_waits() {
    let door = Door::new(&config(1, 10));
    let account = UserId::new();
    let running = permit(&mut door.join(account).await.expect("the first")).await;
    let refusal = door.join(account).await.err().expect("the second");
    assert_eq!((refusal.code, refusal.close), ("too_many_sessions", Some(4029)));
    assert!(refusal.retry_after.is_some());
    let mut waiting = door.waits().await;
    position(&mut waiting).await;
    drop(running);
    let other = permit(&mut waiting).await;
    let in_line = door.join(account).await.expect("its place is free at once");
    assert_eq!(door.join(account).await.err().expect("it waits already").code, "too_many_sessions");
    drop((in_line, other));
    permit(&mut door.join(account).await.expect("free again")).await;
}

#[tokio::test]
async fn the_limit_of_an_account_holds_over_all_runners() {
    let namespace = namespace();
    let two = RunnerConfig { sessions_per_account: 2, ..config(5, 10) };
    let doors = [0, 1, 2].map(|_| Door::beside(&two, &redis_url(), &namespace));
    let account = UserId::new();
    let _one = permit(&mut doors[0].join(account).await.expect("the first")).await;
    let second = permit(&mut doors[1].join(account).await.expect("the second")).await;
    let refusal = doors[2].join(account).await.err().expect("the third");
    assert!(refusal.code == "too_many_sessions" && refusal.message.contains('2'), "{refusal:?}");
    drop(second);
    // Another runner's word takes its way through Redis.
    let freed = async {
        while doors[2].join(account).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, freed).await.expect("free for all");
}

#[tokio::test]
async fn a_session_whose_socket_is_gone_makes_room_for_a_new_one_of_its_account_only() {
    let door = Door::new(&config(3, 10));
    let (account, other) = (UserId::new(), UserId::new());
    let _other = permit(&mut door.join(other).await.expect("another account")).await;
    let detached = permit(&mut door.join(account).await.expect("the first")).await;
    *door.detached.lock().expect("no panic") = Some((account, detached));
    assert_eq!(door.join(other).await.err().expect("nothing of its own to end").code, "too_many_sessions");
    assert_eq!(door.admission.counts(), (2, 0));
    permit(&mut door.join(account).await.expect("the old one is ended")).await;
    assert!(door.detached.lock().expect("no panic").is_none());
}

#[tokio::test]
async fn an_account_that_has_none_goes_before_one_that_has_some() {
    let door = Door::new(&RunnerConfig { sessions_per_account: 9, ..config(2, 10) });
    let greedy = UserId::new();
    let first = permit(&mut door.join(greedy).await.expect("allowed")).await;
    let _second = permit(&mut door.join(greedy).await.expect("allowed")).await;
    let mut third = door.join(greedy).await.expect("may wait");
    assert_eq!(position(&mut third).await, 1);
    let mut modest = door.waits().await;
    assert_eq!(position(&mut modest).await, 1);
    assert_eq!(position(&mut third).await, 2, "it is told that somebody went before it");
    drop(first);
    permit(&mut modest).await;
}

#[tokio::test]
async fn a_full_line_sends_people_away_and_says_when_to_come_back() {
    let door = Door::new(&config(1, 2));
    let running = door.is_in().await;
    let (_a, b) = (door.waits().await, door.waits().await);
    let account = UserId::new();
    let refusal = door.join(account).await.err().expect("no room");
    assert_eq!((refusal.code, refusal.close), ("busy", Some(4029)));
    assert!(refusal.retry_after.is_some());
    drop(b);
    let mut waiting = door.join(account).await.expect("who was sent away has used up nothing");
    assert_eq!(position(&mut waiting).await, 2);
    drop(running);
}

#[tokio::test]
async fn nobody_is_let_in_while_memory_is_short_and_somebody_as_soon_as_it_is_not() {
    let door = Door::new(&config(5, 10));
    door.memory.store(100, Ordering::Relaxed);
    let (mut a, mut b) = (door.waits().await, door.waits().await);
    assert_eq!((position(&mut a).await, position(&mut b).await), (1, 2));
    assert_eq!(door.admission.counts(), (0, 2));
    door.memory.store(100_000, Ordering::Relaxed);
    let (_a, _b) = (until_in(&mut a).await, until_in(&mut b).await);
}

#[tokio::test]
async fn a_service_that_stops_sends_away_those_who_wait_and_leaves_alone_those_who_run() {
    let door = Door::new(&config(1, 10));
    let running = door.is_in().await;
    let (mut a, mut b) = (door.waits().await, door.waits().await);
    assert_eq!((position(&mut a).await, position(&mut b).await), (1, 2));
    door.lifecycle.soft.cancel();
    for waiting in [&mut a, &mut b] {
        loop {
            match next(waiting).await {
                Turn::Refused(refusal) => {
                    assert_eq!((refusal.code, refusal.close), ("restarting", Some(1012)));
                    break;
                }
                Turn::Position(_) => {}
                Turn::Go(_) => panic!("nobody is let in any more"),
            }
        }
    }
    assert_eq!(door.join(UserId::new()).await.err().expect("nobody").code, "restarting");
    assert_eq!(door.admission.counts(), (1, 0));
    drop((a, b));
    drop(running);
    assert_eq!(door.admission.counts(), (0, 0));
}

#[tokio::test]
async fn without_redis_nobody_is_let_in_and_all_are_told_to_come_back() {
    let door = Door::beside(&config(1, 10), &no_redis(), &namespace());
    let refusal = door.admission.join(UserId::new(), Uuid::now_v7()).await.err().expect("no Redis");
    assert_eq!(refusal.code, "unavailable");
    assert!(refusal.retry_after.is_some());
    assert_eq!(door.admission.counts(), (0, 0));
}

#[tokio::test]
async fn waiting_can_be_interrupted_at_any_time_without_missing_anything() {
    let door = Door::new(&config(1, 10));
    let running = door.is_in().await;
    let mut waiting = door.waits().await;
    assert_eq!(position(&mut waiting).await, 1);
    for _ in 0..50 {
        assert!(tokio::time::timeout(Duration::from_micros(50), waiting.next()).await.is_err(), "nothing happened");
    }
    drop(running);
    let _permit = permit(&mut waiting).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(20), waiting.next()).await.is_err(),
        "there is nothing after it"
    );
}
