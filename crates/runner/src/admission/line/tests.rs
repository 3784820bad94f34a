use proptest::prelude::*;

use super::*;

type Account = &'static str;

fn join(line: &mut Line<Account>, accounts: &[Account]) -> Vec<Number> {
    accounts.iter().map(|account| line.join(account).expect("room to wait")).collect()
}

fn let_all_in<A: Copy + Eq + std::hash::Hash>(line: &mut Line<A>) -> Vec<Number> {
    std::iter::from_fn(|| line.let_in()).collect()
}

#[test]
fn places_are_given_in_the_order_of_coming() {
    let mut line = Line::new(2, 10);
    let numbers = join(&mut line, &["a", "b", "c", "d"]);
    assert_eq!(let_all_in(&mut line), numbers[..2]);
    assert_eq!(line.order(), numbers[2..]);
    line.leave(numbers[1]);
    assert_eq!(let_all_in(&mut line), numbers[2..3]);
}

#[test]
fn an_account_with_sessions_waits_behind_one_that_has_none() {
    let mut line = Line::new(2, 10);
    let first = join(&mut line, &["greedy", "greedy"]);
    assert_eq!(let_all_in(&mut line).len(), 2);
    let later = join(&mut line, &["greedy", "greedy", "modest", "other"]);
    assert_eq!(line.order(), [later[2], later[3], later[0], later[1]]);
    line.leave(first[0]);
    assert_eq!(line.let_in(), Some(later[2]));
}

#[test]
fn the_second_of_an_account_waits_behind_the_first_of_another() {
    let mut line = Line::new(0, 10);
    let numbers = join(&mut line, &["a", "a", "a", "b", "b"]);
    assert_eq!(line.order(), [0, 3, 1, 4, 2].map(|i: usize| numbers[i]));
}

#[test]
fn a_full_line_takes_nobody_until_one_leaves_and_a_free_place_needs_no_line() {
    let mut line = Line::new(1, 1);
    let numbers = join(&mut line, &["a"]);
    let_all_in(&mut line);
    let waiting = join(&mut line, &["b"]);
    assert_eq!(line.join("c"), Err(Closed::Full));
    line.leave(waiting[0]);
    join(&mut line, &["c"]);
    let mut none_waits = Line::new(1, 0);
    join(&mut none_waits, &["a"]);
    let_all_in(&mut none_waits);
    assert_eq!(none_waits.join("b"), Err(Closed::Full));
    line.leave(numbers[0]);
}

#[test]
fn a_closed_line_sends_all_away_and_keeps_those_who_are_in() {
    let mut line = Line::new(1, 10);
    let numbers = join(&mut line, &["a", "b", "c"]);
    let_all_in(&mut line);
    assert_eq!(line.close(), numbers[1..]);
    assert_eq!((line.live(), line.waiting()), (1, 0));
    assert_eq!(line.join("d"), Err(Closed::ForGood));
    line.leave(numbers[0]);
    assert_eq!((line.let_in(), line.live()), (None, 0));
}

#[derive(Debug, Clone)]
enum Event {
    Joins(u8),
    /// One of those who are there, wherever.
    Leaves(prop::sample::Index),
    /// Memory allows so many.
    Moves(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u8..5).prop_map(Event::Joins),
        3 => any::<prop::sample::Index>().prop_map(Event::Leaves),
        3 => (0_usize..4).prop_map(Event::Moves),
    ]
}

/// What the line must do, said as simply as possible.
#[derive(Default)]
struct Model {
    live: Vec<(Number, u8)>,
    waiting: Vec<(Number, u8)>,
}

impl Model {
    fn next(&self) -> Option<Number> {
        let sessions = |account: u8| self.live.iter().filter(|(_, a)| *a == account).count();
        self.waiting.iter().min_by_key(|(number, account)| (sessions(*account), *number)).map(|(number, _)| *number)
    }

    fn let_in(&mut self, number: Number) {
        let at = self.waiting.iter().position(|(n, _)| *n == number).expect("it waits");
        self.live.push(self.waiting.remove(at));
    }
}

proptest! {
    #[test]
    fn whatever_happens_places_are_dealt_fairly_and_positions_are_the_order_of_being_let_in(
        places in 0_usize..5, most in 0_usize..8, events in prop::collection::vec(event(), 0..120),
    ) {
        let (mut line, mut model) = (Line::new(places, most), Model::default());
        for event in events {
            match event {
                Event::Joins(account) => {
                    let room = model.waiting.len() < most || (model.waiting.is_empty() && model.live.len() < places);
                    let joined = line.join(account);
                    prop_assert_eq!(joined.is_ok(), room);
                    if let Ok(number) = joined {
                        prop_assert!(model.waiting.iter().chain(&model.live).all(|(n, _)| *n < number));
                        model.waiting.push((number, account));
                    }
                }
                Event::Leaves(which) => {
                    let all = || model.waiting.iter().chain(&model.live).map(|(n, _)| *n);
                    if all().next().is_some() {
                        let number = which.get(&all().collect::<Vec<_>>()).to_owned();
                        line.leave(number);
                        model.waiting.retain(|(n, _)| *n != number);
                        model.live.retain(|(n, _)| *n != number);
                    }
                }
                Event::Moves(most) => {
                    for _ in 0..most {
                        let next = model.next().filter(|_| model.live.len() < places);
                        prop_assert_eq!(line.could_let_in(), next.is_some());
                        prop_assert_eq!(line.let_in(), next);
                        let Some(next) = next else { break };
                        model.let_in(next);
                    }
                }
            }
            prop_assert_eq!((line.live(), line.waiting()), (model.live.len(), model.waiting.len()));
            prop_assert!(line.live() <= places);
            // Positions are what would happen if places were freed by nobody who waits.
            let mut future = Model { live: model.live.clone(), waiting: model.waiting.clone() };
            for number in line.order() {
                prop_assert_eq!(future.next(), Some(number));
                future.let_in(number);
            }
            prop_assert!(future.waiting.is_empty());
        }
        let mut left: Vec<Number> = model.waiting.iter().map(|(n, _)| *n).collect();
        left.sort_unstable();
        prop_assert_eq!(line.close(), left);
    }
}
