//! Hundreds at one door.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use iteratione_common::ids::UserId;
use iteratione_runner::admission::Turn;
use tokio::task::JoinSet;

use crate::support::{DEADLINE, Door, config, next, position, until_in};

const PLACES: usize = 7;
const PEOPLE: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_come_and_go_and_all_who_stay_get_their_turn_and_never_too_many_at_once() {
    let door = Arc::new(Door::new(&config(PLACES, PEOPLE)));
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut people = JoinSet::new();
    for person in 0..PEOPLE {
        let (door, inside, most) = (Arc::clone(&door), Arc::clone(&inside), Arc::clone(&most));
        people.spawn(async move {
            let mut waiting = door.join(UserId::new()).await.expect("room to wait");
            // Every third loses patience after as many turns as it is old.
            let patience = if person % 3 == 0 { person % 7 } else { usize::MAX };
            for _ in 0..patience {
                match next(&mut waiting).await {
                    Turn::Position(position) => assert!((1..=PEOPLE).contains(&(position as usize))),
                    Turn::Refused(refusal) => panic!("refused: {refusal:?}"),
                    Turn::Go(permit) => {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_micros(200)).await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                        return true;
                    }
                }
            }
            false
        });
    }
    let ran = tokio::time::timeout(2 * DEADLINE, people.join_all()).await.expect("all have their turn");
    assert!(ran.iter().filter(|ran| **ran).count() >= PEOPLE * 2 / 3);
    assert!(most.load(Ordering::SeqCst) <= PLACES);
    assert_eq!(door.admission.counts(), (0, 0), "nobody is left behind");
    // … and every place can be had again.
    let mut permits = Vec::new();
    for _ in 0..PLACES {
        permits.push(door.is_in().await);
    }
}

#[tokio::test]
async fn in_a_long_line_each_who_is_let_in_moves_all_others_by_one() {
    let door = Door::new(&config(1, 200));
    let mut running = door.is_in().await;
    let mut line = Vec::new();
    for place in 1..=200 {
        let mut waiting = door.waits().await;
        assert_eq!(position(&mut waiting).await, place);
        line.push(waiting);
    }
    assert_eq!(door.join(UserId::new()).await.err().expect("the line is full").code, "busy");
    for first in 0..5 {
        drop(running);
        running = until_in(&mut line[first]).await;
        for (waiting, place) in line[first + 1..].iter_mut().zip(1..) {
            assert_eq!(position(waiting).await, place);
        }
    }
}
