//! The pipelines that a server tells about.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime;

use crate::{
    engine::{Health, Phase},
    guard::Watched,
};

/// The pipelines that a server tells about, in the order in which they came.
#[derive(Default)]
pub(super) struct Watches(Mutex<Vec<Entry>>);

/// A pipeline. One that has ended is not held any more: holding it keeps its store open.
enum Entry {
    Running(Arc<dyn Watched>),
    Ended(Box<Seen>),
}

/// The name and the health of a pipeline.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) health: Health,
}

impl Seen {
    fn of(pipeline: &dyn Watched) -> Self {
        Self { name: pipeline.name().to_owned(), health: pipeline.health() }
    }
}

impl Entry {
    fn seen(&self) -> Seen {
        match self {
            Self::Running(pipeline) => Seen::of(pipeline.as_ref()),
            Self::Ended(seen) => (**seen).clone(),
        }
    }
}

impl Watches {
    /// Adds a pipeline. It takes the place of those of its name that have ended: it was started anew.
    pub(super) fn add(self: &Arc<Self>, pipeline: Arc<dyn Watched>, runtime: &runtime::Handle) {
        {
            let mut entries = self.entries();
            entries.retain(|entry| {
                let seen = entry.seen();
                seen.name != pipeline.name() || seen.health.phase != Phase::Ended
            });
            entries.push(Entry::Running(Arc::clone(&pipeline)));
        }
        let watches = Arc::downgrade(self);
        runtime.spawn(async move {
            // The error that ended it is in its health.
            let _ = pipeline.ended().await;
            if let Some(watches) = watches.upgrade() {
                watches.let_go(&pipeline);
            }
        });
    }

    /// How all of them are.
    pub(super) fn look(&self) -> Vec<Seen> {
        self.entries().iter().map(Entry::seen).collect()
    }

    fn let_go(&self, ended: &Arc<dyn Watched>) {
        let mut entries = self.entries();
        for entry in &mut *entries {
            if let Entry::Running(pipeline) = &*entry
                && Arc::ptr_eq(pipeline, ended)
            {
                *entry = Entry::Ended(Box::new(entry.seen()));
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
