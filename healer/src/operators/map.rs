//! Closures that turn one value into another.

use std::sync::Arc;

use crate::{
    engine::Host,
    envelope::Visit,
    error::{BoxError, Cause, Failure},
    operators::failing,
    stream::{Consumer, Link},
    topology::{Node, Plan},
};

/// A `map` after a chain.
pub struct MapLink<C, F> {
    pub(crate) before: C,
    pub(crate) f: F,
    pub(crate) at: usize,
}

impl<C, U, F> Link for MapLink<C, F>
where
    C: Link,
    U: Send + 'static,
    F: Fn(C::Out) -> U + Send + Sync + 'static,
{
    type In = C::In;
    type Out = U;
    type Into<D: Consumer<U>> = C::Into<MapNode<F, D>>;

    fn attach<D: Consumer<U>>(self, plan: &Plan, next: D) -> Self::Into<D> {
        let node = plan.node(self.at);
        self.before.attach(plan, MapNode { f: self.f, node, next })
    }
}

/// A `map` and what follows.
pub struct MapNode<F, D> {
    f: F,
    node: Arc<Node>,
    next: D,
}

impl<T, U, F, D> Consumer<T> for MapNode<F, D>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(T) -> U + Send + Sync + 'static,
    D: Consumer<U>,
{
    type Lane = D::Lane;
    const READS: bool = D::READS;
    const BOUNDED: bool = D::BOUNDED;

    fn open(&self, host: &Host) -> Self::Lane {
        self.next.open(host)
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter(self.node.id);
        let value = (self.f)(item);
        visit.give();
        self.next.push(lane, visit, value)
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(lane).await;
    }
}

/// A `try_map` after a chain.
pub struct TryMapLink<C, F> {
    pub(crate) before: C,
    pub(crate) f: F,
    pub(crate) at: usize,
}

impl<C, U, E, F> Link for TryMapLink<C, F>
where
    C: Link,
    U: Send + 'static,
    E: Into<BoxError> + 'static,
    F: Fn(C::Out) -> Result<U, E> + Send + Sync + 'static,
{
    type In = C::In;
    type Out = U;
    type Into<D: Consumer<U>> = C::Into<TryMapNode<F, D>>;

    fn attach<D: Consumer<U>>(self, plan: &Plan, next: D) -> Self::Into<D> {
        let node = plan.node(self.at);
        self.before.attach(plan, TryMapNode { f: self.f, node, next })
    }
}

/// A `try_map` and what follows.
pub struct TryMapNode<F, D> {
    f: F,
    node: Arc<Node>,
    next: D,
}

impl<T, U, E, F, D> Consumer<T> for TryMapNode<F, D>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Into<BoxError> + 'static,
    F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
    D: Consumer<U>,
{
    type Lane = D::Lane;
    const READS: bool = D::READS;
    const BOUNDED: bool = D::BOUNDED;

    fn open(&self, host: &Host) -> Self::Lane {
        self.next.open(host)
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter(self.node.id);
        match (self.f)(item) {
            Ok(value) => {
                visit.give();
                self.next.push(lane, visit, value)
            }
            Err(error) => failing::fail(visit, self.node.id, Cause::Stage(error.into())),
        }
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(lane).await;
    }
}
