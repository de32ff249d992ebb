//! Synchronous stages that are tried again. The first attempt runs where the item is, fused. An item that has to pause leaves for a
//! task. On the poll thread its partition rests until the task is done with it; in a task the items behind it follow, in order.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{FutureExt as _, lock::Mutex};

use super::{
    AgainStage, Blocking, CallPermit, Called, Kind, StageNode, Verdict, call::try_again, verdict::ended,
};
use crate::{
    chain::{Below, Consumer},
    envelope::Hold,
    error::{Cause, Failure, catch, discard},
    lane::{Host, Visit},
    operators::{
        boundary::{self, Carry, Envelope, Inbox, Queue, Serve},
        failing,
    },
    topology::{Node, NodeKind, Runs},
};

/// Runs on the thread that the item is on, as long as it succeeds.
pub struct RetryingKind;

impl<S: AgainStage<In: Sync>> Kind<S> for RetryingKind {
    type Node<D: Consumer<S::Out>> = Retrying<S, D>;

    fn kind() -> NodeKind {
        NodeKind::Stage { runs: Runs::Fused, parallel: None }
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Retrying(Arc::new(StageNode::new(node, next)))
    }
}

/// A synchronous stage with attempts, and the nodes below it.
pub struct Retrying<S, D>(Arc<StageNode<S, D>>);

/// An item for the task.
struct Item<T> {
    value: T,
    /// The result of the first attempt, if it was made.
    first: Option<Result<Verdict<()>, Cause>>,
    /// Lets the partition rest meanwhile, if the item comes from the poll thread.
    held: Option<Hold>,
}

/// The state that a lane and its task share.
struct Shared<N, L> {
    need: Arc<N>,
    /// With the task while there is something there, else with the lane: never fought over.
    below: Mutex<L>,
    /// How many items are with the task.
    away: AtomicUsize,
}

/// A lane of such a stage.
pub struct RetryingLane<N, L, T> {
    shared: Arc<Shared<N, L>>,
    queue: Queue<Item<T>>,
}

impl<S: AgainStage<In: Sync>, D: Consumer<S::Out>> Consumer<S::In> for Retrying<S, D> {
    type Lane = RetryingLane<S::Need, D::Lane, S::In>;

    fn below(&self) -> Below {
        Serve::below(&*self.0)
    }

    fn open(&self, host: &Host) -> Self::Lane {
        let shared = Serve::open(&*self.0, host);
        let needs = Carry::new(self.below().reads, host, self.0.node.id);
        let queue = boundary::start_with(&self.0, Arc::clone(&shared), host, needs);
        RetryingLane { shared, queue }
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: S::In) -> Result<(), Failure> {
        let StageNode { node, next, .. } = &*self.0;
        visit.enter(node.id);
        // Only this lane gives the task something, so there is nothing on its way where there is nothing left.
        if lane.shared.away.load(Ordering::Acquire) > 0 {
            lane.leave(visit, node.id, item, None);
            return Ok(());
        }
        if S::CONTEXT {
            visit.context.enter(&node.path);
        }
        if let Some(host) = visit.host {
            StageNode::<S, D>::expects_report(host, visit.context);
        }
        let watched = visit.host.filter(|_| visit.context.watch().is_any());
        if let Some(host) = watched {
            self.0.watch_input(host, visit.context, &item);
        }
        let mut span = visit.context.call(&node.path);
        span.begin();
        let began = watched.map(Host::now);
        let call = || S::again(&item, visit.context, &lane.shared.need).now_or_never();
        let called = catch(call);
        if let (Some(host), Some(began)) = (watched, began) {
            self.0.watch_end(host, visit.context, began);
        }
        let called = match called {
            Ok(Some(verdict)) => Ok(verdict),
            // The macro's future of a synchronous function never waits.
            Ok(None) => Err(Cause::Lost),
            Err(panicked) => Err(Cause::Panic(panicked)),
        };
        span.end(ended(&called));
        let first = match called {
            Ok(Verdict::Next(value)) => {
                if let Some(host) = watched {
                    self.0.watch_output(host, visit.context, &value);
                }
                if let Some(host) = visit.host {
                    self.0.reports_success(host, visit.context);
                }
                visit.give();
                let below = lane.shared.below.try_lock();
                let mut below = below.expect("the task holds it only while something is away");
                return next.push(&mut below, visit, value);
            }
            Ok(Verdict::Skip) => {
                visit.skip(self.0.reason);
                return Ok(());
            }
            Ok(Verdict::Fatal(error)) => return failing::fail(visit, node.id, Cause::Stage(error)),
            Ok(Verdict::Fail(error)) => Ok(Verdict::Fail(error)),
            Err(cause) => Err(cause),
        };
        lane.leave(visit, node.id, item, Some(first));
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        if lane.shared.away.load(Ordering::Acquire) > 0 {
            lane.queue.room().await;
        } else {
            self.0.next.room(&mut *lane.shared.below.lock().await).await;
        }
    }
}

