//! The queue between a pipeline and its reporter, and the thread that empties it.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Draft, FailureReporter, lock};
use crate::{
    error::{catch, said::chain},
    observe::Complaints,
};

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Reports.
    pub(super) reports: usize,
    /// Bytes, together with the report that the reporter has.
    pub(super) bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { reports: 256, bytes: 32 * 1_024 * 1_024 }
    }
}

/// Where a pipeline leaves its reports. When it is dropped, its thread still writes the reports that wait.
pub(crate) struct Reports(Option<Arc<Queue>>);

struct Queue {
    reporter: Arc<dyn FailureReporter>,
    room: Room,
    waiting: Mutex<Waiting>,
    /// Something came in, was done, or will come no more.
    changed: Condvar,
    sent: AtomicU64,
    dropped: AtomicU64,
    complaints: Mutex<Complaints>,
}

#[derive(Default)]
struct Waiting {
    /// With the weight of each, in bytes.
    drafts: VecDeque<(Draft, usize)>,
    /// The weight of all of them, with the one that the reporter has.
    bytes: usize,
    /// Whether the reporter has one.
    busy: bool,
    /// Nothing more is taken in.
    closed: bool,
}

impl Reports {
    /// For this reporter, with a thread that calls it; without one nothing is ever reported.
    pub(crate) fn new(reporter: Option<Arc<dyn FailureReporter>>) -> Self {
        Self(reporter.map(|reporter| Queue::open(reporter, Room::default())))
    }

    #[cfg(test)]
    pub(super) fn with_room(reporter: Arc<dyn FailureReporter>, room: Room) -> Self {
        Self(Some(Queue::open(reporter, room)))
    }

    /// Whether there is a reporter at all: nothing need be prepared for none.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves a report. Waits for nothing and cannot fail: a report that does not fit in is dropped and counted.
    pub(crate) fn send(&self, report: impl Into<Draft>) {
        if let Some(queue) = &self.0 {
            queue.take_in(report.into());
        }
    }

    /// How many the reporter has taken, and how many were dropped.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.0.as_ref().map_or((0, 0), |queue| (queue.sent.load(Relaxed), queue.dropped.load(Relaxed)))
    }

    /// The bytes of those that wait.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |queue| queue.waiting().bytes as u64)
    }

    /// Takes no more in and waits, up to `budget`, until all reports are written; those that still wait then are dropped. Blocks
    /// its thread for so long.
    pub(crate) fn finish(&self, budget: Duration) {
        if let Some(queue) = &self.0 {
            queue.finish(budget);
        }
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.close();
        }
    }
}

impl Queue {
    fn open(reporter: Arc<dyn FailureReporter>, room: Room) -> Arc<Self> {
        let queue = Arc::new(Self {
            reporter,
            room,
            waiting: Mutex::default(),
            changed: Condvar::new(),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            complaints: Mutex::default(),
        });
        let body = Arc::clone(&queue);
        let thread = thread::Builder::new().name("healer-reports".to_owned()).spawn(move || body.run());
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread can be started for failure reports: they are dropped");
            queue.close();
        }
        queue
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_all();
    }

    fn take_in(&self, draft: Draft) {
        let weight = draft.weight();
        let mut waiting = self.waiting();
        let has_room = waiting.drafts.len() < self.room.reports
            && waiting.bytes.saturating_add(weight) <= self.room.bytes;
        if has_room && !waiting.closed {
            waiting.bytes += weight;
            waiting.drafts.push_back((draft, weight));
            drop(waiting);
            self.changed.notify_all();
        } else {
            let why = if waiting.closed { "the pipeline has ended" } else { "their queue is full" };
            drop(waiting);
            self.lose(why, "");
        }
    }

    /// The body of the thread.
    fn run(&self) {
        while let Some((draft, weight)) = self.wait_for_one() {
            self.hand_over(draft);
            let mut waiting = self.waiting();
            waiting.bytes = waiting.bytes.saturating_sub(weight);
            waiting.busy = false;
            drop(waiting);
            self.changed.notify_all();
        }
    }

    /// `None` once there will be no more.
    fn wait_for_one(&self) -> Option<(Draft, usize)> {
        let idle = |waiting: &mut Waiting| waiting.drafts.is_empty() && !waiting.closed;
        let waiting = self.changed.wait_while(self.waiting(), idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let one = waiting.drafts.pop_front();
        waiting.busy = one.is_some();
        one
    }

    fn hand_over(&self, draft: Draft) {
        // All of it is the user's code: the text of an error, and its drop as well.
        let taken = catch(|| {
            let report = draft.finish();
            self.reporter.report(&report).map_err(|error| chain(&*error))
        });
        match taken {
            Ok(Ok(())) => {
                self.sent.fetch_add(1, Relaxed);
            }
            Ok(Err(error)) => self.lose("the reporter gave an error", &error),
            Err(panicked) => self.lose("the reporter panicked", &panicked.message),
        }
    }

    /// Counts a report that is dropped, and says so now and then.
    fn lose(&self, why: &str, error: &str) {
        self.dropped.fetch_add(1, Relaxed);
        // The lock is given back first: a subscriber of the log may leave a report as well.
        let dropped = lock(&self.complaints).add(1, Instant::now());
        if let Some(dropped) = dropped {
            tracing::warn!(dropped, why, error, "failure reports were dropped");
        }
    }

    fn finish(&self, budget: Duration) {
        self.close();
        let working = |waiting: &mut Waiting| waiting.busy || !waiting.drafts.is_empty();
        let waited = self.changed.wait_timeout_while(self.waiting(), budget, working);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let left = mem::take(&mut waiting.drafts);
        let weight: usize = left.iter().map(|(_, weight)| weight).sum();
        waiting.bytes = waiting.bytes.saturating_sub(weight);
        let busy = waiting.busy;
        drop(waiting);
        self.dropped.fetch_add(left.len() as u64, Relaxed);
        let unsaid = lock(&self.complaints).rest();
        if let Some(dropped) = unsaid {
            tracing::warn!(dropped, "failure reports were dropped");
        }
        if busy || !left.is_empty() {
            tracing::warn!(
                dropped = left.len(),
                ?budget,
                "the reporter of failure reports did not end in time: what still waited is dropped"
            );
        }
    }
}
