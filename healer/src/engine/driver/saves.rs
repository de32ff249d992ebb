//! How the saves of a pipeline go: known to the saver, told by health and metrics.
//!
//! **Saves.** One thread writes, and it never sleeps: a save that may succeed later goes back in front of those that wait (the
//! last row of a partition or node counts, so they stay as many as these), and the poll thread, or its keeper, gives it its next
//! try when that is due (`driver/saves`). Saves that come meanwhile do not hurry the store; partitions that are given back do. The end tries once more, closes the
//! store in the same thread, and waits for both up to ten seconds.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use healer_store::StoreError;
use serde::Serialize;

/// How long after a save that failed it is tried again; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest such time.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How writing to the local store goes.
///
/// A store that cannot take a save for now (a full disk, no connection) ends no pipeline: the save is tried again, after a quarter of
/// a second at first and every 30 seconds in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SaveHealth {
    /// How many tries have failed since the last one that succeeded.
    pub failures: u64,
    /// How long the store has taken nothing; `None` while it takes all.
    #[serde(serialize_with = "crate::json::seconds_if_any")]
    pub lasting: Option<Duration>,
    /// Why the last of these tries failed.
    pub error: Option<String>,
}

/// Saves that fail for now.
#[derive(Default)]
pub(super) struct Saves(Mutex<State>);

#[derive(Default)]
struct State {
    failing: Option<Failing>,
    /// How many have failed since the start.
    failures: u64,
}

struct Failing {
    since: Duration,
    failures: u64,
    error: String,
    pause: Duration,
    /// When it is tried again; `None` while it is.
    again: Option<Duration>,
}

impl Saves {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is to be saved waits for the next try.
    pub(super) fn rest(&self) -> bool {
        self.lock().failing.as_ref().is_some_and(|failing| failing.again.is_some())
    }

    /// Whether it is time for the next try, which then counts as under way.
    pub(super) fn take_due(&self, now: Duration) -> bool {
        let mut state = self.lock();
        state.failing.as_mut().and_then(|failing| failing.again.take_if(|again| now >= *again)).is_some()
    }

    /// Has the next try made at once, and those behind it soon: partitions are given back, and their last commit waits for the store.
    pub(super) fn hurry(&self, now: Duration) {
        if let Some(failing) = &mut self.lock().failing {
            failing.pause = FIRST_PAUSE / 2;
            if let Some(again) = &mut failing.again {
                *again = now;
            }
        }
    }

    pub(super) fn succeeded(&self, now: Duration) {
        if let Some(failing) = self.lock().failing.take() {
            let failed = now.saturating_sub(failing.since);
            tracing::info!(tries = failing.failures + 1, ?failed, "the store takes what is saved again");
        }
    }

    pub(super) fn failed(&self, error: &StoreError, now: Duration) {
        let mut state = self.lock();
        state.failures += 1;
        let last = state.failing.take();
        let pause = last.as_ref().map_or(FIRST_PAUSE, |last| LONGEST_PAUSE.min(last.pause * 2));
        state.failing = Some(Failing {
            since: last.as_ref().map_or(now, |last| last.since),
            failures: last.map_or(0, |last| last.failures) + 1,
            error: error.to_string(),
            pause,
            again: Some(now + pause),
        });
        drop(state);
        tracing::warn!(
            %error,
            again_in = ?pause,
            "the store could not be written; the same is written again, and commits that need it wait"
        );
    }

    /// How many have failed since the start, and how long the store has taken nothing.
    pub(super) fn counts(&self, now: Duration) -> (u64, Duration) {
        let state = self.lock();
        let lasting = state.failing.as_ref().map(|failing| now.saturating_sub(failing.since));
        (state.failures, lasting.unwrap_or_default())
    }

    pub(super) fn health(&self, now: Duration) -> SaveHealth {
        let state = self.lock();
        state.failing.as_ref().map_or_else(SaveHealth::default, |failing| SaveHealth {
            failures: failing.failures,
            lasting: Some(now.saturating_sub(failing.since)),
            error: Some(failing.error.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use healer_store::StoreError;

    use super::{SaveHealth, Saves};

    #[test]
    fn the_pause_before_the_next_try_doubles_up_to_its_bound_and_begins_anew_after_a_success() {
        let (saves, mut now) = (Saves::default(), Duration::ZERO);
        let pauses = |now: &mut Duration| {
            let pause = |now: &mut Duration| {
                let began = *now;
                saves.failed(&StoreError::transient("no room"), *now);
                assert!(saves.rest() && !saves.take_due(*now));
                while !saves.take_due(*now) {
                    *now += Duration::from_millis(50);
                }
                assert!(!saves.rest(), "it is under way");
                now.saturating_sub(began)
            };
            (0..9).map(|_| pause(now).as_millis()).collect::<Vec<_>>()
        };
        let wanted = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        assert_eq!(pauses(&mut now), wanted);
        assert_eq!(saves.health(now).failures, 9);
        assert_eq!(saves.health(now).lasting, Some(now));
        saves.succeeded(now);
        assert_eq!((saves.health(now), saves.counts(now)), (SaveHealth::default(), (9, Duration::ZERO)));
        assert_eq!(pauses(&mut now), wanted);
    }

    #[test]
    fn where_partitions_are_given_back_the_next_try_is_made_at_once_and_those_behind_it_soon() {
        let (saves, now) = (Saves::default(), Duration::from_mins(1));
        saves.hurry(now);
        assert!(!saves.rest(), "nothing fails");
        let failed = || saves.failed(&StoreError::transient("no room"), now);
        for _ in 0..8 {
            failed();
            assert!(saves.take_due(now + Duration::from_secs(30)));
        }
        failed();
        assert!(!saves.take_due(now + Duration::from_secs(29)));
        saves.hurry(now);
        assert!(saves.take_due(now));
        failed();
        assert!(
            !saves.take_due(now + Duration::from_millis(249))
                && saves.take_due(now + Duration::from_millis(250))
        );
    }
}
