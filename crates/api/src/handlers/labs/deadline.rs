//! Whether a student may hand in at a moment, and what lateness leaves of the points.

use iteratione_common::store::lab::Rules;
use jiff::Timestamp;

use crate::error::ApiError;

/// The factor for a hand-in that the server received at `now`. A deadline is the last moment that is in time.
pub fn late_factor(rules: &Rules, now: Timestamp) -> Result<f64, ApiError> {
    if let Some(from) = rules.available_from
        && now < from
    {
        return Err(ApiError::conflict("not_available_yet", format!("This lab is available from {from} on.")));
    }
    let Some(due) = rules.due_at.filter(|due| now > *due) else { return Ok(1.0) };
    let rule = rules.late.iter().find(|rule| now <= rule.until);
    rule.map(|rule| rule.factor).ok_or_else(|| {
        let last = rules.late.last().map_or(due, |rule| rule.until);
        ApiError::conflict("deadline_passed", format!("The deadline has passed: it was {last}."))
    })
}

#[cfg(test)]
mod tests {
    use iteratione_common::lab::{Attempts, LateRule};

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("time")
    }

    fn rules() -> Rules {
        Rules {
            languages: vec![],
            available_from: Some(time("2030-01-01T00:00:00Z")),
            due_at: Some(time("2030-01-10T12:00:00Z")),
            late: vec![
                LateRule { until: time("2030-01-11T12:00:00Z"), factor: 0.5 },
                LateRule { until: time("2030-01-12T12:00:00Z"), factor: 0.25 },
            ],
            attempts: Attempts::default(),
        }
    }

    fn code(result: Result<f64, ApiError>) -> &'static str {
        match result {
            Err(ApiError::Conflict { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_moment_is_in_time_and_the_next_is_late() {
        let rules = rules();
        for (now, factor) in [
            ("2030-01-01T00:00:00Z", 1.0),
            ("2030-01-10T12:00:00Z", 1.0),
            ("2030-01-10T12:00:00.000001Z", 0.5),
            ("2030-01-11T12:00:00Z", 0.5),
            ("2030-01-11T12:00:01Z", 0.25),
            ("2030-01-12T12:00:00Z", 0.25),
        ] {
            let got = late_factor(&rules, time(now)).expect(now);
            assert!((got - factor).abs() < f64::EPSILON, "{now}: {got}");
        }
    }

    #[test]
    fn before_and_after_there_is_a_reason() {
        assert_eq!(code(late_factor(&rules(), time("2029-12-31T23:59:59Z"))), "not_available_yet");
        assert_eq!(code(late_factor(&rules(), time("2030-01-12T12:00:01Z"))), "deadline_passed");
        let strict = Rules { late: vec![], ..rules() };
        assert_eq!(code(late_factor(&strict, time("2030-01-10T12:00:01Z"))), "deadline_passed");
    }

    #[test]
    fn without_a_deadline_nothing_is_late() {
        let open = Rules { due_at: None, late: vec![], available_from: None, ..rules() };
        assert!((late_factor(&open, time("2999-01-01T00:00:00Z")).expect("in time") - 1.0).abs() < f64::EPSILON);
    }
}
