//! The state that the poll thread and its keeper share: everything but the user's code, behind one lock.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{control::Control, finish::finish, rounds::Driver};
use crate::{
    broker::Broker,
    error::{Error, catch},
    lane::Runtime,
};

/// How long user code may hold the poll thread before somebody else goes on polling.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// A pipeline's engine, free while user code runs.
pub(crate) struct Station<B: Broker> {
    /// `None` once it has finished.
    driver: Mutex<Option<Driver<B>>>,
    /// One at a time fetches and answers the broker: records come in order, and none that was fetched for one assignment is
    /// taken for one of the next.
    role: Mutex<()>,
    pub(super) control: Arc<Control>,
    runtime: Arc<dyn Runtime>,
    /// Milliseconds at which user code began to run on the poll thread, and one; 0 while none does.
    since: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of the engine itself is told by the thread that it ends.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: Broker> Station<B> {
    pub(super) fn new(driver: Driver<B>, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            control: Arc::clone(&driver.control),
            driver: Mutex::new(Some(driver)),
            role: Mutex::default(),
            runtime,
            since: AtomicU64::new(0),
        }
    }

    /// `None` once it has finished.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Driver<B>) -> T) -> Option<T> {
        lock(&self.driver).as_mut().map(work)
    }

    pub(crate) fn source(&self) -> Option<Arc<B::Source>> {
        self.with(|driver| driver.broker.source())
    }

    /// Shows the outcomes that came home and were not taken in yet.
    #[cfg(feature = "testing")]
    pub(crate) fn peek(&self, show: impl FnMut(&crate::envelope::Settled)) {
        self.control.desk.peek(show);
    }

    /// Taken before the driver, by a thread that fetches or changes lanes; free while user code runs.
    pub(super) fn role(&self) -> MutexGuard<'_, ()> {
        lock(&self.role)
    }

    pub(super) fn chunk_end(&self) -> Option<Instant> {
        self.runtime.chunk_end()
    }

    pub(super) fn rest(&self, wait: Duration) {
        self.runtime.rest(&self.control.desk, wait);
    }

    /// Runs user code on the poll thread. Beyond [`PATIENCE`] another thread polls meanwhile.
    pub(super) fn user_code<R>(&self, now: Duration, code: impl FnOnce() -> R) -> R {
        self.begin_user_code(now);
        let result = code();
        self.since.store(0, Ordering::Relaxed);
        result
    }

    pub(super) fn begin_user_code(&self, now: Duration) {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX - 1);
        self.since.store(now + 1, Ordering::Relaxed);
    }

    /// Whether user code has held the poll thread for long.
    pub(crate) fn is_held_up(&self) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since > 0 && self.runtime.now() >= Duration::from_millis(since - 1) + PATIENCE
    }

    /// The end: leaves the group and tells how it went. A second call finds nothing to do.
    pub(crate) fn finish(&self, panic: Option<Error>) {
        let Some(driver) = lock(&self.driver).take() else { return };
        // It drops the values that the user's closures hold: waiting users must hear of a panic there as well.
        let result =
            catch(|| finish(driver, panic)).unwrap_or_else(|panicked| Err(Error::Engine(panicked.message)));
        self.control.ended.send_replace(Some(result));
    }
}
