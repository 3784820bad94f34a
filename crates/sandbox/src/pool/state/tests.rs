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

const ROOMY: Bounds = Bounds {
    places: 24,
    starts: 100,
    memory_mb: 10_000,
    ready_mb: 5,
    apart_mb: 80,
    refill_share: 1.0,
    calm: Duration::ZERO,
};
/// A start takes this long.
const TOOK: Duration = Duration::from_millis(100);

/// Shelves that are never fuller than their floors.
fn pool(floors: &[(&str, usize)], places: usize) -> Pool {
    let shelf = |(l, n): &(&str, usize)| Shelf { language: (*l).to_owned(), floor: *n, most: *n };
    State::new(floors.iter().map(shelf), Bounds { places, ..ROOMY })
}

/// One shelf that grows.
fn growing(floor: usize, most: usize, bounds: Bounds) -> Pool {
    State::new([Shelf { language: "c".to_owned(), floor, most }], bounds)
}

fn take(pool: &mut Pool, language: &str) -> Option<Warm> {
    take_at(pool, language, Instant::now())
}

fn take_at(pool: &mut Pool, language: &str, now: Instant) -> Option<Warm> {
    match pool.take_or_wait(language, Person("taker", false), now) {
        Turn::Now(jail) => Some(jail),
        Turn::Wait | Turn::Unknown => None,
    }
}

/// Starts until there is nothing to start; what was started, by language, is ready at once.
fn fill(pool: &mut Pool, now: Instant) -> Vec<String> {
    let mut started = Vec::new();
    while let Step::Start(start) = pool.next(now) {
        assert_eq!(pool.started(&start, Warm(start.jail), now, TOOK), None, "nobody waits");
        started.push(start.language);
    }
    started
}

fn start(pool: &mut Pool, now: Instant) -> Start {
    match pool.next(now) {
        Step::Start(start) => start,
        other => panic!("a start, not {other:?}"),
    }
}

fn ready(pool: &Pool) -> Vec<(&str, usize)> {
    pool.levels().map(|l| (l.language, l.ready)).collect()
}

fn target(pool: &Pool) -> usize {
    pool.levels().map(|l| l.target).sum()
}

#[test]
fn shelves_are_filled_to_their_floors_the_emptiest_first() {
    let mut pool = pool(&[("c", 1), ("java", 3), ("none", 0)], 10);
    assert_eq!(fill(&mut pool, Instant::now()), ["c", "java", "java", "java"]);
    assert_eq!(ready(&pool), [("c", 1), ("java", 3), ("none", 0)]);
    assert!(take(&mut pool, "java").is_some());
    assert_eq!(fill(&mut pool, Instant::now()), ["java"]);
}

#[test]
fn whoever_waits_is_served_before_any_floor_and_in_order() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 2), ("java", 2)], 10);
    assert_eq!(pool.take_or_wait("java", Person("first", false), Instant::now()), Turn::Wait);
    assert_eq!(pool.take_or_wait("java", Person("gone", true), Instant::now()), Turn::Wait);
    assert_eq!(pool.take_or_wait("c", Person("second", false), Instant::now()), Turn::Wait);
    let (a, b) = (start(&mut pool, now), start(&mut pool, now));
    assert_eq!((a.language.as_str(), b.language.as_str()), ("java", "c"));
    assert!(!a.refill && !b.refill);
    assert_eq!(pool.started(&b, Warm(b.jail), now, TOOK), Some((Warm(b.jail), Person("second", false))));
    assert_eq!(pool.started(&a, Warm(a.jail), now, TOOK), Some((Warm(a.jail), Person("first", false))));
    assert_eq!(fill(&mut pool, now).len(), 4, "and now the floors");
}

#[test]
fn at_the_ceiling_a_ready_jail_of_another_language_makes_room_once_per_waiter() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 2), ("java", 0)], 2);
    fill(&mut pool, now);
    assert_eq!(pool.next(now), Step::Rest(None));
    assert_eq!(pool.take_or_wait("java", Person("j", false), Instant::now()), Turn::Wait);
    let Step::Evict(evicted) = pool.next(now) else { panic!("evicts") };
    assert_eq!(pool.next(now), Step::Rest(None), "one waiter, one eviction");
    pool.gone(evicted.id());
    let started = start(&mut pool, now);
    assert_eq!(started.language, "java", "the room is the waiter's, not the floor's of c");
    assert!(pool.started(&started, Warm(started.jail), now, TOOK).is_some());
    assert_eq!((pool.next(now), pool.live()), (Step::Rest(None), 2));
}

