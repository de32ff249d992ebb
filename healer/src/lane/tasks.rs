//! The tasks of a lane, which end with it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::AbortHandle;

/// The tasks of a lane.
#[derive(Default)]
pub(super) struct Tasks {
    handles: Mutex<Vec<AbortHandle>>,
    /// Lanes of single partitions below this one.
    within: Mutex<Vec<Weak<Self>>>,
    aborted: AtomicBool,
}

impl Tasks {
    fn handles(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, task: AbortHandle) {
        self.handles().push(task);
    }

    /// Those of a lane within this one, which ends with this one at the latest.
    pub(super) fn within(&self) -> Arc<Self> {
        let tasks = Arc::<Self>::default();
        let mut within = self.within.lock().unwrap_or_else(PoisonError::into_inner);
        within.retain(|tasks| tasks.strong_count() > 0);
        within.push(Arc::downgrade(&tasks));
        tasks
    }

    pub(super) fn are_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    pub(super) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.handles().drain(..).for_each(|task| task.abort());
        let within = std::mem::take(&mut *self.within.lock().unwrap_or_else(PoisonError::into_inner));
        within.iter().filter_map(Weak::upgrade).for_each(|tasks| tasks.abort());
    }
}
