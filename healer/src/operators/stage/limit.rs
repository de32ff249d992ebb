//! How many calls of a parallel stage run at once: a fixed number, or one that follows their latency.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::topology::Most;

/// The bound on the calls of a stage, in the whole process.
pub(super) struct Limit {
    pub(super) permits: Semaphore,
    tuner: Option<Mutex<Tuner>>,
}

impl Limit {
    pub(super) fn new(most: Most) -> Self {
        match most {
            Most::Fixed(most) => Self { permits: permits(most), tuner: None },
            Most::Auto { least, most } => {
                let tuner = Tuner::new(least, most);
                Self { permits: permits(tuner.permits), tuner: Some(Mutex::new(tuner)) }
            }
        }
    }

    /// Whether it wants to know how long calls take.
    pub(super) fn is_auto(&self) -> bool {
        self.tuner.is_some()
    }

    /// A call took that long; `overloaded` where it did not end in its time. The number of calls follows.
    pub(super) fn ended(&self, took: Duration, now: Duration, overloaded: bool) {
        let Some(tuner) = &self.tuner else { return };
        let mut tuner = tuner.lock().unwrap_or_else(PoisonError::into_inner);
        // This call has given its permit back already.
        let at_work = tuner.permits.saturating_sub(self.permits.available_permits()) + 1;
        tuner.sample(took, now, at_work, overloaded);
        let wanted = tuner.wanted();
        if wanted > tuner.permits {
            self.permits.add_permits(wanted - tuner.permits);
            tuner.permits = wanted;
        } else if wanted < tuner.permits {
            // Those that are out are taken back when a later call ends.
            tuner.permits -= self.permits.forget_permits(tuner.permits - wanted);
        }
    }
}

fn permits(most: usize) -> Semaphore {
    Semaphore::new(most.min(Semaphore::MAX_PERMITS))
}

/// Calls that a window has at least.
const WINDOW: u32 = 10;
/// How long a window is at least.
const WINDOW_TIME: Duration = Duration::from_millis(10);
/// How much slower calls may become before there are fewer of them.
const TOLERANCE: f64 = 1.5;
/// How many more calls are tried each time nothing speaks against it.
const QUEUE: f64 = 4.0;
/// How far each window moves the limit.
const SMOOTHING: f64 = 0.2;
/// How far each window moves the usual latency.
const MEMORY: f64 = 1.0 / 300.0;
/// The part of the limit that is left after a window with a call that did not end in its time.
const BACKOFF: f64 = 0.9;

/// The gradient algorithm of Netflix's concurrency limits (`Gradient2Limit`): the limit grows by a few calls as long as latency
/// is as usual, and shrinks in proportion when latency is longer.
struct Tuner {
    least: f64,
    most: f64,
    limit: f64,
    /// How many permits the semaphore was given.
    permits: usize,
    /// The usual latency, in seconds.
    usual: Option<f64>,
    began: Option<Duration>,
    calls: u32,
    took: f64,
    at_work: usize,
    overloaded: bool,
}

impl Tuner {
    /// The first value of a limit, within its bounds.
    const FIRST: usize = 16;

    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
    fn new(least: usize, most: usize) -> Self {
        let first = Self::FIRST.clamp(least, most.max(least));
        Self {
            least: least as f64,
            most: most as f64,
            limit: first as f64,
            permits: first,
            usual: None,
            began: None,
            calls: 0,
            took: 0.0,
            at_work: 0,
            overloaded: false,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within its bounds")]
    fn wanted(&self) -> usize {
        self.limit as usize
    }

    fn sample(&mut self, took: Duration, now: Duration, at_work: usize, overloaded: bool) {
        let began = *self.began.get_or_insert(now);
        self.calls += 1;
        self.took += took.as_secs_f64();
        self.at_work = self.at_work.max(at_work);
        self.overloaded |= overloaded;
        if self.calls >= WINDOW && now.saturating_sub(began) >= WINDOW_TIME {
            self.end_window();
            (self.began, self.calls, self.took, self.at_work, self.overloaded) = (None, 0, 0.0, 0, false);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
    fn end_window(&mut self) {
        let latency = self.took / f64::from(self.calls);
        let usual = self.usual.get_or_insert(latency);
        *usual += (latency - *usual) * MEMORY;
        // A service that has become much faster is not to be measured by its old latency.
        if *usual > 2.0 * latency {
            *usual *= 0.95;
        }
        if self.overloaded {
            self.limit = (self.limit * BACKOFF).max(self.least);
            return;
        }
        // Where there is less to do than may be done, latency says nothing of the limit.
        if (self.at_work as f64) < self.limit / 2.0 {
            return;
        }
        let gradient = if latency > 0.0 { (TOLERANCE * *usual / latency).clamp(0.5, 1.0) } else { 1.0 };
        let wanted = self.limit * gradient + QUEUE;
        self.limit += (wanted - self.limit) * SMOOTHING;
        self.limit = self.limit.clamp(self.least, self.most);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Tuner;

    /// Runs windows of a service that has `capacity` places, each 10 ms a call, with all calls that may be.
    fn run(tuner: &mut Tuner, now: &mut Duration, capacity: usize, windows: usize) -> usize {
        for _ in 0..windows {
            let at_work = tuner.wanted();
            let slower = u32::try_from(at_work.div_ceil(capacity).max(1)).unwrap();
            let took = Duration::from_millis(10) * slower;
            *now += took;
            for _ in 0..at_work.max(10) {
                tuner.sample(took, *now, at_work, false);
            }
            *now += Duration::from_millis(10);
            tuner.sample(took, *now, at_work, false);
        }
        tuner.wanted()
    }

    #[test]
    fn it_grows_to_the_bound_while_nothing_gets_slower() {
        let (mut tuner, mut now) = (Tuner::new(2, 200), Duration::ZERO);
        assert_eq!(run(&mut tuner, &mut now, usize::MAX, 1_000), 200);
    }

    #[test]
    fn it_finds_what_a_service_can_do_and_follows_it() {
        let (mut tuner, mut now) = (Tuner::new(2, 1_000), Duration::ZERO);
        let found = run(&mut tuner, &mut now, 50, 400);
        assert!((40..=150).contains(&found), "{found} of 50 places");
        let less = run(&mut tuner, &mut now, 10, 400);
        assert!(less < found, "{less}, and {found} before");
    }

    #[test]
    fn calls_that_do_not_end_in_time_make_it_shrink_to_the_least() {
        let (mut tuner, mut now) = (Tuner::new(3, 100), Duration::ZERO);
        for _ in 0..500 {
            now += Duration::from_millis(5);
            tuner.sample(Duration::from_millis(5), now, tuner.wanted(), true);
        }
        assert_eq!(tuner.wanted(), 3);
    }

    #[test]
    fn where_there_is_little_to_do_it_stays() {
        let (mut tuner, mut now) = (Tuner::new(1, 100), Duration::ZERO);
        for _ in 0..500 {
            now += Duration::from_millis(5);
            tuner.sample(Duration::from_millis(1), now, 1, false);
        }
        assert_eq!(tuner.wanted(), Tuner::FIRST);
    }
}
