//! Stages that give many values for one, pulled one by one so that the rest waits while the next node is full.
//!
//! A future is used as a generator: the user's iterator lives in it, beside the data that it borrows, and rests there between two
//! values. Where nothing below can be full it runs to its end on the spot.

use std::{
    any::type_name,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context as TaskContext, Poll, Waker},
};

use super::{Kind, Reporting, Stage, StageLane, StageNode};
use crate::{
    chain::{Below, Consumer},
    context::Context,
    envelope::Outcome,
    error::{BoxError, Cause, Failure},
    lane::{Host, Obligation, Visit},
    operators::{
        boundary::{self, Envelope, Inbox, Queue, Serve, ServeOne, Step},
        failing,
    },
    topology::{Node, NodeKind},
    unfinished,
};

/// How many values a task gives between two rests.
const BREATH: u64 = 64;

/// Where a flat stage puts its values.
pub struct Outlet<U> {
    slot: Mutex<Option<U>>,
}

impl<U: Send> Outlet<U> {
    const fn new() -> Self {
        Self { slot: Mutex::new(None) }
    }

    /// Gives one value and rests until it was taken and the next node has room.
    pub async fn give(&self, value: U) {
        let mut value = Some(value);
        poll_fn(|_| {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            // Another value waits there only if calls overlap, which the macro's never do.
            if slot.is_none() && value.is_none() {
                return Poll::Ready(());
            }
            if slot.is_none() {
                *slot = value.take();
            }
            Poll::Pending
        })
        .await;
    }

    fn is_full(&self) -> bool {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&self) -> Option<U> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A function that gives any number of values.
pub trait FlatStage: Stage {
    /// Whether the function is `async`: then it never runs on the poll thread.
    const ASYNC: bool;

    /// The name of the type whose items flow on.
    fn list() -> &'static str;

    /// Calls the user's function and gives each item to the outlet.
    fn call<'a>(
        input: Self::In,
        context: &'a Context,
        need: &'a Self::Need,
        outlet: &'a Outlet<Self::Out>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send + 'a;
}

/// The name of the type of the list that a call would give. Nothing is called: only the compiler has to know the type, and it knows
/// also the type behind an `impl IntoIterator`.
pub fn name_of_list<A, L, F: Future<Output = Option<L>>>(_: impl FnOnce(A) -> F) -> &'static str {
    type_name::<L>()
}

/// Runs where the item is if nothing below can be full, else in a task of the partition.
pub struct FlatKind;

impl<S: FlatStage> Kind<S> for FlatKind {
    type Node<D: Consumer<S::Out>> = FlatNode<S, D>;

    fn kind() -> NodeKind {
        NodeKind::Flat
    }

    fn fault() -> Option<String> {
        unfinished::list_fault(S::list())
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        FlatNode(Arc::new(FlatTask(StageNode::new(node, next))))
    }
}

/// A flat stage and the nodes below it.
pub struct FlatNode<S, D>(Arc<FlatTask<S, D>>);

struct FlatTask<S, D>(StageNode<S, D>);

/// A flat stage's lane: below, or behind a queue.
pub enum FlatLane<N, L, T> {
    /// Nothing below can be full.
    Fused(StageLane<N, L>),
    /// A task pulls.
    Queued(Queue<T>),
}

impl<S: FlatStage, D: Consumer<S::Out>> Consumer<S::In> for FlatNode<S, D> {
    type Lane = FlatLane<S::Need, D::Lane, S::In>;

    fn below(&self) -> Below {
        let below = Serve::below(&*self.0);
        if below.bounded || S::ASYNC { Below::queue::<S::In>(below.reads) } else { below }
    }

    fn open(&self, host: &Host) -> Self::Lane {
        if self.below().bounded {
            FlatLane::Queued(boundary::start(&self.0, host, self.0.0.node.id))
        } else {
            FlatLane::Fused(Serve::open(&*self.0, host))
        }
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: S::In) -> Result<(), Failure> {
        visit.enter(self.0.0.node.id);
        match lane {
            FlatLane::Queued(queue) => {
                queue.take(visit, self.0.0.node.id, item);
                Ok(())
            }
            FlatLane::Fused(lane) => self.0.pull_all(lane, visit, item),
        }
    }

    async fn room(&self, lane: &mut Self::Lane) {
        if let FlatLane::Queued(queue) = lane {
            queue.room().await;
        }
    }
}

