//! A stage that fails on everything rests, instead of giving up one record after the other.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{context::Context, lane::Host, observe::Rare, topology::Node};

/// Opens after so many failures in a row: then nobody is called for a while, and after that one call says how it goes on.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    pause: Duration,
    state: Mutex<State>,
    /// Tells waiting calls that a trial has ended.
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

/// The answer to a task that wants to call.
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

    /// `closes` runs where it was open, while nobody else changes that.
    fn succeeded<R>(&self, closes: impl FnOnce() -> R) -> Option<R> {
        let mut state = self.state();
        let was_open = state.trial_from.is_some();
        if was_open {
            self.changed.notify_waiters();
        }
        *state = State::default();
        was_open.then(closes)
    }

    /// `opens` runs where it opens or stays open, with the number of failures in a row, while nobody else changes that.
    fn failed<R>(&self, trial: bool, now: Duration, opens: impl FnOnce(u32) -> R) -> Option<R> {
        let mut state = self.state();
        // A call that was at work when the breaker opened says nothing new.
        if state.trial_from.is_some() && !trial {
            return None;
        }
        state.failures = state.failures.saturating_add(1);
        if !trial && state.failures < self.failures {
            return None;
        }
        state.trial_from = Some(now + self.pause);
        state.on_trial = false;
        self.changed.notify_waiters();
        Some(opens(state.failures))
    }
}

/// The right to call once.
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    trial: bool,
}

impl Pass<'_> {
    /// The call of a node has ended, with this error where it failed.
    pub(super) fn ended(mut self, error: Option<String>, host: &Host, node: &Node, context: &Context) {
        let (now, circuits, name) = (host.now(), host.circuits(), (node.id, &node.path));
        let said = error.clone().unwrap_or_default();
        let turn = match error {
            Some(error) => {
                let opens = |failures| circuits.open(name, (failures, error), now);
                self.breaker.failed(self.trial, now, opens)
            }
            None => self.breaker.succeeded(|| circuits.close(node.id, now)),
        };
        self.trial = false;
        // Nothing is locked any more: a listener of the log may run a stage itself.
        if let Some(turn) = turn.flatten() {
            if turn.opens() {
                host.count(node.id, Rare::CircuitOpened);
            }
            turn.tell(&node.path, &said, self.breaker.pause, context);
        }
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
            breaker.failed(false, SECOND, |_| ());
        }
        breaker.succeeded(|| ());
        for _ in 0..2 {
            breaker.failed(false, SECOND, |_| ());
        }
        assert_eq!(ask(&breaker, 1), "g", "not in a row");
        assert_eq!(breaker.failed(false, SECOND, |failures| failures), Some(3));
        assert_eq!([1, 10, 11, 11].map(|now| ask(&breaker, now)), ["10", "1", "t", "w"]);
        assert_eq!(breaker.failed(false, 11 * SECOND, |failures| failures), None);
        assert_eq!(ask(&breaker, 12), "w", "the trial is not over");
        assert_eq!(breaker.failed(true, 12 * SECOND, |failures| failures), Some(4));
        assert_eq!([12, 22].map(|now| ask(&breaker, now)), ["10", "t"]);
        assert_eq!(breaker.succeeded(|| ()), Some(()), "it was open");
        assert_eq!(breaker.succeeded(|| ()), None);
        assert_eq!([22, 22].map(|now| ask(&breaker, now)), ["g", "g"]);
        breaker.failed(false, 22 * SECOND, |_| ());
        assert_eq!(ask(&breaker, 22), "g", "it counts anew");
    }

    #[test]
    fn a_trial_that_is_cancelled_leaves_its_place_to_the_next_call() {
        let breaker = Breaker::new(1, 10 * SECOND);
        breaker.failed(false, Duration::ZERO, |_| ());
        assert_eq!(ask(&breaker, 10), "t");
        drop(Pass { breaker: &breaker, trial: true });
        assert_eq!(ask(&breaker, 10), "t");
    }
}
