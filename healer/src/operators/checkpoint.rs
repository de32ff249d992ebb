//! Keeps the last value of each partition that passed a node.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    engine::Host,
    envelope::Visit,
    error::{BoxError, Cause, Failure},
    operators::failing,
    stream::{Below, Consumer, Operator},
    topology::{Node, NodeDraft, NodeKind},
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
type Shared = Arc<Mutex<Option<CheckpointCell>>>;

/// All checkpoints of a pipeline: node, topic, partition.
pub(crate) struct Checkpoints {
    /// Whether anything is kept.
    pub(crate) are_kept: bool,
    cells: Mutex<BTreeMap<Key, Shared>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing but assignments runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Checkpoints {
    pub(crate) fn new(are_kept: bool) -> Self {
        Self { are_kept, cells: Mutex::default() }
    }

    fn cell(&self, node: &Arc<str>, topic: &Arc<str>, partition: i32) -> Shared {
        Arc::clone(lock(&self.cells).entry((Arc::clone(node), Arc::clone(topic), partition)).or_default())
    }

    /// Visits those that the store has not seen, and takes them as seen.
    pub(crate) fn take_fresh(&self, mut visit: impl FnMut(&Key, &CheckpointCell)) {
        for (key, cell) in &*lock(&self.cells) {
            if let Some(cell) = lock(cell).as_mut().filter(|cell| cell.fresh) {
                cell.fresh = false;
                visit(key, cell);
            }
        }
    }

    /// All values of a node.
    pub(crate) fn of_node(&self, node: &str) -> Vec<(Key, CheckpointCell)> {
        let cells = lock(&self.cells);
        let of_node = cells.iter().filter(|(key, _)| &*key.0 == node);
        of_node.filter_map(|(key, cell)| Some((key.clone(), lock(cell).clone()?))).collect()
    }
}

/// How a value is encoded: `checkpoint` alone asks for `Serialize` and keeps the proof, so that a fault is said once.
pub(crate) type Encode<T> = fn(&T, &mut Vec<u8>) -> Result<(), BoxError>;

/// A `checkpoint`.
pub struct Checkpoint<T> {
    encode: Encode<T>,
}

impl<T> Checkpoint<T> {
    pub(crate) fn new(encode: Encode<T>) -> Self {
        Self { encode }
    }
}

impl<T: Send + 'static> Operator for Checkpoint<T> {
    type In = T;
    type Out = T;
    type Settled = ();
    type Node<D: Consumer<T>> = CheckpointNode<T, D>;

    fn draft(&self) -> NodeDraft {
        let mut node = NodeDraft::new("checkpoint", NodeKind::Checkpoint);
        node.stores = true;
        node
    }

    fn attach<D: Consumer<T>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        CheckpointNode::new(node, self.encode, next)
    }
}

/// A `checkpoint` and what follows.
pub struct CheckpointNode<T, D> {
    node: Arc<Node>,
    encode: Encode<T>,
    next: D,
}

impl<T, D> CheckpointNode<T, D> {
    pub(crate) fn new(node: Arc<Node>, encode: Encode<T>, next: D) -> Self {
        Self { node, encode, next }
    }
}

/// The cells of the partitions that this segment has seen; nearly always one.
pub struct CheckpointLane<L> {
    all: Arc<Checkpoints>,
    cells: Vec<(Arc<str>, i32, Shared)>,
    /// Where a value is encoded, so that the user's `Serialize` runs under no lock and leaves nothing half done.
    scratch: Vec<u8>,
    next: L,
}

impl<T: Send + 'static, D: Consumer<T>> Consumer<T> for CheckpointNode<T, D> {
    type Lane = CheckpointLane<D::Lane>;

    #[inline]
    fn below(&self) -> Below {
        self.next.below().holding::<T>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        CheckpointLane {
            all: host.checkpoints(),
            cells: Vec::new(),
            scratch: Vec::new(),
            next: self.next.open(host),
        }
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter(self.node.id);
        if !lane.all.are_kept {
            visit.give();
            return self.next.push(&mut lane.next, visit, item);
        }
        let (topic, partition) = (visit.context.topic_arc(), visit.context.partition());
        let known = lane.cells.iter().position(|(t, p, _)| *p == partition && Arc::ptr_eq(t, topic));
        let at = known.unwrap_or_else(|| {
            let cell = lane.all.cell(&self.node.name, topic, partition);
            lane.cells.push((Arc::clone(topic), partition, cell));
            lane.cells.len() - 1
        });
        lane.scratch.clear();
        if let Err(error) = (self.encode)(&item, &mut lane.scratch) {
            return failing::fail(visit, self.node.id, Cause::Encode(error));
        }
        let mut guard = lock(&lane.cells[at].2);
        let cell = guard.get_or_insert_with(|| CheckpointCell {
            offset: -1,
            json: Vec::new(),
            type_name: std::any::type_name::<T>(),
            fresh: false,
        });
        std::mem::swap(&mut cell.json, &mut lane.scratch);
        cell.offset = visit.context.offset();
        cell.fresh = true;
        drop(guard);
        visit.give();
        self.next.push(&mut lane.next, visit, item)
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(&mut lane.next).await;
    }
}