impl<N, L, T> RetryingLane<N, L, T> {
    #[cold]
    fn leave(&self, visit: &mut Visit<'_>, node: u32, value: T, first: Option<Result<Verdict<()>, Cause>>) {
        self.shared.away.fetch_add(1, Ordering::Relaxed);
        let is_fresh = visit.record().is_some();
        let mut item = self.queue.envelope(visit, node, Item { value, first, held: None });
        item.value.held = is_fresh.then(|| item.receipt.hold());
        self.queue.put(item);
    }
}

/// The task, which works on the items that have left the lane.
impl<S: AgainStage<In: Sync>, D: Consumer<S::Out>> Serve<Item<S::In>> for StageNode<S, D> {
    type Lane = Arc<Shared<S::Need, D::Lane>>;

    fn below(&self) -> Below {
        let below = self.next.below().read_if(S::CONTEXT);
        below.and(Below::queue::<S::In>(false)).holding::<(S::In, S::Out)>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        let (need, below) = (Arc::new(host.need()), Mutex::new(self.next.open(host)));
        Arc::new(Shared { need, below, away: AtomicUsize::new(0) })
    }

    async fn run(&self, shared: &mut Self::Lane, host: &Host, inbox: &mut Inbox<Item<S::In>>) {
        while let Some(mut item) = inbox.next().await {
            let held = item.value.held.take();
            // A partition that has failed runs nothing any more: waiting items are returned.
            if !item.receipt.is_halted() {
                self.catch_up(shared, host, item).await;
            }
            shared.away.fetch_sub(1, Ordering::Release);
            // Last, so that the next record finds the lane at home.
            drop(held);
        }
    }
}

impl<S: AgainStage<In: Sync>, D: Consumer<S::Out>> StageNode<S, D> {
    async fn catch_up(&self, shared: &Shared<S::Need, D::Lane>, host: &Host, item: Envelope<Item<S::In>>) {
        let Envelope { value: Item { value, first, .. }, receipt, mut context } = item;
        if S::CONTEXT {
            context.enter(&self.node.path);
        }
        Self::expects_report(host, &mut context);
        if first.is_none() {
            self.looks_at_call(host, &mut context, &value);
        }
        let mut pauses = None;
        if let Some(first) = first {
            let pause = self.pause(host, &first, &mut context, &mut pauses);
            discard(first);
            if let Some(pause) = pause {
                host.sleep(pause).await;
            }
        }
        let (need, permit) = (&shared.need, CallPermit::FREE);
        let Called(result) =
            try_again::<S, Blocking, D>(host, self, permit, need, value, &mut context, pauses).await;
        self.looks_at_output(host, &context, &result);
        self.reports_end(host, &mut context, &result);
        let step = self.step(host, result, &receipt, &mut context).await;
        let mut below = shared.below.lock().await;
        boundary::pass_on(host, &self.next, &mut *below, self.node.id, receipt, &mut context, step).await;
    }
}
