//! Where records leave one thread for another: a queue, and a task that serves it.

use std::{future::Future, sync::Arc};

pub(super) use super::{
    queue::{Carry, Gate},
    serve::{ServeOne, one_by_one, start, start_with},
    step::{Step, finish},
};
pub use super::{
    queue::{Envelope, Inbox, Queue},
    serve::Serve,
};
use crate::{
    chain::{Below, Consumer},
    context::Context,
    envelope::{Outcome, Receipt},
    error::{Cause, Failure, catch},
    lane::{Host, LaneScope, Obligation, Visit},
    observe,
    operators::failing,
};

/// A node whose items wait in a queue for its task, and the nodes below it.
pub struct Boundary<S> {
    node: u32,
    serve: Arc<S>,
}

impl<S> Boundary<S> {
    pub(super) fn new(node: u32, serve: S) -> Self {
        Self { node, serve: Arc::new(serve) }
    }
}

impl<T: Send + 'static, S: Serve<T>> Consumer<T> for Boundary<S> {
    type Lane = Queue<T>;

    #[inline]
    fn below(&self) -> Below {
        Below::queue::<T>(self.serve.below().reads)
    }

    fn open(&self, host: &Host) -> Self::Lane {
        match S::SCOPE {
            LaneScope::Partition => start(&self.serve, host, self.node),
            wide => host.lane(self.node, wide, |host| start(&self.serve, host, self.node)),
        }
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter_with(self.node, S::records(&item));
        lane.take(visit, self.node, item);
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        lane.room().await;
    }
}

/// Carries an item on, and waits until the nodes below have room again.
#[inline]
pub(super) fn pass_on<'l, U, D: Consumer<U>>(
    host: &Host,
    next: &'l D,
    lane: &'l mut D::Lane,
    node: u32,
    receipt: Receipt,
    context: &mut Context,
    step: Step<U>,
) -> impl Future<Output = ()> + Send + use<'l, U, D> {
    carry_on(host, next, lane, node, receipt, context, step);
    next.room(lane)
}

/// Carries an item on into the fused nodes below, and settles it where nobody took it. It counts as one record that its node
/// passed on.
pub(super) fn carry_on<U, D: Consumer<U>>(
    host: &Host,
    next: &D,
    lane: &mut D::Lane,
    node: u32,
    receipt: Receipt,
    context: &mut Context,
    step: Step<U>,
) {
    let _inside = observe::enter(context.here(), node);
    let mut visit = Visit::hosted(host, Obligation::Held(receipt), context, node);
    let result = match step {
        Step::Next(value) => {
            visit.give();
            push_guarded(next, lane, &mut visit, value)
        }
        Step::Ended(Outcome::Skipped(reason)) => {
            visit.skip(reason);
            Ok(())
        }
        Step::Ended(outcome) => {
            visit.end(outcome);
            Ok(())
        }
        Step::Failed(cause) => failing::fail(&mut visit, node, cause),
    };
    finish(host.shared(), visit, result);
}

/// Pushes a value; a panic in a node below is that node's failure. Where a value goes several ways, each push is guarded by
/// itself, so that a panic in one way leaves the others alone.
#[inline]
pub(crate) fn push_guarded<U, D: Consumer<U>>(
    next: &D,
    lane: &mut D::Lane,
    visit: &mut Visit<'_>,
    value: U,
) -> Result<(), Failure> {
    // The state that nodes keep in lanes is whole at every call of a user's function.
    match catch(|| next.push(lane, visit, value)) {
        Ok(result) => result,
        Err(panicked) => {
            let node = visit.node();
            failing::fail(visit, node, Cause::Panic(panicked))
        }
    }
}
