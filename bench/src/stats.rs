//! Samples of a time, and what is told of them.

use std::time::Duration;

/// Times of one thing, in the order in which they were taken.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many samples.
    pub n: usize,
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The shortest.
    pub min: f64,
    /// The longest.
    pub max: f64,
    /// The smallest that 95 of 100 do not exceed.
    pub p95: f64,
    /// The smallest that 99 of 100 do not exceed; with fewer than 100 samples the longest.
    pub p99: f64,
}

impl Samples {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1e3);
    }

    /// Adds one that is a number of milliseconds.
    pub fn add_ms(&mut self, ms: f64) {
        self.0.push(ms);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is told of them; `None` if there is none.
    pub fn summary(&self) -> Option<Summary> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Summary { n: sorted.len(), median, min, max, p95: rank(&sorted, 95), p99: rank(&sorted, 99) })
    }
}

/// The nearest-rank percentile of sorted, non-empty samples.
fn rank(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len());
    sorted[at - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(samples: &[f64]) -> Option<Summary> {
        Samples(samples.to_vec()).summary()
    }

    #[test]
    fn the_order_of_samples_does_not_matter_and_an_even_number_has_two_in_the_middle() {
        let of = summary(&[4.0, 1.0, 3.0, 2.0]).expect("some");
        assert_eq!((of.n, of.min, of.median, of.max), (4, 1.0, 2.5, 4.0));
        assert_eq!(summary(&[9.0, 1.0, 2.0]).map(|s| s.median), Some(2.0));
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn percentiles_are_samples_that_were_seen() {
        let hundred: Vec<f64> = (1..=200).map(f64::from).collect();
        let of = summary(&hundred).expect("some");
        assert_eq!((of.p95, of.p99), (190.0, 198.0));
        assert_eq!(summary(&[5.0, 7.0]).map(|s| (s.p95, s.p99)), Some((7.0, 7.0)));
    }
}
