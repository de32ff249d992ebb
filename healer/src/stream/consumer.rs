//! A node with everything below it, as the engine runs it.

use std::{any::Any, future::Future, marker::PhantomData};

use crate::{engine::Host, envelope::Visit, error::Failure};

/// What a source's chain starts from: the bytes are in the visit, lent by the broker.
#[derive(Clone, Copy, Debug)]
pub struct Raw;

/// A node and all nodes below it. Immutable and shared; what it remembers lives in its lane.
///
/// Only healer's own nodes are consumers: whoever ends a visit decides about an offset.
pub trait Consumer<T>: Send + Sync + 'static {
    /// What the nodes of this segment remember for one partition (below a node that mixes partitions: for the pipeline).
    type Lane: Send + 'static;

    /// Whether a node here or below reads key and headers, so that they must cross boundaries.
    const READS: bool;

    /// Whether a push may end in a queue, so that who gives many items must wait for room.
    const BOUNDED: bool;

    /// Makes the lane of a partition; boundaries start their tasks.
    fn open(&self, host: &Host) -> Self::Lane;

    /// Runs the nodes down to the next boundaries.
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure>;

    /// Waits until the queues that a push can reach have room.
    fn room<'a>(&'a self, lane: &'a mut Self::Lane) -> impl Future<Output = ()> + Send + 'a;
}

/// A consumer behind the check that `then` made: its input type is known to be equal, the compiler just cannot see it.
pub struct Checked<N, I>(pub(crate) N, pub(crate) PhantomData<fn(I)>);

impl<X, I, N> Consumer<X> for Checked<N, I>
where
    X: Send + 'static,
    I: Send + 'static,
    N: Consumer<I>,
{
    type Lane = N::Lane;
    const READS: bool = N::READS;
    const BOUNDED: bool = N::BOUNDED;

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
        .expect("`Accepts<T>` is implemented for the input type only")
}
