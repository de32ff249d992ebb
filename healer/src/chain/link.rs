//! A stream as it is written down: links that know how to put themselves before the nodes below them.

use std::marker::PhantomData;

use super::{Consumer, Cut, Erased, Operator, Reach, Whole, consumer::Checked, sealed::Sealed};
use crate::topology::Plan;

/// A chain that still waits for its end: the chain inside a [`Stream`](crate::Stream). Functions name it to take and give streams.
///
/// Only healer's own types implement it.
///
/// ```
/// use healer::{Link, Stream, prelude::*};
///
/// fn lengths(lines: Stream<impl Link<Out = String>>) -> Stream<impl Link<Out = usize>> {
///     lines.filter(|line| !line.is_empty()).reason("empty").map(|line| line.len())
/// }
///
/// let app = App::new("count").chain(lengths(kafka::text("lines").stream("lines")).heal());
/// assert!(app.describe().to_string().contains("filter"));
/// ```
// A chain is written from source to end and built from end to source, so that every consumer owns the nodes below it and a run of
// synchronous nodes is one statically dispatched call.
pub trait Link: Sealed + Sized + Send + 'static {
    /// The type that the chain starts with.
    #[doc(hidden)]
    type In: Send + 'static;
    /// The type that flows out of it.
    type Out: Send + 'static;
    /// The node at its end, for methods that make sense only right after certain nodes.
    #[doc(hidden)]
    type Last;
    #[doc(hidden)]
    type Reach: Reach;
    /// The chain with one node more. One projection, and not the types that it is made of: where `Self` is a user's type
    /// parameter each node would mention the chain before it twice, and types would double with every node.
    #[doc(hidden)]
    type Then<O: Operator>: Link<In = Self::In, Out = O::Out, Last = O>;
    #[doc(hidden)]
    type Into<D: Consumer<Self::Out>>: Consumer<Self::In>;
    #[doc(hidden)]
    fn then<O: Operator>(self, operator: O, at: usize) -> Self::Then<O>;
    #[doc(hidden)]
    fn attach<D: Consumer<Self::Out>>(self, plan: &Plan, next: D) -> Self::Into<D>;
}

/// The start of a branch. Its reach is the rest that the chain above leaves: a way from source to end is one type until it is cut.
pub struct Start<T, R>(pub(crate) PhantomData<fn() -> (T, R)>);

impl<T, R> Sealed for Start<T, R> {}

impl<T: Send + 'static, R: Reach> Link for Start<T, R> {
    type In = T;
    type Out = T;
    type Last = ();
    type Reach = R;
    type Then<O: Operator> = R::Then<Self, O>;
    type Into<D: Consumer<T>> = D;

    fn then<O: Operator>(self, operator: O, at: usize) -> Self::Then<O> {
        R::then(self, operator, at)
    }

    fn attach<D: Consumer<T>>(self, _: &Plan, next: D) -> D {
        next
    }
}

/// A chain and a node after it.
pub struct Then<C, O> {
    pub(crate) before: C,
    pub(crate) operator: O,
    pub(crate) at: usize,
}

impl<C, O> Sealed for Then<C, O> {}

impl<C: Link, O: Operator> Link for Then<C, O> {
    type In = C::In;
    type Out = O::Out;
    type Last = O;
    type Reach = <C::Reach as Reach>::Next;
    type Then<P: Operator> = <<C::Reach as Reach>::Next as Reach>::Then<Self, P>;
    type Into<D: Consumer<O::Out>> = C::Into<Checked<O::Node<D>, O::In>>;

    fn then<P: Operator>(self, operator: P, at: usize) -> Self::Then<P> {
        <<C::Reach as Reach>::Next as Reach>::then(self, operator, at)
    }

    fn attach<D: Consumer<O::Out>>(self, plan: &Plan, next: D) -> Self::Into<D> {
        let node = self.operator.attach(plan.node(self.at), next);
        self.before.attach(plan, Checked::new(node))
    }
}

/// A chain that was cut: its type is forgotten, but for both ends.
impl<I: Send + 'static, O: Send + 'static> Link for Cut<I, O> {
    type In = I;
    type Out = O;
    type Last = ();
    type Reach = Whole;
    type Then<P: Operator> = Then<Self, P>;
    type Into<D: Consumer<O>> = Erased<I>;

    fn then<P: Operator>(self, operator: P, at: usize) -> Self::Then<P> {
        Then { before: self, operator, at }
    }

    fn attach<D: Consumer<O>>(self, plan: &Plan, next: D) -> Erased<I> {
        self.attach_erased(plan, next.erase())
    }
}
