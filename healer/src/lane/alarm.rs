//! Time for nodes: a node is called at the time that it asked for.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::Host;

/// Calls a node at a time of the runtime's clock, on a task of the lane. It ends with the node's lane: a time that has not come by then is
/// forgotten, so a node that must not forget keeps it in a row.
pub(crate) struct Alarm {
    asked: Arc<Mutex<Option<Duration>>>,
    /// Says that something was asked for, and by its end that the lane has ended.
    wake: watch::Sender<()>,
}

impl Alarm {
    /// `ring` is told the time, and says when it wants to be called next. `stack` is its need in bytes.
    pub(crate) fn open(
        host: &Host,
        stack: usize,
        mut ring: impl FnMut(Duration) -> Option<Duration> + Send + 'static,
    ) -> Self {
        let (wake, mut woken) = watch::channel(());
        let asked = Arc::<Mutex<Option<Duration>>>::default();
        let times = Arc::clone(&asked);
        let runtime = Arc::clone(&host.shared().runtime);
        host.spawn(stack, || async move {
            let mut next: Option<Duration> = None;
            loop {
                let now = runtime.now();
                if next.is_some_and(|at| at <= now) {
                    next = ring(now);
                    continue;
                }
                let due = runtime.sleep(next.map_or(Duration::MAX, |at| at.saturating_sub(now)));
                tokio::select! {
                    biased;
                    changed = woken.changed() => match changed {
                        // The earlier one: a later call does not put off one that is due.
                        Ok(()) => next = next.into_iter().chain(lock(&times).take()).min(),
                        Err(_) => return,
                    },
                    () = due => {}
                }
            }
        });
        Self { asked, wake }
    }

    /// Asks for a call at that time, or at an earlier one that was asked for already.
    pub(crate) fn set(&self, at: Duration) {
        let mut asked = lock(&self.asked);
        *asked = asked.into_iter().chain([at]).min();
        drop(asked);
        // An error says that the task has ended: its lane was aborted.
        let _ = self.wake.send(());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
