//! How much of a language is wanted, from when jails of it were taken. No clock: `now` is told.

use std::time::{Duration, Instant};

/// Over this time the rate of takes is averaged.
const RATE_MEMORY: Duration = Duration::from_mins(1);
/// Takes within about this time of each other are one burst.
const BURST: Duration = Duration::from_secs(2);
/// After this time half of a burst is forgotten: a class that hands in every few minutes finds its jails ready.
const PEAK_HALF_LIFE: Duration = Duration::from_mins(5);
/// Below this a memory is none, so that a language at rest falls to its floor.
const FORGOTTEN: f64 = 0.25;

/// The takes of one language, remembered.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// Takes per second.
    rate: f64,
    /// Takes of the present burst, fading.
    burst: f64,
    /// The largest burst of late, fading slowly.
    peak: f64,
    /// When the above were true.
    at: Option<Instant>,
}

impl Demand {
    /// Somebody took a jail, or wanted to.
    pub fn taken(&mut self, now: Instant) {
        *self = self.at(now);
        self.rate += 1.0 / RATE_MEMORY.as_secs_f64();
        self.burst += 1.0;
        self.peak = self.peak.max(self.burst);
    }

    /// How many jails should be ready if replacing one takes `lead`: those that are taken meanwhile, and a burst like
    /// the last one.
    pub fn wanted(&self, now: Instant, lead: Duration) -> f64 {
        let Self { rate, peak, .. } = self.at(now);
        let wanted = rate * lead.as_secs_f64() + peak;
        if wanted < FORGOTTEN { 0.0 } else { wanted }
    }

    /// How many are likely to be taken within `time`, going by the rate of late.
    pub fn expected(&self, now: Instant, time: Duration) -> f64 {
        self.at(now).rate * time.as_secs_f64()
    }

    /// As it is at `now`, which never goes back.
    fn at(&self, now: Instant) -> Self {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at)).as_secs_f64();
        let fade = |time: Duration| (-since / time.as_secs_f64()).exp();
        Self {
            rate: self.rate * fade(RATE_MEMORY),
            burst: self.burst * fade(BURST),
            peak: self.peak * (-since / PEAK_HALF_LIFE.as_secs_f64()).exp2(),
            at: Some(self.at.map_or(now, |at| at.max(now))),
        }
    }
}

/// Deals `places` to those who want some: each time to the one who has least for what it wants (highest averages), and
/// nobody gets more than it may have. `wants` are `(most, weight)`; the answer is in their order.
pub fn deal(places: usize, wants: &[(usize, f64)]) -> Vec<usize> {
    let mut dealt = vec![0; wants.len()];
    for _ in 0..places.min(wants.iter().map(|(most, _)| most).sum()) {
        #[allow(clippy::cast_precision_loss, reason = "a few dozen")]
        let claim = |i: usize| wants[i].1 / (dealt[i] + 1) as f64;
        let next = (0..wants.len())
            .filter(|&i| dealt[i] < wants[i].0)
            // The first of equals: `max_by` would give the last.
            .reduce(|best, i| if claim(i) > claim(best) { i } else { best });
        let Some(next) = next else { break };
        dealt[next] += 1;
    }
    dealt
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEAD: Duration = Duration::from_millis(500);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn nobody_wants_anything_before_the_first_take_and_long_after_the_last() {
        let now = Instant::now();
        let mut demand = Demand::default();
        assert_eq!(demand.wanted(now, LEAD).to_bits(), 0.0_f64.to_bits());
        demand.taken(now);
        assert!(demand.wanted(now, LEAD) >= 1.0);
        assert_eq!(demand.wanted(now + seconds(3600), LEAD).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn a_burst_is_remembered_for_minutes_and_halves_in_five() {
        let now = Instant::now();
        let mut demand = Demand::default();
        for _ in 0..8 {
            demand.taken(now);
        }
        assert!(demand.wanted(now, LEAD) >= 8.0);
        assert!(demand.wanted(now + seconds(60), LEAD) >= 6.5);
        let later = demand.wanted(now + seconds(300), LEAD);
        assert!((3.9..=4.2).contains(&later), "{later}");
    }

    #[test]
    fn one_take_now_and_then_is_no_burst() {
        let mut now = Instant::now();
        let mut demand = Demand::default();
        for _ in 0..100 {
            demand.taken(now);
            now += seconds(20);
        }
        let wanted = demand.wanted(now, LEAD);
        assert!((0.5..=1.2).contains(&wanted), "{wanted}");
    }

    #[test]
    fn a_steady_stream_wants_what_is_taken_while_one_is_replaced() {
        let mut now = Instant::now();
        let mut demand = Demand::default();
        for _ in 0..2000 {
            demand.taken(now);
            now += Duration::from_millis(250);
        }
        let (short, long) = (demand.wanted(now, LEAD), demand.wanted(now, LEAD * 10));
        // Four per second, 4.5 s longer.
        assert!((17.0..=19.0).contains(&(long - short)), "{short} {long}");
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_does_no_harm() {
        let before = Instant::now();
        let now = before + seconds(50);
        let mut demand = Demand::default();
        demand.taken(now);
        demand.taken(before);
        assert!((2.0..2.1).contains(&demand.wanted(now, LEAD)));
    }

    #[test]
    fn places_are_dealt_by_want_and_the_small_get_theirs_when_the_large_have_enough() {
        assert_eq!(deal(10, &[(2, 0.5), (8, 8.0), (2, 0.5)]), [1, 8, 1]);
        assert_eq!(deal(3, &[(2, 0.5), (8, 8.0), (2, 0.5)]), [0, 3, 0]);
        assert_eq!(deal(3, &[(2, 1.0), (2, 1.0), (2, 1.0)]), [1, 1, 1]);
        assert_eq!(deal(9, &[(2, 1.0), (2, 1.0)]), [2, 2]);
        assert_eq!(deal(9, &[]), Vec::<usize>::new());
    }

    proptest! {
        #[test]
        fn never_more_is_dealt_than_there_is_or_than_one_may_have(
            places in 0usize..40,
            wants in prop::collection::vec((0usize..9, 0.0f64..20.0), 0..12),
        ) {
            let dealt = deal(places, &wants);
            prop_assert_eq!(dealt.len(), wants.len());
            prop_assert!(dealt.iter().zip(&wants).all(|(d, (most, _))| d <= most));
            let room: usize = wants.iter().map(|(most, _)| most).sum();
            prop_assert_eq!(dealt.iter().sum::<usize>(), places.min(room));
        }
    }
}
