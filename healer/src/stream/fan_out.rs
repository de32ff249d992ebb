//! One stream, several ways.

use std::marker::PhantomData;

use crate::{
    chain::{
        Below, Branch, Chain, Checked, Consumer, Healed, Link, Nodes, Reach, Sealed, Start, Stream, Whole,
    },
    error::Failure,
    lane::{Host, Visit},
    operators::push_guarded,
};

/// The start of a branch of a chain.
pub type BranchStart<C> = Start<<C as Link>::Out, <<C as Link>::Reach as Reach>::Branch>;

/// The consumer of a branch of a chain.
pub type Way<C, B> = <<C as Link>::Reach as Reach>::Way<<C as Link>::Out, Checked<ConsumerOf<B>, In<B>>>;

type In<B> = <<B as Branch>::Chain as Chain>::In;
type ConsumerOf<B> = <<B as Branch>::Chain as Chain>::Consumer;

/// A stream that goes several ways; made by [`Stream::fan_out`].
#[must_use = "this chain is in no app: add it with `App::chain`"]
pub struct FanOut<C: Link, B, R = Whole> {
    pub(super) before: Stream<C>,
    pub(super) branches: B,
    // `fan_out` alone asks for `Clone` and keeps the proof: a bound on `and` as well would say one fault twice.
    pub(super) duplicate: fn(&C::Out) -> C::Out,
    /// How many ways may still be added before those that are there are erased.
    pub(super) reach: PhantomData<fn() -> R>,
}

/// A stream with all ways so far and one more.
pub type And<C, A, B, R> = FanOut<
    C,
    <R as Reach>::Way<<C as Link>::Out, Both<<C as Link>::Out, A, Way<C, B>>>,
    <R as Reach>::Branch,
>;

impl<C: Link, A: Consumer<C::Out>, R: Reach> FanOut<C, A, R> {
    /// Adds one more way.
    pub fn and<B, F>(mut self, branch: F) -> And<C, A, B, R>
    where
        B: Branch,
        F: FnOnce(Stream<BranchStart<C>>) -> B,
    {
        let second = self.before.branch(branch);
        let both = Both { first: self.branches, second, duplicate: self.duplicate };
        FanOut { before: self.before, branches: R::way(both), duplicate: self.duplicate, reach: PhantomData }
    }
}

impl<C: Link, B, R> Sealed for FanOut<C, B, R> {}

#[diagnostic::do_not_recommend]
impl<C: Link, A: Consumer<C::Out>, R: Reach> Branch for FanOut<C, A, R> {
    type Chain = Nodes<C::In, C::Into<A>>;

    fn finish(self) -> Healed<Self::Chain> {
        self.before.end(self.branches)
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

    #[inline]
    fn below(&self) -> Below {
        self.first.below().and(self.second.below()).holding::<(T, T)>()
    }

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
