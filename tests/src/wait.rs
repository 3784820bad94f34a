//! Waiting with a deadline.

use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until there is something; panics with `what` when the time is over.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        // A look that hangs must not outlive the deadline either.
        let left = within.saturating_sub(begin.elapsed()).max(Duration::from_secs(1));
        if let Ok(Some(found)) = tokio::time::timeout(left, look()).await {
            return found;
        }
        assert!(begin.elapsed() < within, "waited {} s in vain: {what}", within.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks until it is so.
pub async fn until_true(what: &str, within: Duration, mut look: impl AsyncFnMut() -> bool) {
    until(what, within, async || look().await.then_some(())).await;
}
