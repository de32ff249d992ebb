//! Writing to the store apart from polling: a slow disk must not hold the poll thread.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use healer_store::StoreError;

use super::{Message, saves::Saves};
use crate::{
    broker::TopicPartition,
    envelope::{Desk, Home},
    error::{catch, discard},
    journal::{Checkpoint, Journal, PartitionSnapshot, StateChanges, StateMark},
    lane::{LaneState, Runtime, Worker},
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

    /// Takes a later one in: its snapshot of a partition, or its checkpoint of a node there, replaces an earlier one. So a store that takes
    /// nothing for long makes no more of them than there are partitions and nodes.
    fn merge(&mut self, later: Save) {
        let of_snapshot = |of: &PartitionSnapshot| (of.topic.clone(), of.partition);
        let of_checkpoint = |of: &Checkpoint| (of.node.clone(), of.topic.clone(), of.partition);
        let new: HashSet<_> = later.snapshots.iter().map(of_snapshot).collect();
        self.snapshots.retain(|old| !new.contains(&of_snapshot(old)));
        self.snapshots.extend(later.snapshots);
        let new: HashSet<_> = later.checkpoints.iter().map(of_checkpoint).collect();
        self.checkpoints.retain(|old| !new.contains(&of_checkpoint(old)));
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
    /// `None` once the store is closed.
    worker: Option<Box<dyn Worker>>,
    writing: Arc<Writing>,
}

/// The work of the thread.
struct Writing {
    journal: Arc<Journal>,
    runtime: Arc<dyn Runtime>,
    answers: Sender<Message>,
    saves: Arc<Saves>,
    desk: Arc<Desk>,
    waiting: Mutex<Save>,
}

impl Writing {
    fn waiting(&self) -> MutexGuard<'_, Save> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all that waits, and tells the number that a commit waits for. What fails waits again, for the next try or the last one.
    fn write(&self) -> Result<Option<u64>, StoreError> {
        let mut save = mem::take(&mut *self.waiting());
        if save.is_empty() {
            return Ok(None);
        }
        let Err(error) = caught(|| save.write(&self.journal)) else {
            let number = save.number;
            // A node's memory and a log subscriber are users' as well.
            discard(catch(|| {
                drop(save);
                self.saves.succeeded(self.runtime.now());
            }));
            return Ok(number);
        };
        if !error.is_transient() {
            // The commit hears of the error.
            save.number = None;
        }
        // Nodes hand a change out once, and the next commit is of all changes.
        let mut waiting = self.waiting();
        save.merge(mem::take(&mut *waiting));
        *waiting = save;
        drop(waiting);
        if error.is_transient() {
            discard(catch(|| self.saves.failed(&error, self.runtime.now())));
        }
        Err(error)
    }

    /// The last write of a pipeline.
    fn close(&self) -> Result<(), StoreError> {
        let saved = self.write().map(drop);
        let closed = caught(|| self.journal.close());
        saved.and(closed)
    }
}

/// A store may be a user's: a panic that ended the thread would make this write the last one, and no error would tell of it.
fn caught(work: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    catch(work).unwrap_or_else(|panicked| Err(StoreError::backend(panicked.message)))
}

impl Saver {
    pub(super) fn new(
        worker: Box<dyn Worker>,
        runtime: Arc<dyn Runtime>,
        journal: Arc<Journal>,
        answers: Sender<Message>,
        saves: Arc<Saves>,
        desk: Arc<Desk>,
    ) -> Self {
        let writing = Writing { journal, runtime, answers, saves, desk, waiting: Mutex::default() };
        Self { worker: Some(worker), writing: Arc::new(writing) }
    }

    pub(super) fn save(&self, save: Save) {
        if save.is_empty() {
            return;
        }
        self.writing.waiting().merge(save);
        if !self.writing.saves.rest() {
            self.write();
        }
    }

    /// Partitions are given back: a save that waits for its next try has it at once.
    pub(super) fn hurry(&self, now: Duration) {
        self.writing.saves.hurry(now);
    }

    /// Gives a save that failed its next try, once it is time.
    pub(super) fn look(&self, now: Duration) {
        if self.writing.saves.take_due(now) {
            self.write();
        }
    }

    fn write(&self) {
        let Some(worker) = &self.worker else { return };
        let writing = Arc::clone(&self.writing);
        worker.give(Box::new(move || {
            let answer = match writing.write() {
                Ok(number) => number.map(Message::Saved),
                Err(error) if error.is_transient() => None,
                Err(error) => Some(Message::Store(error)),
            };
            if let Some(answer) = answer {
                // Nobody listens once the pipeline has ended.
                let _ = writing.answers.send(answer);
                writing.desk.nudge();
            }
        }));
    }

    /// The end: one more try for what waits, then the store is closed.
    ///
    /// # Errors
    ///
    /// That of the store, or that it took longer than `budget`.
    pub(super) fn finish(mut self, budget: Duration) -> Result<(), StoreError> {
        let (tell, told) = channel();
        let Some(worker) = self.worker.take() else { return Ok(()) };
        let writing = Arc::clone(&self.writing);
        worker.give(Box::new(move || drop(tell.send(writing.close()))));
        let late = || {
            StoreError::backend(format!(
                "it did not take the last rows within {budget:?}; look at its disk or connection. The commits stand, and records that \
                 were done above them may be processed again"
            ))
        };
        if worker.finish(budget) { told.try_recv().unwrap_or_else(|_| Err(late())) } else { Err(late()) }
    }
}

impl Drop for Saver {
    /// Where the end itself failed, nobody waits for the store; it is closed all the same.
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            let writing = Arc::clone(&self.writing);
            worker.give(Box::new(move || tell(writing.close())));
        }
    }
}

/// Closes the store of a pipeline whose start failed.
pub(super) fn close_unused(store: &dyn healer_store::Store) {
    tell(caught(|| store.close()));
}

/// Tells of an error that comes beside another one.
pub(super) fn tell(closed: Result<(), StoreError>) {
    if let Err(error) = closed {
        tracing::warn!(%error, "the store did not take the last rows; records that were done above the commits may be processed again");
    }
}
