//! The last value of each partition that passed a node, for the store.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The last value of one node and partition.
#[derive(Clone, Debug)]
pub(crate) struct CheckpointCell {
    pub(crate) offset: i64,
    pub(crate) json: Vec<u8>,
    pub(crate) type_name: &'static str,
    /// Whether the store has not seen it yet.
    pub(crate) fresh: bool,
}

type Key = (Arc<str>, Arc<str>, i32);

/// The last value of a partition, where there is one.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Option<CheckpointCell>>>);

impl Kept {
    /// Takes a newer value, and leaves the bytes of the older one.
    #[inline]
    pub(crate) fn keep(&self, json: &mut Vec<u8>, offset: i64, type_name: &'static str) {
        let mut guard = lock(&self.0);
        let cell = guard.get_or_insert_with(|| CheckpointCell {
            offset: -1,
            json: Vec::new(),
            type_name,
            fresh: false,
        });
        std::mem::swap(&mut cell.json, json);
        cell.offset = offset;
        cell.fresh = true;
    }
}

/// All checkpoints of a pipeline: node, topic, partition.
pub(crate) struct Checkpoints {
    /// Whether anything is kept.
    pub(crate) are_kept: bool,
    cells: Mutex<BTreeMap<Key, Kept>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing but assignments runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Checkpoints {
    pub(crate) fn new(are_kept: bool) -> Self {
        Self { are_kept, cells: Mutex::default() }
    }

    pub(crate) fn cell(&self, node: &Arc<str>, topic: &Arc<str>, partition: i32) -> Kept {
        lock(&self.cells).entry((Arc::clone(node), Arc::clone(topic), partition)).or_default().clone()
    }

    /// Visits those that the store has not seen, and takes them as seen.
    pub(crate) fn take_fresh(&self, mut visit: impl FnMut(&Key, &CheckpointCell)) {
        for (key, cell) in &*lock(&self.cells) {
            if let Some(cell) = lock(&cell.0).as_mut().filter(|cell| cell.fresh) {
                cell.fresh = false;
                visit(key, cell);
            }
        }
    }

    /// All values of a node.
    pub(crate) fn of_node(&self, node: &str) -> Vec<(Key, CheckpointCell)> {
        let cells = lock(&self.cells);
        let of_node = cells.iter().filter(|(key, _)| &*key.0 == node);
        of_node.filter_map(|(key, cell)| Some((key.clone(), lock(&cell.0).clone()?))).collect()
    }
}
