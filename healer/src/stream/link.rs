//! A stream as it is written down: links that know how to put themselves before what comes after.

use std::marker::PhantomData;

use super::{Consumer, Operator, consumer::Checked};
use crate::topology::Plan;

/// A chain that still waits for its end. It is written from source to end and built from end to source, so that every
/// consumer owns what is below it and a run of synchronous nodes is one statically dispatched call.
pub trait Link: Sized {
    /// What the chain starts with.
    type In: Send + 'static;
    /// What flows out of it.
    type Out: Send + 'static;
    #[doc(hidden)]
    type Into<D: Consumer<Self::Out>>: Consumer<Self::In>;
    #[doc(hidden)]
    fn attach<D: Consumer<Self::Out>>(self, plan: &Plan, next: D) -> Self::Into<D>;
}

/// The start of a branch.
pub struct Start<T>(pub(crate) PhantomData<fn() -> T>);

impl<T: Send + 'static> Link for Start<T> {
    type In = T;
    type Out = T;
    type Into<D: Consumer<T>> = D;

    fn attach<D: Consumer<T>>(self, _: &Plan, next: D) -> D {
        next
    }
}

/// A chain and a stage or sink after it.
pub struct Then<C, O> {
    pub(crate) before: C,
    pub(crate) operator: O,
    pub(crate) at: usize,
}

impl<C: Link, O: Operator> Link for Then<C, O> {
    type In = C::In;
    type Out = O::Out;
    type Into<D: Consumer<O::Out>> = C::Into<Checked<O::Node<D>, O::In>>;

    fn attach<D: Consumer<O::Out>>(self, plan: &Plan, next: D) -> Self::Into<D> {
        let node = self.operator.attach(plan.node(self.at), next);
        self.before.attach(plan, Checked(node, PhantomData))
    }
}