impl<S: FlatStage, D: Consumer<S::Out>> FlatTask<S, D> {
    /// Runs the iterator to its end: its future is never pending but for a value to take.
    fn pull_all(
        &self,
        lane: &mut StageLane<S::Need, D::Lane>,
        visit: &mut Visit<'_>,
        item: S::In,
    ) -> Result<(), Failure> {
        let StageNode { node, reason, next, .. } = &self.0;
        if let Some(host) = visit.host {
            self.0.looks_at_input(host, visit.context, &item);
        }
        // The visit lends its context to the nodes below meanwhile.
        let mut context = visit.context.keep(S::CONTEXT);
        if S::CONTEXT {
            context.enter(&node.path);
        }
        if let Some(host) = visit.host {
            StageNode::<S, D>::expects_report(host, &mut context);
        }
        let outlet = Outlet::new();
        let mut span = context.call(&node.path);
        let mut call = pin!(S::call(item, &context, &lane.need, &outlet));
        let mut task = TaskContext::from_waker(Waker::noop());
        let mut values = 0_u64;
        span.begin();
        loop {
            span.resume();
            let done = call.as_mut().poll(&mut task);
            span.pause();
            while let Some(value) = outlet.take() {
                values += 1;
                visit.give();
                let pushed = visit.shared(|visit| boundary::push_guarded(next, &mut lane.next, visit, value));
                if pushed.is_err() {
                    // A node below failed, not this one.
                    span.end(Ok(true));
                }
                pushed?;
                visit.at(node.id);
            }
            match done {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => {
                    span.end(Ok(values > 0));
                    if let (Reporting::All, Some(host)) = (S::REPORT, visit.host) {
                        failing::report_finished(host, node.id, &context);
                    }
                    if values == 0 {
                        visit.skip(*reason);
                    }
                    return Ok(());
                }
                Poll::Ready(Err(error)) => {
                    span.end(Err(&error));
                    visit.context.share_notes(&context);
                    return failing::fail(visit, node.id, Cause::Stage(error));
                }
            }
        }
    }
}

impl<S: FlatStage, D: Consumer<S::Out>> Serve<S::In> for FlatTask<S, D> {
    type Lane = StageLane<S::Need, D::Lane>;

    fn below(&self) -> Below {
        // Its iterator is held as well.
        self.0.next.below().read_if(S::CONTEXT).holding::<(S::In, S::Out)>().holding::<(S::In, S::Out)>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: host.need(), next: self.0.next.open(host) }
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<S::In>) {
        boundary::one_by_one(self, lane, host, inbox).await;
    }
}

impl<S: FlatStage, D: Consumer<S::Out>> ServeOne<S::In> for FlatTask<S, D> {
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value, receipt, mut context } = item;
        let StageNode { node, reason, next, .. } = &self.0;
        if S::CONTEXT {
            context.enter(&node.path);
        }
        StageNode::<S, D>::expects_report(host, &mut context);
        self.0.looks_at_call(host, &mut context, &value);
        let reads = next.below().reads;
        let outlet = Outlet::new();
        let (here, mut span) = (context.here(), context.call(&node.path));
        let call = S::call(value, &context, &lane.need, &outlet);
        let mut call = pin!(super::guarded(call, here, node.id));
        // Each value owes a share; this one is kept until the iterator has ended, and a cancelled call returns it. Of a batch each value
        // may be made of all rows, so a share owes all of them.
        let whole = receipt.into_whole_shares();
        let mut values = 0_u64;
        span.begin();
        let result = loop {
            span.resume();
            // Ends with a value to pass on, or with the call.
            let done = poll_fn(|task| match call.as_mut().poll(task) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if outlet.is_full() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await;
            span.pause();
            while let Some(value) = outlet.take() {
                values += 1;
                let mut context = context.keep(reads);
                let step = Step::Next(value);
                boundary::carry_on(host, next, &mut lane.next, node.id, whole.share(), &mut context, step);
                next.room(&mut lane.next).await;
                if values.is_multiple_of(BREATH) {
                    // Room alone never makes the task wait, and one that never waits can't be cancelled.
                    tokio::task::yield_now().await;
                }
            }
            match done {
                // A child failed, or the partition is gone: an endless iterator would go on for ever.
                None if whole.is_halted() => return,
                None => {}
                Some(Ok(Ok(()))) => break Ok(()),
                Some(Ok(Err(error))) => break Err(Cause::Stage(error)),
                Some(Err(panic)) => break Err(panic),
            }
        };
        span.end(result.as_ref().map(|()| values > 0).map_err(|cause: &Cause| cause as &dyn fmt::Display));
        if S::REPORT == Reporting::All && result.is_ok() {
            failing::report_finished(host, node.id, &context);
        }
        match result {
            Ok(()) if values == 0 => {
                host.counts().skip(node.id, *reason);
                whole.end(Some(Outcome::Skipped(*reason)));
            }
            Ok(()) => whole.end(None),
            Err(cause) => {
                let mut context = context.keep(true);
                let mut visit = Visit::hosted(host, Obligation::Split(whole), &mut context, node.id);
                let result = failing::fail(&mut visit, node.id, cause);
                boundary::finish(host.shared(), visit, result);
            }
        }
    }
}