#[test]
fn a_floor_never_evicts_and_a_full_pool_of_used_jails_waits() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 1), ("java", 1)], 1);
    assert_eq!(fill(&mut pool, now), ["c"]);
    assert_eq!(pool.next(now), Step::Rest(None));
    let used = take(&mut pool, "c").expect("ready");
    assert_eq!(pool.take_or_wait("java", Person("j", false), Instant::now()), Turn::Wait);
    assert_eq!(pool.next(now), Step::Rest(None));
    pool.gone(used.id());
    assert_eq!(start(&mut pool, now).language, "java");
}

#[test]
fn a_first_failure_is_tried_again_at_once_and_the_second_is_told() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 0)], 4);
    assert_eq!(pool.take_or_wait("c", Person("w", false), Instant::now()), Turn::Wait);
    let first = start(&mut pool, now);
    assert_eq!(pool.failed(&first, now, false), []);
    pool.gone(first.jail);
    let again = start(&mut pool, now);
    assert_eq!(pool.failed(&again, now, false), [Person("w", false)]);
    pool.gone(again.jail);
    assert_eq!(pool.take_or_wait("c", Person("later", false), Instant::now()), Turn::Wait);
    let Step::Rest(Some(moment)) = pool.next(now) else { panic!("pauses") };
    assert!(moment > now);
    assert!(matches!(pool.next(moment), Step::Start(..)));
}

#[test]
fn a_failure_for_good_is_told_at_once_and_does_not_stop_other_languages() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 0), ("java", 1)], 4);
    assert_eq!(pool.take_or_wait("c", Person("w", false), Instant::now()), Turn::Wait);
    let started = start(&mut pool, now);
    assert_eq!(started.language, "c");
    assert_eq!(pool.failed(&started, now, true), [Person("w", false)]);
    assert_eq!(start(&mut pool, now).language, "java");
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
    assert_eq!(pool.take_or_wait("c", Person("w", false), Instant::now()), Turn::Wait);
    assert!(matches!(pool.next(Instant::now()), Step::Start(..)));
}

#[test]
fn a_jail_apart_comes_after_who_waits_and_before_the_floors_and_counts() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 1)], 8);
    assert!(pool.ask_apart(Person("gone", true)));
    for name in ["first", "second", "third"] {
        assert!(pool.ask_apart(Person(name, false)));
    }
    assert_eq!(pool.take_or_wait("c", Person("w", false), now), Turn::Wait);
    assert!(!start(&mut pool, now).refill, "who waits");
    let Step::StartApart(Person("first", _), id) = pool.next(now) else { panic!("the first one apart") };
    let Step::StartApart(Person("second", _), _) = pool.next(now) else { panic!("the second one apart") };
    assert!(start(&mut pool, now).refill, "a quarter of the places may be apart; then the floor");
    assert_eq!((pool.next(now), pool.live(), pool.in_use()), (Step::Rest(None), 4, 0));
    assert!(pool.is_live(id));
    pool.apart_ended(now, TOOK);
    pool.gone(id);
    assert!(!pool.is_live(id));
    assert!(matches!(pool.next(now), Step::StartApart(Person("third", _), _)));
    let (_, waiting, asked) = pool.close();
    assert_eq!((waiting.len(), asked.len()), (1, 0));
}

#[test]
fn a_full_pool_gives_up_a_ready_jail_for_one_apart_and_a_tiny_one_refuses() {
    let now = Instant::now();
    let mut pool = pool(&[("c", 4)], 4);
    fill(&mut pool, now);
    assert!(pool.ask_apart(Person("compiler", false)));
    let Step::Evict(jail) = pool.next(now) else { panic!("evicts") };
    assert_eq!(pool.next(now), Step::Rest(None), "one");
    pool.gone(jail.id());
    assert!(matches!(pool.next(now), Step::StartApart(..)));
    assert!(!self::pool(&[("c", 1)], 1).ask_apart(Person("compiler", false)));
    assert!(!growing(1, 1, Bounds { memory_mb: 79, ..ROOMY }).ask_apart(Person("compiler", false)));
}

#[test]
fn a_burst_makes_the_shelf_grow_and_rest_makes_it_shrink_to_its_floor_one_by_one() {
    let mut now = Instant::now();
    let mut pool = growing(2, 6, ROOMY);
    fill(&mut pool, now);
    assert_eq!(ready(&pool), [("c", 2)]);
    let mut used = Vec::new();
    for _ in 0..4 {
        used.extend(take_at(&mut pool, "c", now));
        fill(&mut pool, now);
    }
    assert_eq!((ready(&pool), target(&pool)), (vec![("c", 5)], 5), "four, and what comes meanwhile");
    for jail in used {
        pool.gone(jail.id());
    }
    let (mut shrunk, mut last) = (0, None::<Instant>);
    for _ in 0..1800 {
        now += Duration::from_secs(1);
        while let Step::Shrink(jail) = pool.next(now) {
            pool.gone(jail.id());
            assert!(last.is_none_or(|l| now - l >= SHRINK_PAUSE), "not all at once");
            (shrunk, last) = (shrunk + 1, Some(now));
        }
    }
    assert_eq!((ready(&pool), shrunk), (vec![("c", 2)], 3));
}

