//! Questions about the types of a stage's signature that only the compiler can answer: they may be aliases or leave lifetimes out.
//!
//! - A stage is a type beside the user's function, of the same name, in the type namespace: `validate::stage()` makes it. Its
//!   kind (`SyncKind`, `RetryingKind`, `TaskKind`, `ParallelKind`, `FlatKind`, `BatchKind`, `BatchMutKind`, each perhaps in
//!   `Checkpointed`) decides the node.
//! - The types in a signature are text to the macro, so it asks the compiler for the rest: a payload
//!   stands as the result of a function pointer, `fn(&'static ()) -> T`, in which a lifetime may be left out, and a constant
//!   asserts that `T` as the result of `for<'a> fn(&'a ()) -> T` does not depend on `'a`; a `Result` is one by a trait, a batch
//!   by its row. Where a node may be seen further than the types of its signature, these are a parameter of it (`paid<fn(Order,
//!   Paid)>`), since a public type can't have private associated ones. All impls stand in an attribute of the node's struct: in
//!   an `impl` or a `trait`, where a node can't be, the compiler then refuses one item. `pipeline!` imports a stage's name over
//!   one of ours, with which a function without `#[stage]` is left, and a name that nothing has; it looks a name up as items do,
//!   so variables are not in the way.

use std::marker::PhantomData;

use crate::{chain::Batch, operators::BatchMut};

/// Tells a type that owns its data from one that borrows from the call: `F` is `for<'a> fn(&'a ()) -> T`, where `T` has that
/// lifetime wherever it leaves one out.
pub struct Lends<F>(PhantomData<F>);

impl<R> Lends<for<'a> fn(&'a ()) -> R> {
    /// The lifetime is not in it.
    pub const OWNS: bool = true;

    /// The value as it is.
    #[inline]
    pub fn own(value: R) -> R {
        value
    }
}

/// Everything else borrows: an inherent item wins over the trait's.
pub trait MayLend {
    /// Whether the type owns its data.
    const OWNS: bool = false;

    /// Stands in for a value that is refused, so that it is refused once.
    fn own<T, U>(_: T) -> U {
        unreachable!("`OWNS` is asserted")
    }
}

impl<F> MayLend for Lends<F> {}

/// `Out` of `fn(A) -> Out`: a type in a place where a lifetime may be left out.
pub trait Gives {
    /// The type that it gives.
    type Out;
}

impl<A, R> Gives for fn(A) -> R {
    type Out = R;
}

/// A `Result` of the standard library.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Result`, but it is not the one of the standard library: which of its values are errors is not known",
    label = "an error in it would be healed, and its record lost",
    note = "return a `std::result::Result`, or give your type another name to pass it on as a value"
)]
pub trait IsResult<T, E> {
    #[doc(hidden)]
    fn result(self) -> Result<T, E>;
}

impl<T, E> IsResult<T, E> for Result<T, E> {
    #[inline]
    fn result(self) -> Self {
        self
    }
}

/// An `Option` of the standard library.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Option`, but it is not the one of the standard library: which of its values skip their record is not known",
    label = "not `std::option::Option`",
    note = "return a `std::option::Option`, or give your type another name to pass it on as a value"
)]
pub trait IsOption<T> {
    #[doc(hidden)]
    fn option(self) -> Option<T>;
}

impl<T> IsOption<T> for Option<T> {
    #[inline]
    fn option(self) -> Self {
        self
    }
}

/// A batch that is read, under any name.
#[diagnostic::on_unimplemented(
    message = "`#[stage(batch)]` gets whole batches, and `{Self}` is none",
    label = "not `Batch<T>`",
    note = "take `&Batch<T>` to read a batch, or `BatchMut<'_, T>` to transform it; for single values leave out `batch`"
)]
pub trait IsBatch {
    /// The type of a row.
    type Row: Send + Sync + 'static;

    #[doc(hidden)]
    fn rows(rows: &Batch<Self::Row>) -> &Self;
}

impl<T: Send + Sync + 'static> IsBatch for Batch<T> {
    type Row = T;

    #[inline]
    fn rows(rows: &Self) -> &Self {
        rows
    }
}

/// A batch that is transformed, under any name.
#[diagnostic::on_unimplemented(
    message = "`#[stage(batch)]` gets whole batches and gives them back, and `{Self}` is none",
    label = "not `BatchMut<'_, T>`",
    note = "take `BatchMut<'_, T>` and return it to transform a batch, or take `&Batch<T>` to read it; for single values leave out `batch`"
)]
pub trait IsBatchMut {
    /// The type of a row.
    type Row: Send + 'static;
}

impl<T: Send + 'static> IsBatchMut for BatchMut<'_, T> {
    type Row = T;
}

/// A batch that flows into a stage of batches.
#[diagnostic::on_unimplemented(
    message = "this stage takes batches of `{T}`, and here flows `{Self}`: the offsets of these records would never be settled",
    label = "the node before gives `{Self}`",
    note = "gather rows of `{T}` before it: put `batch(500, within = \"1s\")` where `{T}` flows"
)]
pub trait Gathered<T> {}

impl<T> Gathered<T> for Batch<T> {}

/// Stands where a function without `#[stage]`, or a name that nothing has, is used as a node.
pub struct Function<'a>(PhantomData<&'a ()>);

/// A function that is a node.
#[diagnostic::on_unimplemented(
    message = "this is no stage: no record can flow into it",
    label = "no function with `#[stage]` above it has this name here",
    note = "put `#[stage]` above the function, or import its name; a node that a function gives or a variable holds is written in parentheses, as in `(late())` or `(late)`",
    note = "`map`, `try_map`, `filter`, `batch` and `unbatch` are healer's own in parentheses alone, as in `batch(500)`"
)]
pub trait IsStage {}

impl Function<'_> {
    /// Never to be had: the bound says why.
    pub fn stage<N>() -> N
    where
        for<'a> Function<'a>: IsStage,
    {
        unreachable!("no function without `#[stage]` is a stage")
    }
}
