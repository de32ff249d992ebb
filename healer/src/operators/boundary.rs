//! Where records leave one thread for another: a queue, and a task that serves it.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::{
    context::{Context, Original},
    engine::{Host, Shared},
    envelope::{Claim, End, Outcome, Receipt, Visit},
    error::{Cause, Failure},
    operators::failing,
    stream::Consumer,
};

/// How many items a queue holds before those who give many must wait. Who passes on one item for one is bounded by the
/// records that a partition may have in flight.
const ROOM: usize = 64;

/// A value with what it owes.
pub struct Envelope<T> {
    pub(super) value: T,
    pub(super) receipt: Receipt,
    pub(super) context: Context,
}

impl<T> Envelope<T> {
    /// Takes the item of a visit along.
    pub(super) fn take(visit: &mut Visit<'_>, node: u32, needs: Needs, value: T) -> Self {
        let mut context = visit.context.keep(needs.whole);
        if let Some(record) = visit.record() {
            context.hash_key(record.key);
            if needs.original {
                context.keep_original(Original::of(record));
            }
        }
        Self { value, receipt: visit.take(node), context }
    }
}

/// What must come along with an item.
#[derive(Clone, Copy)]
pub(super) struct Needs {
    /// Somebody from here on reads key and headers.
    pub(super) whole: bool,
    /// The record may become a dead letter.
    pub(super) original: bool,
}

impl Needs {
    /// What nodes from `node` on need in a running pipeline.
    pub(super) fn new(whole: bool, host: &Host, node: u32) -> Self {
        Self { whole, original: host.nodes().keeps_originals(node) }
    }

    pub(super) const NOTHING: Self = Self { whole: false, original: false };
}

/// Counts what waits in a queue.
#[derive(Default)]
pub(super) struct Gate {
    length: AtomicUsize,
    freed: Notify,
}

impl Gate {
    pub(super) fn enter(&self) {
        self.length.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.length.fetch_sub(1, Ordering::Release);
        self.freed.notify_waiters();
    }

    /// The queue takes nothing more: nobody is to wait for it.
    pub(super) fn close(&self) {
        self.freed.notify_waiters();
    }

    /// Waits for room, or until the queue is closed.
    pub(super) async fn room(&self, is_closed: impl Fn() -> bool) {
        loop {
            let freed = self.freed.notified();
            if self.length.load(Ordering::Acquire) < ROOM || is_closed() {
                return;
            }
            freed.await;
        }
    }
}

/// The giving end of a boundary.
pub struct Queue<T> {
    sender: UnboundedSender<Envelope<T>>,
    gate: Arc<Gate>,
    needs: Needs,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), gate: Arc::clone(&self.gate), needs: self.needs }
    }
}

/// The taking end.
pub struct Inbox<T> {
    receiver: UnboundedReceiver<Envelope<T>>,
    gate: Arc<Gate>,
}

pub(super) fn queue<T>(needs: Needs) -> (Queue<T>, Inbox<T>) {
    let (sender, receiver) = unbounded_channel();
    let gate = Arc::new(Gate::default());
    (Queue { sender, gate: Arc::clone(&gate), needs }, Inbox { receiver, gate })
}

impl<T> Queue<T> {
    /// The item of a visit, as it is put in.
    pub(super) fn envelope(&self, visit: &mut Visit<'_>, node: u32, value: T) -> Envelope<T> {
        Envelope::take(visit, node, self.needs, value)
    }

    /// Puts the item of a visit in.
    pub(super) fn take(&self, visit: &mut Visit<'_>, node: u32, value: T) {
        self.put(self.envelope(visit, node, value));
    }

    /// Puts an item in. Where the task has ended its receipt is dropped, and so returned.
    pub(super) fn put(&self, item: Envelope<T>) {
        self.gate.enter();
        // An error gives the envelope back, whose drop returns what it owes.
        drop(self.sender.send(item));
    }

    pub(super) async fn room(&self) {
        self.gate.room(|| self.sender.is_closed()).await;
    }

    pub(super) fn downgrade(&self) -> WeakQueue<T> {
        WeakQueue { sender: self.sender.downgrade(), gate: Arc::clone(&self.gate), needs: self.needs }
    }
}

/// A queue that does not keep its task alive.
pub(super) struct WeakQueue<T> {
    sender: tokio::sync::mpsc::WeakUnboundedSender<Envelope<T>>,
    gate: Arc<Gate>,
    needs: Needs,
}