#[test]
fn no_demand_fills_a_shelf_beyond_its_ceiling_the_places_or_the_memory() {
    for (bounds, most) in [
        (ROOMY, 6),
        (Bounds { places: 4, ..ROOMY }, 4),
        (Bounds { memory_mb: 15, ..ROOMY }, 3),
        (Bounds { memory_mb: 0, ..ROOMY }, 0),
    ] {
        let now = Instant::now();
        let mut pool = growing(1, 6, bounds);
        for _ in 0..50 {
            if let Some(jail) = take_at(&mut pool, "c", now) {
                pool.gone(jail.id());
            }
            pool.lanes.get_mut("c").expect("there").waiting.clear();
            fill(&mut pool, now);
        }
        assert_eq!(ready(&pool), [("c", most)], "{bounds:?}");
        assert!(pool.memory_mb() <= bounds.memory_mb);
    }
}

#[test]
fn a_jail_apart_takes_memory_from_the_shelves() {
    let now = Instant::now();
    let mut pool = growing(4, 4, Bounds { memory_mb: 90, ready_mb: 5, apart_mb: 80, ..ROOMY });
    fill(&mut pool, now);
    assert!(pool.ask_apart(Person("compiler", false)));
    assert!(matches!(pool.next(now), Step::StartApart(..)));
    for _ in 0..2 {
        let Step::Shrink(jail) = pool.next(now) else { panic!("too many for the memory") };
        pool.gone(jail.id());
    }
    assert_eq!((pool.next(now), ready(&pool), pool.memory_mb()), (Step::Rest(None), vec![("c", 2)], 90));
}

#[test]
fn where_places_are_short_they_are_dealt_by_demand() {
    let mut now = Instant::now();
    let shelf = |l: &str| Shelf { language: l.to_owned(), floor: 2, most: 8 };
    let bounds = Bounds { memory_mb: 30, ready_mb: 5, ..ROOMY };
    let mut pool: Pool = State::new(["a", "b", "java"].map(shelf), bounds);
    fill(&mut pool, now);
    assert_eq!(ready(&pool), [("a", 2), ("b", 2), ("java", 2)], "nobody has wanted any");
    for _ in 0..6 {
        if let Some(jail) = take_at(&mut pool, "java", now) {
            pool.gone(jail.id());
        }
    }
    pool.lanes.get_mut("java").expect("there").waiting.clear();
    for _ in 0..60 {
        now += Duration::from_secs(1);
        loop {
            match pool.next(now) {
                Step::Start(start) => drop(pool.started(&start, Warm(start.jail), now, TOOK)),
                Step::Shrink(jail) => pool.gone(jail.id()),
                _ => break,
            }
        }
    }
    let levels: Vec<usize> = pool.levels().map(|l| l.ready).collect();
    assert!(levels[2] >= 5 && levels.iter().sum::<usize>() == 6, "{levels:?}");
}

#[test]
fn the_last_places_are_kept_for_those_who_come() {
    let now = Instant::now();
    let mut pool = growing(24, 24, ROOMY);
    assert_eq!(fill(&mut pool, now).len(), 21);
    for _ in 0..24 {
        take_at(&mut pool, "c", now);
    }
    for _ in 0..3 {
        assert!(!start(&mut pool, now).refill);
    }
    assert_eq!((pool.next(now), pool.live()), (Step::Rest(None), 24));
}

