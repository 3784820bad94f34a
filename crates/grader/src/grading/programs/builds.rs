//! Judging programs that were built before. They are the same for every submission of a lab, so they are compiled once.

use std::sync::{Arc, Mutex, PoisonError};

use iteratione_common::lab::JudgeProgram;
use iteratione_sandbox::toolchain::Packed;

/// Bytes of built programs that a grader keeps; the one that was not used for longest goes first.
const MOST_BYTES: usize = 256 << 20;

/// Built programs by their sources. Cheap to share.
#[derive(Debug, Default)]
pub struct Builds(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    source: JudgeProgram,
    packed: Arc<Packed>,
}

impl Builds {
    /// The program that was built of just these sources.
    pub(super) fn find(&self, source: &JudgeProgram) -> Option<Arc<Packed>> {
        let mut kept = self.kept();
        let place = kept.iter().position(|k| k.source == *source)?;
        let found = kept.remove(place);
        let packed = Arc::clone(&found.packed);
        kept.push(found);
        Some(packed)
    }

    /// Keeps a program, in place of one of the same sources.
    pub(super) fn keep(&self, source: &JudgeProgram, packed: Packed) {
        let mut kept = self.kept();
        kept.retain(|k| k.source != *source);
        let mut bytes = packed.bytes();
        kept.push(Kept { source: source.clone(), packed: Arc::new(packed) });
        // From the one that was used last to the one that was not for longest.
        let fits = kept.iter().rev().skip(1).take_while(|k| {
            bytes += k.packed.bytes();
            bytes <= MOST_BYTES
        });
        let surplus = kept.len() - 1 - fits.count();
        kept.drain(..surplus);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
