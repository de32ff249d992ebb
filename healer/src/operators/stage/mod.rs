//! Users' functions as nodes. `#[stage]` writes a type beside the function which implements `Stage` and, for its kind,
//! one of the traits here; a stage sees values, never receipts.

mod asynchronous;
mod call;
mod checkpointed;
mod flat;
mod line;
mod parallel;
mod shape;
mod synchronous;

use std::{future::Future, marker::PhantomData, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;

pub use asynchronous::{AsyncKind, AsyncStage, BlockingKind};
pub use call::{Awaited, Blocking, Called, Calls};
pub use checkpointed::{Checkpointed, CheckpointedStage};
pub use flat::{FlatKind, FlatStage, Outlet};
pub use parallel::{ParallelKind, ParallelStage};
pub use shape::{PlainShape, Shape};
pub use synchronous::{SyncKind, SyncStage};

use crate::{
    envelope::{Outcome, Reason},
    error::{BoxError, Cause, panic_message},
    operators::boundary::Step,
    stream::{Consumer, Operator},
    topology::{Need, Node, NodeDraft, NodeKind},
};

/// What a call gave.
pub enum Verdict<U> {
    /// A value for the next node.
    Next(U),
    /// Nothing: the record is done, under the stage's reason.
    Skip,
    /// An error: the failure policy decides.
    Fail(BoxError),
}

/// What functions return, as a verdict.
impl<U> Verdict<U> {
    #[doc(hidden)]
    #[inline]
    pub fn of_result<E: StageError>(result: Result<U, E>) -> Self {
        match result {
            Ok(value) => Self::Next(value),
            Err(error) => Self::Fail(error.boxed()),
        }
    }

    #[doc(hidden)]
    #[inline]
    pub fn of_option(option: Option<U>) -> Self {
        option.map_or(Self::Skip, Self::Next)
    }

    #[doc(hidden)]
    #[inline]
    pub fn of_both<E: StageError>(result: Result<Option<U>, E>) -> Self {
        match result {
            Ok(option) => Self::of_option(option),
            Err(error) => Self::Fail(error.boxed()),
        }
    }

    #[doc(hidden)]
    pub fn error<E: StageError>(error: E) -> BoxError {
        error.boxed()
    }
}

/// An error that a stage may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error that a stage can return: nobody could say what went wrong",
    label = "the error that this returns",
    note = "implement `std::error::Error` for it, as `#[derive(thiserror::Error)]` does, or use `String`, \
            `anyhow::Error` or `Box<dyn Error + Send + Sync>`"
)]
pub trait StageError {
    #[doc(hidden)]
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> StageError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// A function that is a node. Written by `#[stage]`.
pub trait Stage: Send + Sync + Sized + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it gives.
    type Out: Send + 'static;
    /// The state that it asks for.
    type Need: Need;
    /// How it runs.
    type Kind: Kind<Self>;
    /// The function's name.
    const NAME: &'static str;
    /// Whether it asks for `&Context`.
    const CONTEXT: bool;
    /// The reason of its skips.
    const SKIP: &'static str;
    /// Whether its types are known here; a generic stage's output is looked at by `build`.
    const GENERIC: bool;
}

/// How a stage runs: which node it becomes.
pub trait Kind<S: Stage> {
    #[doc(hidden)]
    type Node<D: Consumer<S::Out>>: Consumer<S::In>;
    #[doc(hidden)]
    fn kind() -> NodeKind;
    #[doc(hidden)]
    const STORES: bool = false;
    #[doc(hidden)]
    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D>;
}

impl<S: Stage> Operator for S {
    type In = S::In;
    type Out = S::Out;
    type Node<D: Consumer<S::Out>> = <S::Kind as Kind<S>>::Node<D>;

    fn draft(&self) -> NodeDraft {
        let mut draft = NodeDraft::new(S::NAME, S::Kind::kind());
        draft.needs = S::Need::requirements();
        draft.stores = S::Kind::STORES;
        if S::GENERIC {
            super::refuse_hidden_errors::<S::Out>(&mut draft);
        }
        draft
    }

    fn attach<D: Consumer<S::Out>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        S::Kind::node(node, next)
    }
}

/// What every node of a stage holds.
pub struct StageNode<S, D> {
    pub(super) node: Arc<Node>,
    pub(super) reason: Reason,
    pub(super) next: D,
    stage: PhantomData<fn() -> S>,
}

impl<S: Stage, D> StageNode<S, D> {
    fn new(node: Arc<Node>, next: D) -> Self {
        Self { node, reason: Reason::new(S::SKIP), next, stage: PhantomData }
    }
}

/// What a stage keeps for a partition: its state, and the lane below.
pub struct StageLane<N, L> {
    pub(super) need: N,
    pub(super) next: L,
}

/// Runs a user's future; a panic is its failure.
pub(super) async fn guarded<T>(call: impl Future<Output = T> + Send) -> Result<T, Cause> {
    AssertUnwindSafe(call).catch_unwind().await.map_err(|panic| Cause::Panic(panic_message(&*panic)))
}

/// What becomes of an item after its call.
fn step<U>(result: Result<Verdict<U>, Cause>, reason: Reason) -> Step<U> {
    match result {
        Ok(Verdict::Next(value)) => Step::Next(value),
        Ok(Verdict::Skip) => Step::Ended(Outcome::Skipped(reason)),
        Ok(Verdict::Fail(error)) => Step::Failed(Cause::Stage(error)),
        Err(cause) => Step::Failed(cause),
    }
}
