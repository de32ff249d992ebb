//! Gathers records of all partitions into batches.
//!
//! **`batch`** has one lane for the pipeline. It emits at `n` rows, after `within` (1 s by default), when its rows hold a
//! partition's in-flight bound, or are all that a partition has memory for, when the lane of one of them closes, and at once
//! while nothing more is expected.

use std::{collections::HashMap, marker::PhantomData, mem, sync::Arc, time::Duration};

use foldhash::fast::FixedState;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};

use super::boundary::{Carry, Envelope, Gate, Step, carry_on};
use crate::{
    chain::{Batch, Below, Consumer, Gathers, Operator},
    context::Context,
    envelope::Receipt,
    error::Failure,
    lane::{Host, LaneScope, SharedLane, Visit},
    topology::{Node, NodeDraft, NodeKind},
};

/// A `batch`.
pub struct Batching<T> {
    rows: usize,
    item: PhantomData<fn(T)>,
}

impl<T> Batching<T> {
    pub(crate) fn new(rows: usize) -> Self {
        Self { rows, item: PhantomData }
    }
}

impl<T> Gathers for Batching<T> {}

impl<T: Send + 'static> Operator for Batching<T> {
    type In = T;
    type Out = Batch<T>;
    type Settled = ();
    type Node<D: Consumer<Batch<T>>> = BatchingNode<D>;

    fn draft(&self) -> NodeDraft {
        let within = Duration::from_secs(1);
        NodeDraft::new("batch", NodeKind::Batch { rows: self.rows, within })
    }

    fn attach<D: Consumer<Batch<T>>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        BatchingNode(Arc::new(BatchingTask { node, next }))
    }
}

/// A `batch` and the nodes below it.
pub struct BatchingNode<D>(Arc<BatchingTask<D>>);

struct BatchingTask<D> {
    node: Arc<Node>,
    next: D,
}

enum Message<T> {
    Row(Envelope<T>),
    /// The lane of a partition and generation was closed.
    Closed(u32, u32),
}

/// A partition's entrance to the one task that gathers.
pub struct BatchingLane<T> {
    sender: UnboundedSender<Message<T>>,
    gate: Arc<Gate>,
    needs: Carry,
    origin: Option<(u32, u32)>,
}

impl<T> Drop for BatchingLane<T> {
    fn drop(&mut self) {
        if let Some((slot, generation)) = self.origin {
            // Nobody listens any more: nothing is waiting there either.
            drop(self.sender.send(Message::Closed(slot, generation)));
        }
    }
}

impl<T: Send + 'static, D: Consumer<Batch<T>>> Consumer<T> for BatchingNode<D> {
    type Lane = BatchingLane<T>;

    fn below(&self) -> Below {
        // It is bounded since a record in flight may have given any number of rows.
        Below::queue::<T>(true)
    }

    fn open(&self, host: &Host) -> Self::Lane {
        let id = self.0.node.id;
        let Entrance { sender, gate } = host.lane(id, LaneScope::Pipeline, |host| {
            let (sender, receiver) = unbounded_channel();
            let gate = Arc::<Gate>::default();
            let inbox = Inbox { receiver, gate: Arc::clone(&gate) };
            let gather = Gather::<T, D>::new(&self.0, inbox, host.clone());
            host.spawn(self.0.next.below().holding::<T>().stack, || gather.run());
            Entrance { sender, gate }
        });
        BatchingLane { sender, gate, needs: Carry::new(true, host, id), origin: host.origin() }
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter(self.0.node.id);
        let row = Envelope::take(visit, self.0.node.id, lane.needs, item);
        lane.gate.enter();
        // Where the task has ended the row comes back in the error, and is returned.
        drop(lane.sender.send(Message::Row(row)));
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        lane.gate.room(|| lane.sender.is_closed()).await;
    }
}

/// The way in.
struct Entrance<T> {
    sender: UnboundedSender<Message<T>>,
    gate: Arc<Gate>,
}

impl<T: Send + 'static> SharedLane for Entrance<T> {
    type Weak = (WeakUnboundedSender<Message<T>>, Arc<Gate>);

    fn downgrade(&self) -> Self::Weak {
        (self.sender.downgrade(), Arc::clone(&self.gate))
    }

    fn upgrade((sender, gate): &Self::Weak) -> Option<Self> {
        Some(Self { sender: sender.upgrade()?, gate: Arc::clone(gate) })
    }
}

