//! What the poll thread and the user's handles share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{broadcast, watch};

use crate::{
    app::{Error, Report},
    engine::{
        Runtime,
        core::{Action, Core, Event},
    },
    envelope::Desk,
    operators::Checkpoints,
};

use super::CommittedOffset;

/// How a pipeline ended.
pub(super) type Ended = Option<Result<Report, Error>>;

/// The core behind its mutex, free while user code runs, and the few flags beside it.
pub(super) struct Control {
    core: Mutex<Core>,
    runtime: Arc<dyn Runtime>,
    stop: AtomicBool,
    missing_topic: Mutex<Option<String>>,
    pub(super) desk: Arc<Desk>,
    pub(super) commits: broadcast::Sender<CommittedOffset>,
    pub(super) ended: watch::Sender<Ended>,
    pub(super) checkpoints: Arc<Checkpoints>,
}

/// How many acknowledged commits a slow reader may be behind.
const COMMITS: usize = 4_096;

impl Control {
    pub(super) fn new(
        core: Core,
        runtime: Arc<dyn Runtime>,
        desk: Arc<Desk>,
        checkpoints: Arc<Checkpoints>,
    ) -> Self {
        Self {
            core: Mutex::new(core),
            runtime,
            stop: AtomicBool::new(false),
            missing_topic: Mutex::default(),
            desk,
            commits: broadcast::Sender::new(COMMITS),
            ended: watch::Sender::new(None),
            checkpoints,
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

    pub(super) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.desk.nudge();
    }

    pub(super) fn is_asked_to_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
