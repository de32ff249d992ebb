//! Keeps the last value of each partition that passed a node.

use std::sync::Arc;

use crate::{
    chain::{Below, Consumer, Operator},
    error::{BoxError, Cause, Failure},
    lane::{Checkpoints, Host, Kept, Visit},
    operators::failing,
    topology::{Node, NodeDraft, NodeKind},
};

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

/// A `checkpoint` and the nodes below it.
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
    cells: Vec<(Arc<str>, i32, Kept)>,
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
        lane.cells[at].2.keep(&mut lane.scratch, visit.context.offset(), std::any::type_name::<T>());
        visit.give();
        self.next.push(&mut lane.next, visit, item)
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(&mut lane.next).await;
    }
}