struct Inbox<T> {
    receiver: UnboundedReceiver<Message<T>>,
    gate: Arc<Gate>,
}

impl<T> Inbox<T> {
    async fn next(&mut self) -> Option<Message<T>> {
        let message = self.receiver.recv().await?;
        if matches!(message, Message::Row(_)) {
            self.gate.leave();
        }
        Some(message)
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        // Tasks that wait for room find the inbox closed.
        self.receiver.close();
        self.gate.close();
    }
}

struct Gather<T, D: Consumer<Batch<T>>> {
    work: Arc<BatchingTask<D>>,
    inbox: Inbox<T>,
    host: Host,
    lane: D::Lane,
    size: usize,
    within: Duration,
    rows: Vec<(Context, T)>,
    receipts: Vec<Receipt>,
    /// How many rows the last batch had.
    usual: usize,
    /// How many records each partition and generation has among the rows.
    held: HashMap<(u32, u32), usize, FixedState>,
}

impl<T: Send + 'static, D: Consumer<Batch<T>>> Gather<T, D> {
    fn new(work: &Arc<BatchingTask<D>>, inbox: Inbox<T>, host: Host) -> Self {
        let NodeKind::Batch { rows: size, within } = work.node.kind else {
            unreachable!("the node is made by `Stream::batch`")
        };
        let lane = work.next.open(&host);
        Self {
            work: Arc::clone(work),
            inbox,
            host,
            lane,
            size,
            within,
            rows: Vec::new(),
            receipts: Vec::new(),
            usual: 0,
            held: HashMap::default(),
        }
    }

    async fn run(mut self) {
        let mut flush = self.host.flush_signal();
        let shared = Arc::clone(self.host.shared());
        let mut timer = self.host.sleep(Duration::MAX);
        loop {
            let message = tokio::select! {
                biased;
                message = self.inbox.next() => message,
                // Nothing waits to be gathered and nothing more is expected.
                () = flush.is_due(), if !self.rows.is_empty() => {
                    self.emit().await;
                    continue;
                }
                () = &mut timer, if !self.rows.is_empty() => {
                    self.emit().await;
                    continue;
                }
                () = shared.starved.notified(), if !self.rows.is_empty() => {
                    // The next records of such a partition cannot come before these are done.
                    if self.receipts.iter().any(Receipt::is_starved) {
                        self.emit().await;
                    }
                    continue;
                }
            };
            match message {
                Some(Message::Row(row)) => {
                    if self.rows.is_empty() {
                        timer = self.host.sleep(self.within);
                    }
                    if self.add(row) {
                        self.emit().await;
                    }
                }
                Some(Message::Closed(slot, generation)) => {
                    if self.held.contains_key(&(slot, generation)) {
                        self.emit().await;
                    }
                }
                None => break,
            }
        }
        self.emit().await;
    }

    /// Adds a row; says whether the batch must leave.
    fn add(&mut self, row: Envelope<T>) -> bool {
        let Envelope { value, receipt, context } = row;
        if receipt.is_halted() {
            return false;
        }
        let mut full = self.rows.len() + 1 >= self.size;
        let in_flight = self.host.in_flight();
        receipt.each_home(&mut |home, _| {
            let held = self.held.entry((home.slot, home.generation)).or_default();
            *held += 1;
            full |= *held >= in_flight;
        });
        if self.rows.is_empty() {
            // Grown bit by bit they would be moved again and again.
            self.rows.reserve(self.usual);
            self.receipts.reserve(self.usual);
        }
        self.rows.push((context, value));
        self.receipts.push(receipt);
        full
    }

    async fn emit(&mut self) {
        self.held.clear();
        self.usual = self.rows.len();
        let list = mem::take(&mut self.rows);
        let receipts = mem::take(&mut self.receipts);
        let Some((rows, mut context)) = Batch::begin(list) else { return };
        // One of them is counted where they are carried on.
        self.host.counts().give(self.work.node.id, rows.len() as u64 - 1);
        let step = Step::Next(rows);
        let BatchingTask { node, next } = &*self.work;
        let receipt = Receipt::many(receipts);
        carry_on(&self.host, next, &mut self.lane, node.id, receipt, &mut context, step);
        next.room(&mut self.lane).await;
    }
}
