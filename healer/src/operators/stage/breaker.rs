//! A stage that fails on everything rests, instead of giving up one record after the other.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::engine::Host;

/// Opens after so many failures in a row: then nobody is called for a while, and after that one call says how it goes on.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    pause: Duration,
    state: Mutex<State>,
    /// Tells those who wait that a trial has ended.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// Since when the next call is a trial; `None` while it is closed.
    trial_from: Option<Duration>,
    /// Whether a trial is under way.
    on_trial: bool,
}

/// What whoever wants to call is told.
enum Answer {
    Go {
        trial: bool,
    },
    Sleep(Duration),
    /// Until the trial has ended.
    Wait,
}

impl Breaker {
    pub(super) fn new(failures: u32, pause: Duration) -> Self {
        Self { failures, pause, state: Mutex::default(), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a call may be made.
    pub(super) async fn pass(&self, host: &Host) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            match self.ask(host.now()) {
                Answer::Go { trial } => return Pass { breaker: self, trial },
                Answer::Sleep(time) => host.sleep(time).await,
                Answer::Wait => changed.await,
            }
        }
    }

    fn ask(&self, now: Duration) -> Answer {
        let mut state = self.state();
        match state.trial_from {
            None => Answer::Go { trial: false },
            Some(from) if now < from => Answer::Sleep(from.saturating_sub(now)),
            Some(_) if state.on_trial => Answer::Wait,
            Some(_) => {
                state.on_trial = true;
                Answer::Go { trial: true }
            }
        }
    }

    fn succeeded(&self, path: &str) {
        let mut state = self.state();
        if state.trial_from.is_some() {
            tracing::info!(stage = path, "a call succeeded again: the circuit is closed");
            self.changed.notify_waiters();
        }
        *state = State::default();
    }

    fn failed(&self, trial: bool, now: Duration, path: &str) {
        let mut state = self.state();
        // What was at work when it opened says nothing new.
        if state.trial_from.is_some() && !trial {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if trial || state.failures >= self.failures {
            let pause = self.pause;
            tracing::warn!(
                stage = path,
                failures = state.failures,
                ?pause,
                "a stage fails on everything: it rests for the pause"
            );
            state.trial_from = Some(now + pause);
            state.on_trial = false;
            self.changed.notify_waiters();
        }
    }
}

/// The right to call once.
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    trial: bool,
}

impl Pass<'_> {
    /// The call has ended.
    pub(super) fn ended(mut self, failed: bool, host: &Host, path: &str) {
        if failed {
            self.breaker.failed(self.trial, host.now(), path);
        } else {
            self.breaker.succeeded(path);
        }
        self.trial = false;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // A trial that was cancelled has shown nothing: the next call is one.
        if self.trial {
            self.breaker.state().on_trial = false;
            self.breaker.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, Breaker, Pass};

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Breaker {
        Breaker::new(3, 10 * SECOND)
    }

    /// `g` go, `t` a trial, a number of seconds to sleep, `w` wait.
    fn ask(breaker: &Breaker, now: u64) -> String {
        match breaker.ask(Duration::from_secs(now)) {
            Answer::Go { trial: false } => "g".to_owned(),
            Answer::Go { trial: true } => "t".to_owned(),
            Answer::Sleep(time) => time.as_secs().to_string(),
            Answer::Wait => "w".to_owned(),
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_with_a_trial_that_succeeds() {
        let breaker = breaker();
        for _ in 0..2 {
            breaker.failed(false, SECOND, "s");
        }
        breaker.succeeded("s");
        for _ in 0..2 {
            breaker.failed(false, SECOND, "s");
        }
        assert_eq!(ask(&breaker, 1), "g", "not in a row");
        breaker.failed(false, SECOND, "s");
        assert_eq!([1, 10, 11, 11].map(|now| ask(&breaker, now)), ["10", "1", "t", "w"]);
        breaker.failed(false, 11 * SECOND, "s");
        assert_eq!(ask(&breaker, 12), "w", "the trial is not over");
        breaker.failed(true, 12 * SECOND, "s");
        assert_eq!([12, 22].map(|now| ask(&breaker, now)), ["10", "t"]);
        breaker.succeeded("s");
        assert_eq!([22, 22].map(|now| ask(&breaker, now)), ["g", "g"]);
        breaker.failed(false, 22 * SECOND, "s");
        assert_eq!(ask(&breaker, 22), "g", "it counts anew");
    }

    #[test]
    fn a_trial_that_is_cancelled_leaves_its_place_to_the_next_call() {
        let breaker = Breaker::new(1, 10 * SECOND);
        breaker.failed(false, Duration::ZERO, "s");
        assert_eq!(ask(&breaker, 10), "t");
        drop(Pass { breaker: &breaker, trial: true });
        assert_eq!(ask(&breaker, 10), "t");
    }
}