#[test]
fn while_jails_are_in_use_shelves_are_filled_one_at_a_time_with_pauses_and_a_waiter_is_not_delayed() {
    let now = Instant::now();
    let mut pool = growing(4, 4, Bounds { starts: 4, refill_share: 0.25, ..ROOMY });
    let first: Vec<Start> = (0..3).map(|_| start(&mut pool, now)).collect();
    assert_eq!(pool.next(now), Step::Rest(None), "one start is kept for whoever comes");
    for started in &first {
        pool.started(started, Warm(started.jail), now, TOOK);
    }
    let used = take_at(&mut pool, "c", now).expect("ready");
    assert_eq!(pool.in_use(), 1);
    let Step::Rest(Some(moment)) = pool.next(now) else { panic!("a pause") };
    assert_eq!(moment - now, TOOK * 3, "a quarter of the time");
    let refill = start(&mut pool, moment);
    assert!(refill.refill);
    assert_eq!(pool.next(moment), Step::Rest(None), "one at a time");
    take_at(&mut pool, "c", moment);
    take_at(&mut pool, "c", moment);
    assert_eq!(pool.take_or_wait("c", Person("w", false), moment), Turn::Wait);
    assert_eq!(pool.take_or_wait("c", Person("x", false), moment), Turn::Wait);
    assert!(!start(&mut pool, moment).refill, "the refill under way is for the first who waits, this for the second");
    let served = pool.started(&refill, Warm(refill.jail), moment, TOOK);
    assert_eq!(served, Some((Warm(refill.jail), Person("w", false))));
    // When everything is at rest there is nobody to spare.
    let mut rested = growing(4, 4, Bounds { starts: 4, refill_share: 0.25, ..ROOMY });
    assert_eq!(fill(&mut rested, now).len(), 4);
    pool.gone(used.id());
}

#[test]
fn after_a_take_nothing_is_started_for_a_moment_and_a_stream_of_takes_does_not_put_it_off() {
    let now = Instant::now();
    let calm = Duration::from_millis(50);
    let mut pool = growing(4, 4, Bounds { calm, ..ROOMY });
    assert_eq!(fill(&mut pool, now).len(), 4);
    take_at(&mut pool, "c", now);
    assert_eq!(pool.next(now), Step::Rest(Some(now + calm)));
    take_at(&mut pool, "c", now + calm / 2);
    assert!(start(&mut pool, now + calm).refill);
    // For who waits there is no calm.
    let mut empty = growing(0, 0, Bounds { calm, ..ROOMY });
    take_at(&mut empty, "c", now);
    assert!(!start(&mut empty, now).refill);
}

#[test]
fn a_shelf_that_a_stream_of_takes_has_emptied_is_filled_without_pauses() {
    let mut now = Instant::now();
    let mut pool = growing(1, 4, Bounds { starts: 2, refill_share: 0.1, ..ROOMY });
    let mut refills = 0;
    // Twenty takes per second, each in use for a while; a start takes a tenth of a second.
    for _ in 0..600 {
        let jail = take_at(&mut pool, "c", now);
        pool.lanes.get_mut("c").expect("there").waiting.clear();
        if let Step::Start(start) = pool.next(now) {
            refills += usize::from(start.refill);
            pool.started(&start, Warm(start.jail), now, TOOK);
        }
        now += Duration::from_millis(50);
        if let Some(jail) = jail {
            // Somebody always has one.
            pool.gone(jail.id());
            take_at(&mut pool, "c", now);
        }
    }
    assert!(refills > 300, "{refills}");
    // At one take in five seconds the pause is kept.
    let mut calm = growing(1, 4, Bounds { starts: 2, refill_share: 0.1, ..ROOMY });
    fill(&mut calm, now);
    take_at(&mut calm, "c", now);
    now += TOOK * 9;
    let refill = start(&mut calm, now);
    calm.started(&refill, Warm(refill.jail), now, TOOK);
    take_at(&mut calm, "c", now);
    assert_eq!(calm.next(now), Step::Rest(Some(now + TOOK * 9)));
}

#[test]
fn a_hundred_and_thirty_who_come_at_once_are_all_served_in_order_and_those_who_leave_take_no_place() {
    let now = Instant::now();
    let shelf = |language: &str| Shelf { language: language.to_owned(), floor: 2, most: 8 };
    let bounds = Bounds { places: 160, starts: 2, memory_mb: 512, ready_mb: 6, refill_share: 0.1, ..ROOMY };
    let mut pool: Pool = State::new([shelf("java"), shelf("python")], bounds);
    let names: Vec<&'static str> = (0..195).map(|n| if n % 3 == 2 { "leaves" } else { "stays" }).collect();
    for (n, name) in names.iter().enumerate() {
        let who = Person(name, *name == "leaves");
        assert_eq!(pool.take_or_wait(if n % 2 == 0 { "java" } else { "python" }, who, now), Turn::Wait);
    }
    let (mut under_way, mut served, mut languages) = (VecDeque::new(), 0, Vec::new());
    while served < 130 {
        while let Step::Start(start) = pool.next(now) {
            languages.push(start.language.clone());
            under_way.push_back(start);
        }
        assert!(under_way.len() <= 2);
        let start = under_way.pop_front().expect("a start is under way while somebody waits");
        let (_, who) = pool.started(&start, Warm(start.jail), now, TOOK).expect("it is for who waits");
        assert_eq!(who.0, "stays");
        served += 1;
    }
    let java = |languages: &[String]| languages.iter().filter(|l| *l == "java").count();
    for some in (10..130).map(|n| &languages[..n]) {
        assert!(java(some).abs_diff(some.len() / 2) <= 2, "neither language is put off: {some:?}");
    }
    assert!(pool.lanes.values().all(|l| l.waiting.is_empty()));
    assert_eq!(pool.in_use(), 130);
}

