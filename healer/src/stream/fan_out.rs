//! One stream, several ways.

use std::sync::Arc;

use super::{Branch, Consumer, Link, Start, Stream};
use crate::{engine::Host, envelope::Visit, error::Failure, operators::push_guarded, topology::Node};

/// A stream that goes several ways; made by [`Stream::fan_out`].
#[must_use = "this chain is in no app: add it with `App::add`"]
pub struct FanOut<C: Link, B> {
    pub(super) before: Stream<C>,
    pub(super) branches: B,
    // `fan_out` alone asks for `Clone` and keeps the proof: a bound on `and` as well would say one fault twice.
    pub(super) duplicate: fn(&C::Out) -> C::Out,
}

impl<C: Link, A: Consumer<C::Out>> FanOut<C, A> {
    /// Adds one more way.
    pub fn and<B, F>(mut self, branch: F) -> FanOut<C, Both<C::Out, A, B::Consumer>>
    where
        B: Branch<C::Out>,
        F: FnOnce(Stream<Start<C::Out>>) -> B,
    {
        let second = self.before.branch(branch);
        let branches = Both { first: self.branches, second, duplicate: self.duplicate };
        FanOut { before: self.before, branches, duplicate: self.duplicate }
    }
}

#[diagnostic::do_not_recommend]
impl<C: Link, A: Consumer<C::Out>> Branch<C::In> for FanOut<C, A> {
    type Consumer = C::Into<A>;

    fn finish(self) -> (Self::Consumer, Vec<Arc<Node>>) {
        let healed = self.before.end(self.branches);
        (healed.consumer, healed.nodes)
    }
}

/// Two ways for every item.
pub struct Both<T, A, B> {
    first: A,
    second: B,
    duplicate: fn(&T) -> T,
}

impl<T: Send + 'static, A: Consumer<T>, B: Consumer<T>> Consumer<T> for Both<T, A, B> {
    type Lane = (A::Lane, B::Lane);
    const READS: bool = A::READS || B::READS;
    const BOUNDED: bool = A::BOUNDED || B::BOUNDED;

    fn open(&self, host: &Host) -> Self::Lane {
        (self.first.open(host), self.second.open(host))
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.shared(|visit| {
            push_guarded(&self.first, &mut lane.0, visit, (self.duplicate)(&item))?;
            push_guarded(&self.second, &mut lane.1, visit, item)
        })
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.first.room(&mut lane.0).await;
        self.second.room(&mut lane.1).await;
    }
}
