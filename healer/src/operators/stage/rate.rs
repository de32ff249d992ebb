//! How often a stage is called.
//!
//! Rates and breakers are a stage's, in its `StageNode`, and wait where the call waits. A rate gives turns out by reservation (a
//! time each), so that lanes are served in the order in which they ask; the crates for it let sleepers compete. A breaker counts
//! records that were given up in a row; while it is open all calls wait, so queues fill and partitions pause by the bound in
//! flight.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How far calls that began late may catch up, so that timers' ticks do not add up: a hundredth of a second's worth may come at
/// once.
const SLACK: Duration = Duration::from_millis(10);

/// Gives calls their turns, evenly spaced, in the order in which they ask. A later call never overtakes an earlier one, as it could
/// if all slept and then competed.
#[derive(Debug)]
pub(super) struct Rate {
    interval: Duration,
    /// When the next turn is.
    next: Mutex<Duration>,
}

impl Rate {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, next: Mutex::new(Duration::ZERO) }
    }

    /// Takes the next turn; says how long it is until then.
    pub(super) fn take(&self, now: Duration) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(now.saturating_sub(SLACK));
        *next = turn + self.interval;
        turn.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Rate;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn turns_are_evenly_spaced_and_late_ones_catch_up_a_little() {
        let rate = Rate::new(10 * MS);
        // The first two at once: a hundredth of a second's worth.
        let waits = [0, 0, 10, 20, 30].map(|wait| wait * MS);
        assert_eq!(waits.map(|_| rate.take(1_000 * MS)), waits);
        assert_eq!(rate.take(1_025 * MS), 15 * MS, "who asks later waits behind");
        assert_eq!(rate.take(9_000 * MS), Duration::ZERO);
        assert_eq!(rate.take(9_000 * MS), Duration::ZERO, "of a long rest not more than that is made good");
        assert_eq!(rate.take(9_000 * MS), 10 * MS);
    }
}
