//! The attempts of an hour, as a token bucket: full at first, one token for each attempt, refilled evenly.

use jiff::{SignedDuration, Timestamp};

/// Sums of fractions of tokens.
const ROUNDING: f64 = 1e-9;

/// What is left of the attempts of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Whole attempts that can be made at once.
    pub left: u32,
    /// When the next can be made, if not now.
    pub next_at: Option<Timestamp>,
}

/// The bucket of `per_hour` tokens at a moment, after these attempts, the oldest first. How full it was before the first
/// of them does not matter if that is an hour without attempts, or a day, ago: it counts as full.
pub fn at(per_hour: u32, attempts: &[Timestamp], now: Timestamp) -> Bucket {
    let size = f64::from(per_hour);
    let refilled = |tokens: f64, from: Timestamp, to: Timestamp| {
        let seconds = to.duration_since(from).as_secs_f64().max(0.0);
        (tokens + seconds * size / 3600.0).min(size)
    };
    let (mut tokens, mut seen) = (size, attempts.first().copied().unwrap_or(now));
    for &attempt in attempts {
        // There may be more than the bucket allows: it was larger, or they were made before there was one.
        tokens = (refilled(tokens, seen, attempt) - 1.0).max(0.0);
        seen = attempt;
    }
    let tokens = refilled(tokens, seen, now) + ROUNDING;
    if tokens >= 1.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a u32")]
        return Bucket { left: tokens as u32, next_at: None };
    }
    let wait = SignedDuration::try_from_secs_f64((1.0 - tokens) * 3600.0 / size.max(ROUNDING)).unwrap_or_default();
    Bucket { left: 0, next_at: Some(now.checked_add(wait).unwrap_or(now)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_900_000_000 + minute * 60).expect("time")
    }

    fn seconds_to_wait(per_hour: u32, attempts: &[Timestamp], now: Timestamp) -> Option<i64> {
        at(per_hour, attempts, now).next_at.map(|next| next.duration_since(now).as_secs())
    }

    #[test]
    fn a_full_bucket_can_be_used_at_once_and_then_refills_evenly() {
        let burst = vec![minute(0); 6];
        assert_eq!(at(6, &[], minute(0)), Bucket { left: 6, next_at: None });
        assert_eq!(at(6, &burst[..5], minute(0)), Bucket { left: 1, next_at: None });
        let wait = seconds_to_wait(6, &burst, minute(0)).expect("empty");
        assert!((599..=600).contains(&wait), "six an hour is one in ten minutes: {wait}");
        assert_eq!(at(6, &burst, minute(10)).left, 1);
        assert_eq!(at(6, &burst, minute(29)).left, 2);
        assert_eq!(at(6, &burst, minute(600)).left, 6, "never more than it holds");
    }

    #[test]
    fn who_always_waits_is_never_stopped_and_who_does_not_is() {
        let steady: Vec<_> = (0..100).map(|n| minute(n * 10)).collect();
        assert_eq!(seconds_to_wait(6, &steady, minute(1000)), None);
        let eager: Vec<_> = (0..12).map(|n| minute(n * 5)).collect();
        assert!(seconds_to_wait(6, &eager, minute(56)).is_some());
    }

    #[test]
    fn more_attempts_than_there_may_be_make_no_debt() {
        assert_eq!(at(2, &vec![minute(0); 50], minute(30)).left, 1);
    }

    proptest! {
        #[test]
        fn in_any_hour_nobody_makes_more_than_two_buckets(
            per_hour in 1u32..20, tries in prop::collection::vec(0i64..7200, 0..200),
        ) {
            let mut tries = tries;
            tries.sort_unstable();
            let mut made: Vec<Timestamp> = Vec::new();
            for second in tries {
                let now = Timestamp::from_second(1_900_000_000 + second).expect("time");
                if at(per_hour, &made, now).next_at.is_none() {
                    made.push(now);
                }
            }
            for (i, first) in made.iter().enumerate() {
                let within = made[i..].iter().filter(|t| t.duration_since(*first).as_secs() < 3600).count();
                prop_assert!(within <= 2 * per_hour as usize);
            }
        }
    }
}
