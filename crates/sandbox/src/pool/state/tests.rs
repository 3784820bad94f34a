use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq, Eq, Clone)]
struct Warm(Uuid);
impl Ready for Warm {
    fn id(&self) -> Uuid {
        self.0
    }
}
#[derive(Debug, PartialEq, Eq, Clone)]
struct Person(&'static str, bool);
impl Waits for Person {
    fn gave_up(&self) -> bool {
        self.1
    }
}
type Pool = State<Warm, Person, Person>;

fn pool(floors: &[(&str, usize)], ceiling: usize) -> Pool {
    State::new(floors.iter().map(|(l, n)| ((*l).to_owned(), *n)), ceiling)
}

fn take(pool: &mut Pool, language: &str) -> Option<Warm> {
    match pool.take_or_wait(language, Person("taker", false)) {
        Turn::Now(jail) => Some(jail),
        Turn::Wait | Turn::Unknown => None,
    }
}

/// Starts until there is nothing to start; what was started, by language, is ready at once.
fn fill(pool: &mut Pool, now: Instant) -> Vec<String> {
    let mut started = Vec::new();
    while let Step::Start(language, id) = pool.next(now) {
        assert_eq!(pool.started(&language, Warm(id)), None, "nobody waits");
        started.push(language);
    }
    started
}

#[test]
fn shelves_are_filled_to_their_floors_the_emptiest_first() {
    let mut pool = pool(&[("c", 1), ("java", 3), ("none", 0)], 10);
    assert_eq!(fill(&mut pool, Instant::now()), ["c", "java", "java", "java"]);
    assert_eq!(pool.levels().collect::<Vec<_>>(), [("c", 1), ("java", 3), ("none", 0)]);
    assert!(take(&mut pool, "java").is_some());
    assert_eq!(fill(&mut pool, Instant::now()), ["java"]);
}

#[test]
fn whoever_waits_is_served_before_any_floor_and_in_order() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 2), ("java", 2)], 10);
    assert_eq!(pool.take_or_wait("java", Person("first", false)), Turn::Wait);
    assert_eq!(pool.take_or_wait("java", Person("gone", true)), Turn::Wait);
    assert_eq!(pool.take_or_wait("c", Person("second", false)), Turn::Wait);
    let Step::Start(a, a_id) = pool.next(now) else { panic!("starts") };
    let Step::Start(b, b_id) = pool.next(now) else { panic!("starts") };
    assert_eq!((a.as_str(), b.as_str()), ("java", "c"));
    assert_eq!(pool.started("c", Warm(b_id)), Some((Warm(b_id), Person("second", false))));
    assert_eq!(pool.started("java", Warm(a_id)), Some((Warm(a_id), Person("first", false))));
    assert_eq!(fill(&mut pool, now).len(), 4, "and now the floors");
}

#[test]
fn at_the_ceiling_a_ready_jail_of_another_language_makes_room_once_per_waiter() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 2), ("java", 0)], 2);
    fill(&mut pool, now);
    assert_eq!(pool.next(now), Step::Rest(None));
    assert_eq!(pool.take_or_wait("java", Person("j", false)), Turn::Wait);
    let Step::Evict(evicted) = pool.next(now) else { panic!("evicts") };
    assert_eq!(pool.next(now), Step::Rest(None), "one waiter, one eviction");
    pool.gone(evicted.id());
    let Step::Start(language, id) = pool.next(now) else { panic!("starts") };
    assert_eq!(language, "java", "the room is the waiter's, not the floor's of c");
    assert!(pool.started("java", Warm(id)).is_some());
    assert_eq!((pool.next(now), pool.live()), (Step::Rest(None), 2));
}

#[test]
fn a_floor_never_evicts_and_a_full_pool_of_used_jails_waits() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 1), ("java", 1)], 1);
    assert_eq!(fill(&mut pool, now), ["c"]);
    assert_eq!(pool.next(now), Step::Rest(None));
    let used = take(&mut pool, "c").expect("ready");
    assert_eq!(pool.take_or_wait("java", Person("j", false)), Turn::Wait);
    assert_eq!(pool.next(now), Step::Rest(None));
    pool.gone(used.id());
    assert!(matches!(pool.next(now), Step::Start(l, _) if l == "java"));
}

#[test]
fn a_first_failure_is_tried_again_at_once_and_the_second_is_told() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 0)], 4);
    assert_eq!(pool.take_or_wait("c", Person("w", false)), Turn::Wait);
    let Step::Start(_, id) = pool.next(now) else { panic!("starts") };
    assert_eq!(pool.failed("c", now, false), []);
    pool.gone(id);
    let Step::Start(_, id) = pool.next(now) else { panic!("starts again") };
    assert_eq!(pool.failed("c", now, false), [Person("w", false)]);
    pool.gone(id);
    assert_eq!(pool.take_or_wait("c", Person("later", false)), Turn::Wait);
    let Step::Rest(Some(moment)) = pool.next(now) else { panic!("pauses") };
    assert!(moment > now);
    assert!(matches!(pool.next(moment), Step::Start(..)));
}

