//! The tasks of a lane, which end with it.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::AbortHandle;

/// The tasks of a lane.
#[derive(Default)]
pub(super) struct Tasks {
    handles: Mutex<Vec<AbortHandle>>,
    aborted: AtomicBool,
}

impl Tasks {
    fn handles(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, task: AbortHandle) {
        self.handles().push(task);
    }

    pub(super) fn are_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    pub(super) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.handles().drain(..).for_each(|task| task.abort());
    }
}
