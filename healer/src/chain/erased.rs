//! Both halves of a cut: a chain above that has forgotten its type, and one below that is reached by a dynamic call.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};

use super::{Below, Consumer, Link, sealed::Sealed};
use crate::{
    error::Failure,
    lane::{Host, Visit, stack::with_stack},
    topology::Plan,
};

/// The stack that it takes to build, or to open, the nodes between two cuts.
const TO_BUILD: usize = 64 * 1024;

/// A chain above a cut.
pub struct Cut<I, O>(Box<dyn Above<I, O>>);

impl<I, O> Sealed for Cut<I, O> {}

trait Above<I, O>: Send {
    fn attach_erased(self: Box<Self>, plan: &Plan, next: Erased<O>) -> Erased<I>;
}

impl<C: Link> Above<C::In, C::Out> for C {
    fn attach_erased(self: Box<Self>, plan: &Plan, next: Erased<C::Out>) -> Erased<C::In> {
        self.attach(plan, next).erase()
    }
}

impl<I, O> Cut<I, O> {
    pub(super) fn new<C: Link<In = I, Out = O>>(chain: C) -> Self {
        Self(Box::new(chain))
    }

    pub(super) fn attach_erased(self, plan: &Plan, next: Erased<O>) -> Erased<I> {
        with_stack(TO_BUILD, || self.0.attach_erased(plan, next))
    }
}

/// A consumer that has forgotten its type: one dynamic call an item.
pub struct Erased<T> {
    chain: Arc<dyn Opens<T>>,
    below: Below,
}

impl<T: Send + 'static> Erased<T> {
    pub(super) fn new(chain: impl Consumer<T>) -> Self {
        let below = chain.below();
        Self { chain: Arc::new(chain), below }
    }
}

trait Opens<T>: Send + Sync {
    fn open_erased(self: Arc<Self>, host: &Host) -> Box<dyn Lane<T>>;
}

impl<T: Send + 'static, D: Consumer<T>> Opens<T> for D {
    fn open_erased(self: Arc<Self>, host: &Host) -> Box<dyn Lane<T>> {
        Box::new(LaneOf { lane: self.open(host), chain: self })
    }
}

/// A lane that has forgotten its type. It owns its nodes as well, so that nobody has to know that the two belong together.
pub trait Lane<T>: Send {
    #[doc(hidden)]
    fn push(&mut self, visit: &mut Visit<'_>, item: T) -> Result<(), Failure>;
    #[doc(hidden)]
    fn has_room(&mut self) -> bool;
    #[doc(hidden)]
    fn room(&mut self) -> BoxFuture<'_, ()>;
}

struct LaneOf<D, L> {
    chain: Arc<D>,
    lane: L,
}

impl<T: Send + 'static, D: Consumer<T>> Lane<T> for LaneOf<D, D::Lane> {
    fn push(&mut self, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        self.chain.push(&mut self.lane, visit, item)
    }

    fn has_room(&mut self) -> bool {
        self.chain.room(&mut self.lane).now_or_never().is_some()
    }

    fn room(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.chain.room(&mut self.lane))
    }
}

impl<T: Send + 'static> Consumer<T> for Erased<T> {
    type Lane = Box<dyn Lane<T>>;

    #[inline]
    fn below(&self) -> Below {
        self.below
    }

    fn open(&self, host: &Host) -> Self::Lane {
        with_stack(TO_BUILD, || Arc::clone(&self.chain).open_erased(host))
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        lane.push(visit, item)
    }

    async fn room(&self, lane: &mut Self::Lane) {
        // A future of unknown type needs a box: it is made for those alone that have to wait.
        if self.below.bounded && !lane.has_room() {
            lane.room().await;
        }
    }

    fn erase(self) -> Self {
        self
    }
}
