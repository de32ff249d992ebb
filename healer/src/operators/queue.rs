//! The queue of a boundary, and its items: values with their receipts.

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel},
};

use crate::{
    context::{Context, Original},
    envelope::Receipt,
    lane::{Host, SharedLane, Visit},
};

/// How many items a queue holds before nodes that give many items for one must wait. A node that gives one item for one is
/// bounded by the records that a partition may have in flight.
const ROOM: usize = 64;

/// A value with its receipt and its context.
pub struct Envelope<T> {
    pub(super) value: T,
    pub(super) receipt: Receipt,
    pub(super) context: Context,
}

impl<T> Envelope<T> {
    /// Takes the item of a visit along.
    pub(super) fn take(visit: &mut Visit<'_>, node: u32, carry: Carry, value: T) -> Self {
        let mut context = visit.context.keep(carry.whole);
        let mut beside = 0;
        if let Some(record) = visit.record() {
            beside = context.headers().bytes();
            context.hash_key(record.key);
            if carry.original {
                let original = Original::of(record);
                beside += original.headers.bytes();
                context.keep_original(original);
            }
        }
        Self { value, receipt: visit.take_with(node, beside), context }
    }
}

/// The parts of the record that must come along with an item.
#[derive(Clone, Copy)]
pub(super) struct Carry {
    /// Somebody from here on reads key and headers.
    pub(super) whole: bool,
    /// The record may become a dead letter.
    pub(super) original: bool,
}

impl Carry {
    /// The needs of `node` and the nodes below it in a running pipeline.
    pub(super) fn new(whole: bool, host: &Host, node: u32) -> Self {
        Self { whole, original: host.nodes().keeps_originals(node) }
    }

    pub(super) const NOTHING: Self = Self { whole: false, original: false };
}

/// Counts the items that wait in a queue.
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
    carry: Carry,
}

/// The taking end.
pub struct Inbox<T> {
    receiver: UnboundedReceiver<Envelope<T>>,
    gate: Arc<Gate>,
}

pub(super) fn queue<T>(carry: Carry) -> (Queue<T>, Inbox<T>) {
    let (sender, receiver) = unbounded_channel();
    let gate = Arc::new(Gate::default());
    (Queue { sender, gate: Arc::clone(&gate), carry }, Inbox { receiver, gate })
}

impl<T> Queue<T> {
    /// The item of a visit, as it is put in.
    pub(super) fn envelope(&self, visit: &mut Visit<'_>, node: u32, value: T) -> Envelope<T> {
        Envelope::take(visit, node, self.carry, value)
    }

    /// Puts the item of a visit in.
    pub(super) fn take(&self, visit: &mut Visit<'_>, node: u32, value: T) {
        self.put(self.envelope(visit, node, value));
    }

    /// Puts an item in. Where the task has ended its receipt is dropped, and so returned.
    pub(super) fn put(&self, item: Envelope<T>) {
        self.gate.enter();
        // An error gives the envelope back. Dropping it returns its receipt.
        drop(self.sender.send(item));
    }

    pub(super) async fn room(&self) {
        self.gate.room(|| self.sender.is_closed()).await;
    }
}

/// A queue that does not keep its task alive.
pub struct WeakQueue<T> {
    sender: WeakUnboundedSender<Envelope<T>>,
    gate: Arc<Gate>,
    carry: Carry,
}

impl<T: Send + 'static> SharedLane for Queue<T> {
    type Weak = WeakQueue<T>;

    fn downgrade(&self) -> WeakQueue<T> {
        WeakQueue { sender: self.sender.downgrade(), gate: Arc::clone(&self.gate), carry: self.carry }
    }

    fn upgrade(WeakQueue { sender, gate, carry }: &WeakQueue<T>) -> Option<Self> {
        Some(Self { sender: sender.upgrade()?, gate: Arc::clone(gate), carry: *carry })
    }
}

impl<T> Inbox<T> {
    /// The next item; `None` when nobody can give one any more. Not an `async fn`: that moves an item once more for each `await`.
    pub(super) fn next(&mut self) -> impl Future<Output = Option<Envelope<T>>> + Send
    where
        T: Send,
    {
        poll_fn(|task| {
            let item = self.receiver.poll_recv(task);
            if let Poll::Ready(Some(_)) = item {
                self.gate.leave();
            }
            item
        })
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        // Tasks that wait for room find the queue closed.
        self.receiver.close();
        self.gate.close();
    }
}

#[cfg(test)]
mod tests {
    use super::Envelope;

    #[test]
    fn an_envelope_stays_small() {
        let size = size_of::<Envelope<u64>>();
        assert!(size <= 200, "{size}");
    }
}
