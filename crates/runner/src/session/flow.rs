//! How much output a program may still make.
//!
//! Of every run it is known how many bytes it has produced, how many of them were acknowledged, and how many it was allowed
//! to produce so far. Whatever happens, `allowed ≤ acknowledged + window`: never more than the window is on its way, so a
//! program whose output nobody takes waits, and nothing unacknowledged falls out of a ring that is as large.

/// The account of one run's output, in bytes.
#[derive(Debug)]
pub struct Flow {
    window: u64,
    produced: u64,
    acked: u64,
    allowed: u64,
}

impl Flow {
    /// A program that may produce `window` bytes at first.
    pub const fn new(window: u64) -> Self {
        Self { window, produced: 0, acked: 0, allowed: window }
    }

    /// So many bytes more came.
    pub fn produce(&mut self, bytes: u64) {
        self.produced = self.produced.saturating_add(bytes);
    }

    /// All up to this byte was taken. What was said before, or is beyond what there is, changes nothing more.
    pub fn ack(&mut self, seq: u64) {
        self.acked = self.acked.max(seq.min(self.produced));
    }

    /// Bytes that were taken.
    pub const fn acked(&self) -> u64 {
        self.acked
    }

    /// Credit that is due now: nothing, until it is a quarter of the window, so that an echo of one key costs no message
    /// of its own. Somebody who takes all that comes is never left waiting by that.
    pub fn grant(&mut self) -> u64 {
        let due = (self.acked + self.window).saturating_sub(self.allowed);
        if due < self.window.div_ceil(4) {
            return 0;
        }
        self.allowed += due;
        due
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn what_is_on_its_way_and_what_may_come_are_together_never_more_than_the_window(
            window in 1_u64..100,
            steps in vec((any::<bool>(), 0_u64..200), 0..100),
        ) {
            let mut flow = Flow::new(window);
            for (produces, by) in steps {
                if produces {
                    flow.produce(by.min(flow.allowed - flow.produced));
                } else {
                    flow.ack(by);
                }
                let held_back = flow.acked + window - flow.allowed;
                let due = flow.grant();
                prop_assert!(due == 0 || due == held_back);
                let (credit, unacked) = (flow.allowed - flow.produced, flow.produced - flow.acked);
                prop_assert!(credit + unacked <= window);
                prop_assert_eq!(credit + unacked + (held_back - due), window);
            }
            // Who takes everything gets on.
            flow.ack(u64::MAX);
            flow.grant();
            prop_assert_eq!(flow.acked, flow.produced);
            prop_assert!(flow.allowed > flow.produced);
        }
    }

    #[test]
    fn an_old_acknowledgement_takes_nothing_back() {
        let mut flow = Flow::new(100);
        flow.produce(80);
        flow.ack(70);
        flow.ack(10);
        assert_eq!((flow.acked(), flow.grant(), flow.grant()), (70, 70, 0));
    }
}
