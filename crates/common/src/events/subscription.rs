//! The history's reading end: read, wait for a notice, read on.

use std::{collections::VecDeque, time::Duration};

use super::{EventId, Publisher, Watch};
use crate::submission::Event;

/// Events that one watcher holds at a time: one of them can be hundreds of KiB.
const BATCH: usize = 16;
/// A notice can be lost with the connection; a watcher looks for itself this often.
const LOOK: Duration = Duration::from_secs(10);
/// Between tries while Redis is away.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Subscription {
    history: Publisher,
    watch: Watch,
    /// The last event that was read, whether it was given out or not.
    last: EventId,
    read: VecDeque<(EventId, Event)>,
}

impl Subscription {
    pub(super) fn new(history: Publisher, watch: Watch, after: EventId) -> Self {
        Self { history, watch, last: after, read: VecDeque::new() }
    }

    pub(super) async fn next(&mut self) -> (EventId, Event) {
        loop {
            if let Some(next) = self.read.pop_front() {
                return next;
            }
            // Seen before reading: a notice that comes while it reads makes it read again.
            if let Some(notices) = &mut self.watch.notices {
                notices.borrow_and_update();
            }
            match self.history.range(self.watch.id, self.last, BATCH).await {
                Ok(batch) if batch.is_empty() => self.wait(LOOK).await,
                Ok(batch) => {
                    for (id, event) in batch {
                        self.last = id;
                        self.read.extend(event.map(|event| (id, event)));
                    }
                }
                Err(error) => {
                    tracing::debug!(submission.id = %self.watch.id, error = %format!("{error:#}"), "cannot read events");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn wait(&mut self, at_most: Duration) {
        let Some(notices) = &mut self.watch.notices else { return tokio::time::sleep(at_most).await };
        // Whichever comes first: then it reads again.
        let _ = tokio::time::timeout(at_most, notices.changed()).await;
    }
}
