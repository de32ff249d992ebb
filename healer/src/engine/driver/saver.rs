//! Writing to the store apart from polling: a slow disk must not hold the poll thread.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::Sender},
    time::Duration,
};

use healer_store::StoreError;

use super::Message;
use crate::{
    broker::TopicPartition,
    envelope::{Desk, Home},
    error::catch,
    journal::{Checkpoint, Journal, PartitionSnapshot, StateChanges, StateMark},
    lane::{LaneState, Worker},
};

/// The snapshots, checkpoints and rows of nodes that one tick saves, in one atomic write.
#[derive(Default)]
pub(super) struct Save {
    /// Its number, where a commit waits for it.
    pub(super) number: Option<u64>,
    pub(super) snapshots: Vec<PartitionSnapshot>,
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) states: Vec<StateSave>,
}

/// The changes in a partition's memory. They are cut when it is their turn to be written.
pub(super) struct StateSave {
    home: Arc<Home>,
    state: Arc<LaneState>,
    /// Whether the ledger has moved.
    moved: bool,
    changes: StateChanges,
}

impl StateSave {
    pub(super) fn new(
        home: &Arc<Home>,
        state: &Arc<LaneState>,
        (lineage, frontier): (u64, i64),
        moved: bool,
    ) -> Self {
        let TopicPartition { topic, partition } = home.partition.clone();
        let mark = StateMark { lineage, frontier, began: state.began() };
        Self {
            home: Arc::clone(home),
            state: Arc::clone(state),
            moved,
            changes: StateChanges { topic, partition, mark, rows: BTreeMap::new() },
        }
    }

    /// Takes a later one of the same memory in.
    fn merge(&mut self, later: Self) {
        self.moved |= later.moved;
        self.changes.mark = later.changes.mark;
        self.changes.rows.extend(later.changes.rows);
    }
}

impl Save {
    fn is_empty(&self) -> bool {
        let Self { number, snapshots, checkpoints, states } = self;
        number.is_none() && snapshots.is_empty() && checkpoints.is_empty() && states.is_empty()
    }

    /// Takes a later one in; a later snapshot of a partition replaces an earlier one.
    fn merge(&mut self, later: Save) {
        let replaced = |old: &PartitionSnapshot| {
            later.snapshots.iter().any(|new| (&new.topic, new.partition) == (&old.topic, old.partition))
        };
        self.snapshots.retain(|old| !replaced(old));
        self.snapshots.extend(later.snapshots);
        self.checkpoints.extend(later.checkpoints);
        for later in later.states {
            match self.states.iter_mut().find(|old| Arc::ptr_eq(&old.state, &later.state)) {
                Some(old) => old.merge(later),
                None => self.states.push(later),
            }
        }
        self.number = later.number.or(self.number);
    }

    fn write(&mut self, journal: &Journal) -> Result<(), StoreError> {
        // The next owner of the partition has begun with the rows as they are in the store.
        self.states.retain(|state| !state.home.is_fenced());
        for StateSave { state, changes, .. } in &mut self.states {
            state.cut(&mut changes.rows);
        }
        let changed = self.states.iter().filter(|save| save.moved || !save.changes.rows.is_empty());
        let changed: Vec<_> = changed.map(|save| &save.changes).collect();
        journal.save(&self.snapshots, &self.checkpoints, &changed)
    }
}

/// Writes the saves that it is given; those that pile up meanwhile go along in one write.
pub(super) struct Saver {
    worker: Box<dyn Worker>,
    journal: Arc<Journal>,
    answers: Sender<Message>,
    desk: Arc<Desk>,
    waiting: Arc<Mutex<Save>>,
}

fn lock(waiting: &Mutex<Save>) -> MutexGuard<'_, Save> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Saver {
    pub(super) fn new(
        worker: Box<dyn Worker>,
        journal: Arc<Journal>,
        answers: Sender<Message>,
        desk: Arc<Desk>,
    ) -> Self {
        Self { worker, journal, answers, desk, waiting: Arc::default() }
    }

    pub(super) fn save(&self, save: Save) {
        if save.is_empty() {
            return;
        }
        lock(&self.waiting).merge(save);
        let (journal, answers) = (Arc::clone(&self.journal), self.answers.clone());
        let (desk, waiting) = (Arc::clone(&self.desk), Arc::clone(&self.waiting));
        self.worker.give(Box::new(move || {
            let mut save = mem::take(&mut *lock(&waiting));
            if save.is_empty() {
                return;
            }
            let number = save.number.take();
            // A store may be a user's: a save that ended this thread would be the last one, and no error would tell of it.
            let saved = catch(|| save.write(&journal))
                .unwrap_or_else(|panicked| Err(StoreError::backend(panicked.message)));
            let answer = match saved {
                Ok(()) => number.map(Message::Saved),
                Err(error) => {
                    // Nodes hand a change out once, and the next commit is of all changes.
                    let mut waiting = lock(&waiting);
                    save.merge(mem::take(&mut *waiting));
                    *waiting = save;
                    Some(Message::Store(error))
                }
            };
            if let Some(answer) = answer {
                // Nobody listens once the pipeline has ended.
                let _ = answers.send(answer);
                desk.nudge();
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

#[cfg(test)]
mod tests;
