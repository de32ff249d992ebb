//! A node with everything below it, as the engine runs it.

use std::{any::Any, future::Future, marker::PhantomData};

use super::Erased;
use crate::{
    error::Failure,
    lane::{Host, Visit, stack},
};

/// The input of a source's chain: the bytes are in the visit, lent by the broker.
#[derive(Clone, Copy, Debug)]
pub struct Raw;

/// A node and all nodes below it. Immutable and shared; its state lives in its lane.
///
/// Only healer's own nodes are consumers: a node that ends a visit decides about an offset.
pub trait Consumer<T>: Send + Sync + 'static {
    /// The state of this segment's nodes for one partition (below a node that mixes partitions: for the pipeline).
    type Lane: Send + 'static;

    /// The needs of this node and all nodes below it, for the nodes above. Constant where nothing is erased.
    fn below(&self) -> Below;

    /// Makes the lane of a partition; boundaries start their tasks.
    fn open(&self, host: &Host) -> Self::Lane;

    /// Runs the nodes down to the next boundaries.
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure>;

    /// Waits until the queues that a push can reach have room.
    fn room<'a>(&'a self, lane: &'a mut Self::Lane) -> impl Future<Output = ()> + Send + 'a;

    /// Forgets the type.
    fn erase(self) -> Erased<T>
    where
        Self: Sized,
        T: Send + 'static,
    {
        Erased::new(self)
    }
}

/// The needs of a node and all nodes below it.
#[derive(Clone, Copy, Debug)]
pub struct Below {
    /// Whether somebody reads key and headers, so that they must cross boundaries.
    pub(crate) reads: bool,
    /// Whether a push may end in a queue, so that a node that gives many items must wait for room.
    pub(crate) bounded: bool,
    /// The stack that a push takes, in bytes.
    pub(crate) stack: usize,
}

impl Below {
    /// Nothing comes any more.
    pub(crate) const END: Self = Self { reads: false, bounded: false, stack: 0 };

    /// A queue of `T`s, which pass through many hands into it; the nodes behind it have a stack of their own.
    #[inline]
    pub(crate) const fn queue<T>(reads: bool) -> Self {
        Self { reads, bounded: true, stack: stack::of::<[T; 3]>() }
    }

    /// Below a node that holds a `V` meanwhile.
    #[inline]
    pub(crate) const fn holding<V>(self) -> Self {
        Self { stack: self.stack.saturating_add(stack::of::<V>()), ..self }
    }

    /// Below a node that reads key and headers.
    #[inline]
    pub(crate) const fn read_if(self, reads: bool) -> Self {
        Self { reads: self.reads || reads, ..self }
    }

    /// One way and another, one after the other.
    #[inline]
    pub(crate) const fn and(self, other: Self) -> Self {
        let stack = if self.stack > other.stack { self.stack } else { other.stack };
        Self { reads: self.reads || other.reads, bounded: self.bounded || other.bounded, stack }
    }
}

/// A consumer behind a check: its input type is known to be equal, the compiler just cannot see it. `then` has checked a stage's
/// input, `Stream::branch` where a branch begins, and `App::build` where a chain does.
pub struct Checked<N, I>(N, PhantomData<fn(I)>);

impl<N, I> Checked<N, I> {
    pub(crate) fn new(consumer: N) -> Self {
        Self(consumer, PhantomData)
    }
}

impl<X, I, N> Consumer<X> for Checked<N, I>
where
    X: Send + 'static,
    I: Send + 'static,
    N: Consumer<I>,
{
    type Lane = N::Lane;

    #[inline]
    fn below(&self) -> Below {
        self.0.below().holding::<X>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        self.0.open(host)
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: X) -> Result<(), Failure> {
        self.0.push(lane, visit, same(item))
    }

    fn room<'a>(&'a self, lane: &'a mut Self::Lane) -> impl Future<Output = ()> + Send + 'a {
        self.0.room(lane)
    }
}

/// Nothing once compiled: `A` is `B`, as the one impl of `Accepts` for the node says.
#[inline]
fn same<A: 'static, B: 'static>(item: A) -> B {
    let mut slot = Some(item);
    (&mut slot as &mut dyn Any)
        .downcast_mut::<Option<B>>()
        .and_then(Option::take)
        .expect("what takes another type was refused")
}