#[test]
fn a_failure_for_good_is_told_at_once_and_does_not_stop_other_languages() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 0), ("java", 1)], 4);
    assert_eq!(pool.take_or_wait("c", Person("w", false)), Turn::Wait);
    assert!(matches!(pool.next(now), Step::Start(l, _) if l == "c"));
    assert_eq!(pool.failed("c", now, true), [Person("w", false)]);
    assert!(matches!(pool.next(now), Step::Start(l, _) if l == "java"));
}

#[test]
fn unfit_jails_are_taken_off_and_replaced() {
    let mut pool = pool(&[("c", 2)], 4);
    fill(&mut pool, Instant::now());
    let out = pool.discard("c", |_| true);
    assert_eq!(out.len(), 2);
    assert_eq!(fill(&mut pool, Instant::now()).len(), 2, "they still count until they are gone, and there is room");
}

#[test]
fn when_filling_has_stopped_only_who_waits_is_served() {
    let mut pool = pool(&[("c", 2)], 4);
    pool.stop_filling();
    assert_eq!(pool.next(Instant::now()), Step::Rest(None));
    assert_eq!(pool.take_or_wait("c", Person("w", false)), Turn::Wait);
    assert!(matches!(pool.next(Instant::now()), Step::Start(..)));
}

#[test]
fn a_jail_apart_comes_after_who_waits_and_before_the_floors_and_counts() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 1)], 8);
    pool.ask_apart(Person("gone", true));
    for name in ["first", "second", "third"] {
        pool.ask_apart(Person(name, false));
    }
    assert_eq!(pool.take_or_wait("c", Person("w", false)), Turn::Wait);
    assert!(matches!(pool.next(now), Step::Start(..)), "who waits");
    let Step::StartApart(Person("first", _), id) = pool.next(now) else { panic!("the first one apart") };
    assert!(matches!(pool.next(now), Step::StartApart(Person("second", _), _)));
    assert!(matches!(pool.next(now), Step::Start(..)), "a quarter of the places may be apart; then the floor");
    assert_eq!((pool.next(now), pool.live()), (Step::Rest(None), 4));
    assert!(pool.is_live(id));
    pool.gone(id);
    assert!(!pool.is_live(id));
    assert!(matches!(pool.next(now), Step::StartApart(Person("third", _), _)));
    let (_, waiting, asked) = pool.close();
    assert_eq!((waiting.len(), asked.len()), (1, 0));
}

#[derive(Debug, Clone)]
enum Event {
    Take(bool),
    Apart,
    Step,
    Finish(bool),
    Gone,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        any::<bool>().prop_map(Event::Take),
        Just(Event::Apart),
        Just(Event::Step),
        Just(Event::Step),
        any::<bool>().prop_map(Event::Finish),
        Just(Event::Gone),
    ];
    prop::collection::vec(event, 0..200)
}

proptest! {
    /// Whatever happens in whatever order: never more than the ceiling, no jail in two places, and when everything
    /// has come to rest nobody waits.
    #[test]
    fn no_order_of_events_breaks_the_pool(events in events(), ceiling in 1usize..6) {
        let now = Instant::now();
        let mut pool = pool(&[("a", 2), ("b", 1)], ceiling);
        let (mut starting, mut out) = (VecDeque::<(String, Uuid)>::new(), VecDeque::<Uuid>::new());
        let name = |b: bool| if b { "a" } else { "b" };
        for event in events {
            match event {
                Event::Apart => pool.ask_apart(Person("apart", false)),
                Event::Take(b) => out.extend(take(&mut pool, name(b)).map(|j| j.id())),
                Event::Step => match pool.next(now) {
                    Step::Start(l, id) => starting.push_back((l, id)),
                    Step::StartApart(_, id) => out.push_back(id),
                    Step::Evict(j) => out.push_back(j.id()),
                    Step::Rest(_) => {}
                },
                Event::Finish(well) => if let Some((l, id)) = starting.pop_front() {
                    if well {
                        out.extend(pool.started(&l, Warm(id)).map(|(j, _)| j.id()));
                    } else {
                        pool.failed(&l, now, true);
                        out.push_back(id);
                    }
                },
                Event::Gone => if let Some(id) = out.pop_front() { pool.gone(id) },
            }
            let ready: usize = pool.levels().map(|(_, n)| n).sum();
            prop_assert!(pool.live() <= ceiling);
            prop_assert!(pool.lanes.values().all(|l| l.ready.is_empty() || l.waiting.is_empty()), "nobody waits beside a ready jail");
            prop_assert_eq!(pool.live(), ready + starting.len() + out.len());
        }
        // Let everything come to rest.
        let later = now + LONGEST_PAUSE * 2;
        for _ in 0..1000 {
            match pool.next(later) {
                Step::Start(l, id) => out.extend(pool.started(&l, Warm(id)).map(|(j, _)| j.id())),
                Step::StartApart(_, id) => out.push_back(id),
                Step::Evict(j) => pool.gone(j.id()),
                Step::Rest(_) => {
                    if let Some((l, id)) = starting.pop_front() {
                        out.extend(pool.started(&l, Warm(id)).map(|(j, _)| j.id()));
                    } else if let Some(id) = out.pop_front() {
                        pool.gone(id);
                    } else {
                        break;
                    }
                }
            }
        }
        prop_assert!(pool.lanes.values().all(|s| s.waiting.is_empty() && s.starting == 0));
    }
}
