//! A whole chain: a stream that has been ended.

use std::{marker::PhantomData, sync::Arc};

use super::{Branch, Consumer, sealed::Sealed};
use crate::topology::Node;

/// A chain that settles the offset of every record which flows into it. Functions give it as `Healed<impl Chain>`.
///
/// ```
/// use healer::{Chain, Healed, Link, Stream, prelude::*};
///
/// fn saved(lengths: Stream<impl Link<Out = usize>>) -> Healed<impl Chain> {
///     lengths.then(kafka::to_json("lengths")).heal()
/// }
///
/// fn counted() -> Healed<impl Chain> {
///     saved(kafka::text("lines").stream("lines").map(|line: String| line.len()))
/// }
///
/// let app = App::new("count").chain(counted());
/// ```
#[must_use = "this chain is in no app: add it with `App::chain`"]
pub struct Healed<D> {
    pub(crate) chain: D,
    pub(crate) nodes: Vec<Arc<Node>>,
    /// The number of the source, port or branching that it begins with.
    pub(crate) start: u32,
}

/// The chain inside a [`Healed`].
///
/// Only healer's own types implement it.
pub trait Chain: Sealed {
    #[doc(hidden)]
    type In: Send + 'static;
    #[doc(hidden)]
    type Consumer: Consumer<Self::In>;
    #[doc(hidden)]
    fn into_consumer(self) -> Self::Consumer;
}

/// All nodes of a chain.
pub struct Nodes<I, D>(D, PhantomData<fn(I)>);

impl<I, D> Nodes<I, D> {
    pub(crate) fn new(consumer: D) -> Self {
        Self(consumer, PhantomData)
    }
}

impl<I, D> Sealed for Nodes<I, D> {}

impl<I: Send + 'static, D: Consumer<I>> Chain for Nodes<I, D> {
    type In = I;
    type Consumer = D;

    fn into_consumer(self) -> D {
        self.0
    }
}

impl<D> Sealed for Healed<D> {}

#[diagnostic::do_not_recommend]
impl<D: Chain> Branch for Healed<D> {
    type Chain = D;

    fn finish(self) -> Self {
        self
    }
}
