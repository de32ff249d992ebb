//! Writing to the store apart from polling: a slow disk must not hold the poll thread.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::Sender},
    time::Duration,
};

use super::Message;
use crate::{
    journal::{Checkpoint, Journal, PartitionSnapshot},
    lane::Worker,
};

/// The snapshots and checkpoints that one tick saves, in one atomic write.
#[derive(Default)]
pub(super) struct Save {
    pub(super) snapshots: Vec<PartitionSnapshot>,
    pub(super) checkpoints: Vec<Checkpoint>,
}

impl Save {
    fn is_empty(&self) -> bool {
        self.snapshots.is_empty() && self.checkpoints.is_empty()
    }

    /// Takes a later one in; a later snapshot of a partition replaces an earlier one.
    fn merge(&mut self, later: Save) {
        let replaced = |old: &PartitionSnapshot| {
            later.snapshots.iter().any(|new| (&new.topic, new.partition) == (&old.topic, old.partition))
        };
        self.snapshots.retain(|old| !replaced(old));
        self.snapshots.extend(later.snapshots);
        self.checkpoints.extend(later.checkpoints);
    }
}

/// Writes the saves that it is given; those that pile up meanwhile go along in one write.
pub(super) struct Saver {
    worker: Box<dyn Worker>,
    journal: Arc<Journal>,
    answers: Sender<Message>,
    waiting: Arc<Mutex<Save>>,
}

fn lock(waiting: &Mutex<Save>) -> MutexGuard<'_, Save> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Saver {
    pub(super) fn new(worker: Box<dyn Worker>, journal: Arc<Journal>, answers: Sender<Message>) -> Self {
        Self { worker, journal, answers, waiting: Arc::default() }
    }

    pub(super) fn save(&self, save: Save) {
        if save.is_empty() {
            return;
        }
        lock(&self.waiting).merge(save);
        let (journal, answers, waiting) =
            (Arc::clone(&self.journal), self.answers.clone(), Arc::clone(&self.waiting));
        self.worker.give(Box::new(move || {
            let save = mem::take(&mut *lock(&waiting));
            if !save.is_empty()
                && let Err(error) = journal.save(&save.snapshots, &save.checkpoints)
            {
                // Nobody listens once the pipeline has ended.
                let _ = answers.send(Message::Store(error));
            }
        }));
    }

    /// Waits for the saves that were given, not longer than `budget`.
    pub(super) fn finish(self, budget: Duration) {
        if !self.worker.finish(budget) {
            tracing::warn!("the store did not take the last snapshot in time; its records are replayed");
        }
    }
}
