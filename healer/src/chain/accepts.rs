//! The checks that users meet as compile errors, apart from the work, so that one fault gives one error.

use std::sync::Arc;

use serde::Serialize;

use super::{Chain, Consumer, Healed, sealed::Sealed};
use crate::{
    codec::{RawJson, write_json},
    error::BoxError,
    topology::{Node, NodeDraft},
};

/// A node that can be put after another with `then`: a stage or a sink.
///
/// The method bodies are healer's own; a stage gets them from `#[stage]`.
pub trait Operator: Sized + Send + 'static {
    /// The type that it takes.
    type In: Send + 'static;
    /// The type that it gives.
    type Out: Send + 'static;
    /// The types whose values count as done here, as a list: for a sink, the type that it takes.
    #[doc(hidden)]
    type Settled;
    #[doc(hidden)]
    type Node<D: Consumer<Self::Out>>: Consumer<Self::In>;
    #[doc(hidden)]
    fn draft(&self) -> NodeDraft;
    #[doc(hidden)]
    fn attach<D: Consumer<Self::Out>>(self, node: Arc<Node>, next: D) -> Self::Node<D>;
}

/// A node that takes a `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take `{T}`: the offsets of these records would never be settled",
    label = "the node before gives `{T}`",
    note = "let this node take `{T}` (the parameter of a stage, the codec of a sink), or put one before it that gives what it takes",
    note = "a batch, `Batch<_>`, is taken apart by `unbatch()`, or flows into a stage that takes `&Batch<_>` and is marked `#[stage(batch)]`"
)]
pub trait Accepts<T>: Operator {}

/// Where a value is asked for more than to be sent: the token that `pipeline!` points at, so that the compiler does as well.
#[derive(Clone, Copy, Debug)]
pub struct Here;

/// A value that can go several ways.
#[diagnostic::on_unimplemented(
    message = "`{T}` goes two ways here but can't be cloned: one way would lose its records",
    label = "used a second time here",
    note = "add `#[derive(Clone)]` to `{T}`"
)]
pub trait Splits<T> {
    #[doc(hidden)]
    fn duplicate(value: &T) -> T;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Splits<T> for Here {
    #[inline]
    fn duplicate(value: &T) -> T {
        value.clone()
    }
}

/// A value that a stage can be called with again.
#[diagnostic::on_unimplemented(
    message = "`{T}` can't be cloned: there is nothing to try again with",
    label = "each attempt takes its own `{T}`",
    note = "take it as `&{T}` (a batch as `&Batch<{T}>`), or add `#[derive(Clone)]` to `{T}`"
)]
pub trait Repeats<T> {
    #[doc(hidden)]
    fn repeat(value: &T) -> T;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Repeats<T> for Here {
    #[inline]
    fn repeat(value: &T) -> T {
        value.clone()
    }
}

/// A value whose last one can be kept in the store.
#[diagnostic::on_unimplemented(
    message = "`{T}` can't be kept as a checkpoint: it has no serde form",
    label = "the `{T}` would be kept as JSON here",
    note = "add `#[derive(serde::Serialize)]` to `{T}`, or move the checkpoint"
)]
pub trait Keeps<T> {
    #[doc(hidden)]
    fn encode(value: &T, into: &mut Vec<u8>) -> Result<(), BoxError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Keeps<T> for Here {
    fn encode(value: &T, into: &mut Vec<u8>) -> Result<(), BoxError> {
        Ok(write_json(value, into)?)
    }
}

#[diagnostic::do_not_recommend]
impl Keeps<RawJson> for Here {
    fn encode(json: &RawJson, into: &mut Vec<u8>) -> Result<(), BoxError> {
        into.extend_from_slice(json.as_str().as_bytes());
        Ok(())
    }
}

/// A value that a failure report can show.
#[diagnostic::on_unimplemented(
    message = "`{T}` can't be reported: it has no serde form",
    label = "the `{T}` would be written as JSON here",
    note = "add `#[derive(serde::Serialize)]` to `{T}`; without `report` failures are reported with the record as it came in"
)]
pub trait Shows<T> {
    #[doc(hidden)]
    fn show(value: &T, into: &mut Vec<u8>) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Shows<T> for Here {
    fn show(value: &T, into: &mut Vec<u8>) -> bool {
        write_json(value, into).is_ok()
    }
}

#[diagnostic::do_not_recommend]
impl Shows<RawJson> for Here {
    fn show(json: &RawJson, into: &mut Vec<u8>) -> bool {
        into.extend_from_slice(json.as_str().as_bytes());
        true
    }
}

/// A value of which a copy is kept while the stage has it.
#[diagnostic::on_unimplemented(
    message = "`{T}` can't be cloned: once the stage has it there is nothing to report",
    label = "each call takes its own `{T}`",
    note = "take it as `&{T}` (a batch as `&Batch<{T}>`), or add `#[derive(Clone)]` to `{T}`"
)]
pub trait CopiesToReport<T> {
    #[doc(hidden)]
    fn copy(value: &T) -> T;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CopiesToReport<T> for Here {
    fn copy(value: &T) -> T {
        value.clone()
    }
}

/// A node after which `reason` makes sense.
#[diagnostic::on_unimplemented(
    message = "no filter stands before `reason`: nothing is skipped here",
    label = "stands after no filter",
    note = "put it right after the filter: `.filter(|order| order.paid).reason(\"unpaid\")`"
)]
pub trait Filters {}

/// A node after which `within` makes sense.
#[diagnostic::on_unimplemented(
    message = "no `batch` stands before `within`: nothing is gathered here",
    label = "stands after no `batch`",
    note = "put it right after `batch`: `.batch(500).within(\"1s\")`"
)]
pub trait Gathers {}

/// A chain that settles the offset of every record that flows into it: a [`Healed`], or a [`FanOut`](crate::FanOut).
///
/// Only healer's own types implement it.
#[diagnostic::on_unimplemented(
    message = "this branch never reaches `heal`: the offsets of its records would never be committed",
    label = "ends here without `.heal()`",
    note = "end the branch with `.heal()`, or send it on with `.to(&port)`"
)]
pub trait Branch: Sealed {
    #[doc(hidden)]
    type Chain: Chain;
    #[doc(hidden)]
    fn finish(self) -> Healed<Self::Chain>;
}

/// A whole chain from its source (or port) to `heal`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no whole chain from a source to `heal`: the offsets of its records would never be committed",
    label = "not healed, or not started at a source",
    note = "start it with a source such as `kafka::json::<T>(\"topic\").stream(\"name\")` and end it with `.heal()`",
    note = "a function that gives a healed chain says so in its type: `-> Healed<impl Chain>`"
)]
pub trait Root: Branch {}

#[diagnostic::do_not_recommend]
impl<B: Branch> Root for B {}
