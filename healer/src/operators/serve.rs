//! Tasks that serve a queue.
//!
//! **Boundaries.** A queue and a task per lane (`operators/serve`) that serves one item after the other: an async stage runs one
//! record at a time per partition, in order, and partitions run side by side. A lane that is closed drains by itself: when its
//! queue has ended, the task ends and closes its own lane. A node that passes on one item for one is bounded by the records in
//! flight; one that gives many (`flat`) waits for room, its iterator resting inside a future that is used as a generator.

use std::{future::Future, sync::Arc};

use super::queue::{Carry, Envelope, Inbox, Queue, queue};
use crate::{
    chain::Below,
    lane::{Host, LaneScope},
};

/// The work of a boundary's task.
pub trait Serve<T>: Send + Sync + 'static {
    /// The state of the task for a partition, with the lane below.
    type Lane: Send + 'static;

    /// Which partitions share a task.
    const SCOPE: LaneScope = LaneScope::Partition;

    /// The needs of this node and the nodes below it, and the stack that its task takes.
    fn below(&self) -> Below;

    /// How many records an item is.
    fn records(_: &T) -> u64 {
        1
    }

    /// Makes the lane of its task.
    fn open(&self, host: &Host) -> Self::Lane;

    /// Handles all that comes: settles its receipts, or passes them on.
    fn run<'a>(
        &'a self,
        lane: &'a mut Self::Lane,
        host: &'a Host,
        inbox: &'a mut Inbox<T>,
    ) -> impl Future<Output = ()> + Send + 'a;
}

/// How a boundary handles one item, where it takes one after the other.
pub(super) trait ServeOne<T>: Serve<T> {
    fn serve<'a>(
        &'a self,
        lane: &'a mut Self::Lane,
        host: &'a Host,
        item: Envelope<T>,
    ) -> impl Future<Output = ()> + Send + 'a;
}

/// Serves one item after the other.
pub(super) async fn one_by_one<T: Send + 'static, S: ServeOne<T>>(
    serve: &S,
    lane: &mut S::Lane,
    host: &Host,
    inbox: &mut Inbox<T>,
) {
    while let Some(item) = inbox.next().await {
        // A partition that has failed runs nothing any more: waiting items are returned.
        if !item.receipt.is_halted() {
            serve.serve(lane, host, item).await;
        }
    }
}

/// Starts the task of a node, for the items that come to it.
pub(super) fn start<T: Send + 'static, S: Serve<T>>(serve: &Arc<S>, host: &Host, node: u32) -> Queue<T> {
    start_with(serve, serve.open(host), host, Carry::new(serve.below().reads, host, node))
}

/// Starts a task with a lane that is open already. It ends when all givers are gone and the queue is empty, and then closes its own
/// lane: so a drain goes down the pipeline by itself.
pub(super) fn start_with<T: Send + 'static, S: Serve<T>>(
    serve: &Arc<S>,
    mut lane: S::Lane,
    host: &Host,
    carry: Carry,
) -> Queue<T> {
    let (queue, mut inbox) = queue(carry);
    let (stack, serve, host_of_task) = (serve.below().stack, Arc::clone(serve), host.clone());
    host.spawn(stack, || async move {
        serve.run(&mut lane, &host_of_task, &mut inbox).await;
    });
    queue
}