#[derive(Debug, Clone)]
enum Event {
    Take(bool),
    Apart,
    Step,
    Finish(bool),
    Gone,
    Later(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        any::<bool>().prop_map(Event::Take),
        Just(Event::Apart),
        Just(Event::Step),
        Just(Event::Step),
        any::<bool>().prop_map(Event::Finish),
        Just(Event::Gone),
        any::<u8>().prop_map(Event::Later),
    ];
    prop::collection::vec(event, 0..200)
}

proptest! {
    /// Whatever happens in whatever order: never more than the ceiling, no jail in two places, and when everything
    /// has come to rest nobody waits.
    #[test]
    fn no_order_of_events_breaks_the_pool(events in events(), ceiling in 1usize..6) {
        let mut now = Instant::now();
        let shelves = [("a", 2, 4), ("b", 1, 1)]
            .map(|(language, floor, most)| Shelf { language: language.to_owned(), floor, most });
        let bounds = Bounds { places: ceiling, starts: 2, memory_mb: 330, refill_share: 0.25, calm: TOOK / 2, ..ROOMY };
        let mut pool: Pool = State::new(shelves, bounds);
        let (mut starting, mut out) = (VecDeque::<Start>::new(), VecDeque::<Uuid>::new());
        let name = |b: bool| if b { "a" } else { "b" };
        for event in events {
            match event {
                Event::Apart => drop(pool.ask_apart(Person("apart", false))),
                Event::Take(b) => out.extend(take_at(&mut pool, name(b), now).map(|j| j.id())),
                Event::Step => match pool.next(now) {
                    Step::Start(start) => starting.push_back(start),
                    Step::StartApart(_, id) => {
                        pool.apart_ended(now, TOOK);
                        out.push_back(id);
                    }
                    Step::Evict(j) | Step::Shrink(j) => out.push_back(j.id()),
                    Step::Rest(_) => {}
                },
                Event::Finish(well) => if let Some(start) = starting.pop_front() {
                    if well {
                        out.extend(pool.started(&start, Warm(start.jail), now, TOOK).map(|(j, _)| j.id()));
                    } else {
                        pool.failed(&start, now, true);
                        out.push_back(start.jail);
                    }
                },
                Event::Later(seconds) => now += Duration::from_secs(seconds.into()),
                Event::Gone => if let Some(id) = out.pop_front() { pool.gone(id) },
            }
            let ready: usize = pool.levels().map(|l| l.ready).sum();
            prop_assert!(pool.live() <= ceiling);
            prop_assert!(pool.starting() <= bounds.starts);
            prop_assert!(pool.levels().map(|l| l.target).sum::<usize>() <= ceiling);
            prop_assert!(pool.lanes.values().all(|l| l.ready.is_empty() || l.waiting.is_empty()), "nobody waits beside a ready jail");
            prop_assert_eq!(pool.live(), ready + starting.len() + out.len());
        }
        // Let everything come to rest.
        let later = now + LONGEST_PAUSE * 2;
        for _ in 0..1000 {
            match pool.next(later) {
                Step::Start(start) => out.extend(pool.started(&start, Warm(start.jail), later, TOOK).map(|(j, _)| j.id())),
                Step::StartApart(_, id) => {
                    pool.apart_ended(later, TOOK);
                    out.push_back(id);
                }
                Step::Evict(j) | Step::Shrink(j) => pool.gone(j.id()),
                Step::Rest(_) => {
                    if let Some(start) = starting.pop_front() {
                        out.extend(pool.started(&start, Warm(start.jail), later, TOOK).map(|(j, _)| j.id()));
                    } else if let Some(id) = out.pop_front() {
                        pool.gone(id);
                    } else {
                        break;
                    }
                }
            }
        }
        prop_assert!(pool.lanes.values().all(|s| s.waiting.is_empty() && s.starting == 0));
        prop_assert!(pool.lanes.values().all(|s| s.ready.len() <= s.most));
        prop_assert!(pool.memory_mb() <= bounds.memory_mb);
        prop_assert_eq!((pool.starting(), pool.refilling, pool.in_use()), (0, 0, 0));
    }
}
