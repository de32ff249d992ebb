//! The tasks of a lane, which end with it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::AbortHandle;

use super::members::Members;

/// The tasks of a lane.
#[derive(Default)]
pub(super) struct Tasks {
    handles: Mutex<Vec<AbortHandle>>,
    /// Lanes of single partitions below this one.
    within: Mutex<Vec<(Members, Weak<Self>)>>,
    aborted: AtomicBool,
}

impl Tasks {
    fn handles(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, task: AbortHandle) {
        self.handles().push(task);
        if self.are_aborted() {
            // A node opened its lane while another thread ended the generation.
            self.cancel();
        }
    }

    /// Those of a lane within this one, which ends with this one at the latest.
    pub(super) fn within(&self, members: Members) -> Arc<Self> {
        let tasks = Arc::<Self>::default();
        let mut within = self.lanes_within();
        within.retain(|(_, tasks)| tasks.strong_count() > 0);
        within.push((members, Arc::downgrade(&tasks)));
        tasks
    }

    fn lanes_within(&self) -> MutexGuard<'_, Vec<(Members, Weak<Self>)>> {
        self.within.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn are_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    pub(super) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.cancel();
        let within = std::mem::take(&mut *self.lanes_within());
        within.iter().filter_map(|(_, tasks)| tasks.upgrade()).for_each(|tasks| tasks.abort());
    }

    /// Cancels those of the lanes within this one that serve `members`.
    pub(super) fn abort_within(&self, members: Members) {
        let of_them: Vec<_> = self.lanes_within().extract_if(.., |(of, _)| *of == members).collect();
        of_them.iter().filter_map(|(_, tasks)| tasks.upgrade()).for_each(|tasks| tasks.abort());
    }

    fn cancel(&self) {
        self.handles().drain(..).for_each(|task| task.abort());
    }
}