impl<T> WeakQueue<T> {
    pub(super) fn upgrade(&self) -> Option<Queue<T>> {
        Some(Queue { sender: self.sender.upgrade()?, gate: Arc::clone(&self.gate), needs: self.needs })
    }
}

impl<T> Inbox<T> {
    /// The next item; `None` when nobody can give one any more.
    pub(super) async fn next(&mut self) -> Option<Envelope<T>> {
        let item = self.receiver.recv().await?;
        self.gate.leave();
        Some(item)
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        // Whoever waits for room finds the queue closed.
        self.receiver.close();
        self.gate.close();
    }
}

/// What a boundary's task does.
pub trait Serve<T>: Send + Sync + 'static {
    /// What it remembers for a partition, with the lane below.
    type Lane: Send + 'static;

    /// Whether it, or a node below, reads key and headers.
    const READS: bool;

    /// The node's number.
    fn node(&self) -> u32;

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
        // A partition that has failed runs nothing any more: what waits is returned.
        if !item.receipt.is_halted() {
            serve.serve(lane, host, item).await;
        }
    }
}

/// A node whose items wait in a queue for its task, and what follows.
pub struct Boundary<S>(Arc<S>);

impl<S> Boundary<S> {
    pub(super) fn new(serve: S) -> Self {
        Self(Arc::new(serve))
    }
}

impl<T: Send + 'static, S: Serve<T>> Consumer<T> for Boundary<S> {
    type Lane = Queue<T>;
    const READS: bool = S::READS;
    const BOUNDED: bool = true;

    fn open(&self, host: &Host) -> Self::Lane {
        start(&self.0, host)
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        lane.take(visit, self.0.node(), item);
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        lane.room().await;
    }
}

/// Starts the task of a boundary. It ends when all givers are gone and the queue is empty, and then closes its own lane: so
/// a drain goes down the pipeline by itself.
pub(super) fn start<T: Send + 'static, S: Serve<T>>(serve: &Arc<S>, host: &Host) -> Queue<T> {
    let (queue, mut inbox) = queue(Needs::new(S::READS, host, serve.node()));
    let (serve, host_of_task) = (Arc::clone(serve), host.clone());
    let mut lane = serve.open(host);
    host.spawn(async move {
        serve.run(&mut lane, &host_of_task, &mut inbox).await;
    });
    queue
}

/// What became of an item at a node.
pub(super) enum Step<U> {
    Next(U),
    Ended(Outcome),
    Failed(Cause),
}

/// Carries an item on into the fused nodes below, and settles it where nobody took it.
pub(super) fn carry_on<U, D: Consumer<U>>(
    host: &Host,
    next: &D,
    lane: &mut D::Lane,
    node: u32,
    receipt: Receipt,
    context: &mut Context,
    step: Step<U>,
) {
    let mut visit = Visit::hosted(host, Claim::Held(receipt), context, node);
    let result = match step {
        Step::Next(value) => push_guarded(next, lane, &mut visit, value),
        Step::Ended(outcome) => {
            visit.end(outcome);
            Ok(())
        }
        Step::Failed(cause) => failing::fail(&mut visit, node, cause),
    };
    finish(host.shared(), visit, result);
}

/// Ends a visit in a task; a failure that nobody took care of is told.
pub(super) fn finish(shared: &Shared, visit: Visit<'_>, result: Result<(), Failure>) {
    if let End::Failed(failure, owed) = visit.finish(result) {
        // What goes wrong with records of others is theirs to find.
        if !owed.is_fenced() {
            shared.desk.fail(failure);
        }
    }
}

/// Pushes; a panic in a node below is its failure. Where a value goes several ways each is guarded, so that what becomes of
/// one leaves the others be.
#[inline]
pub(crate) fn push_guarded<U, D: Consumer<U>>(
    next: &D,
    lane: &mut D::Lane,
    visit: &mut Visit<'_>,
    value: U,
) -> Result<(), Failure> {
    // What nodes keep in lanes is whole at every call of a user's.
    match catch_unwind(AssertUnwindSafe(|| next.push(lane, visit, value))) {
        Ok(result) => result,
        Err(panic) => {
            let node = visit.node();
            failing::fail(visit, node, Cause::of_panic(&*panic))
        }
    }
}
