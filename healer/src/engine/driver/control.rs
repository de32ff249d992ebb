//! The state that the poll thread and the user's handles share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{broadcast, watch};

use crate::{
    broker::Remote,
    engine::{
        Report,
        core::{Action, Core, Event},
    },
    envelope::Desk,
    error::Error,
    lane::{Checkpoints, Circuits, Runtime, Sends, Shared},
};

use super::{
    CommittedOffset, WaitingForPartitions,
    saves::Saves,
    seek::Sought,
    waits::{Reasons, Waits},
};

/// How a pipeline ended.
pub(super) type Ended = Option<Result<Report, Error>>;

/// The core behind its mutex, free while user code runs, and the few flags beside it.
pub(super) struct Control {
    core: Mutex<Core>,
    runtime: Arc<dyn Runtime>,
    /// The pipeline's name.
    pub(super) name: String,
    stop: AtomicBool,
    /// Microseconds since the start at which the broker was polled last.
    polled: AtomicU64,
    /// The partitions that the user wants read from elsewhere and that were not looked at yet.
    seeks: Mutex<Vec<Sought>>,
    missing_topic: Mutex<Option<String>>,
    /// Whether the group gives it partitions.
    waits: Mutex<Waits>,
    reasons: Reasons,
    pub(super) sends: Arc<Sends>,
    pub(super) circuits: Arc<Circuits>,
    pub(super) saves: Arc<Saves>,
    pub(super) unreachable_after: Duration,
    pub(super) desk: Arc<Desk>,
    pub(super) commits: broadcast::Sender<CommittedOffset>,
    pub(super) ended: watch::Sender<Ended>,
    pub(super) checkpoints: Arc<Checkpoints>,
}

/// How many acknowledged commits a slow reader may be behind.
const COMMITS: usize = 4_096;

impl Control {
    pub(super) fn new(core: Core, shared: &Shared, reasons: Reasons, unreachable_after: Duration) -> Self {
        Self {
            core: Mutex::new(core),
            runtime: Arc::clone(&shared.runtime),
            name: shared.pipeline.clone(),
            stop: AtomicBool::new(false),
            polled: AtomicU64::new(0),
            seeks: Mutex::default(),
            missing_topic: Mutex::default(),
            waits: Mutex::default(),
            reasons,
            sends: Arc::clone(&shared.sends),
            circuits: Arc::clone(&shared.circuits),
            saves: Arc::default(),
            unreachable_after,
            desk: Arc::clone(&shared.desk),
            commits: broadcast::Sender::new(COMMITS),
            ended: watch::Sender::new(None),
            checkpoints: Arc::clone(&shared.checkpoints),
        }
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        // A panic inside the core ends the poll thread, which reports it; status may still be read.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.runtime.now()
    }

    pub(super) fn step(&self, event: Event<'_>) -> Vec<Action> {
        let now = self.now();
        self.core().step(event, now)
    }

    pub(super) fn missing_topic(&self) -> Option<String> {
        self.missing_topic.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn miss_topic(&self, text: Option<String>) {
        *self.missing_topic.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(super) fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it has no partitions; `None` where it has some, or has ended.
    pub(super) fn waiting(&self, remote: &dyn Remote, now: Duration) -> Option<WaitingForPartitions> {
        let (lasting, answer) = self.waits().lasting(now)?;
        let outage = remote.outage().map(|outage| outage.reason);
        let reason = self.reasons.reason(answer, outage, self.missing_topic());
        Some(WaitingForPartitions { lasting, reason })
    }

    /// The broker was polled.
    pub(super) fn has_polled(&self, now: Duration) {
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        self.polled.store(micros, Ordering::Relaxed);
    }

    /// When that was.
    pub(super) fn polled(&self) -> Duration {
        Duration::from_micros(self.polled.load(Ordering::Relaxed))
    }

    pub(super) fn ask_to_seek(&self, sought: Sought) {
        self.seeks.lock().unwrap_or_else(PoisonError::into_inner).push(sought);
        self.desk.nudge();
    }

    pub(super) fn take_seeks(&self) -> Vec<Sought> {
        std::mem::take(&mut *self.seeks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.desk.nudge();
    }

    pub(super) fn is_asked_to_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
