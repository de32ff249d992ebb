//! Closures that turn one value into another.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    chain::{Below, Consumer, Operator, refuse_rows},
    error::{BoxError, Cause, Failure},
    lane::{Host, Visit},
    operators::failing,
    topology::{Node, NodeDraft, NodeKind},
};

/// A `map`.
pub struct Map<T, F> {
    f: F,
    item: PhantomData<fn(T)>,
}

impl<T, F> Map<T, F> {
    pub(crate) fn new(f: F) -> Self {
        Self { f, item: PhantomData }
    }
}

impl<T, U, F> Operator for Map<T, F>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(T) -> U + Send + Sync + 'static,
{
    type In = T;
    type Out = U;
    type Settled = ();
    type Node<D: Consumer<U>> = MapNode<F, D>;

    fn draft(&self) -> NodeDraft {
        let mut node = NodeDraft::new("map", NodeKind::Map);
        refuse_rows::<U>(&mut node);
        node
    }

    fn attach<D: Consumer<U>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        MapNode { f: self.f, node, next }
    }
}

/// A `map` and the nodes below it.
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

    #[inline]
    fn below(&self) -> Below {
        self.next.below().holding::<(T, U)>()
    }

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

/// A `try_map`.
pub struct TryMap<T, F> {
    f: F,
    item: PhantomData<fn(T)>,
}

impl<T, F> TryMap<T, F> {
    pub(crate) fn new(f: F) -> Self {
        Self { f, item: PhantomData }
    }
}

impl<T, U, E, F> Operator for TryMap<T, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Into<BoxError> + 'static,
    F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
{
    type In = T;
    type Out = U;
    type Settled = ();
    type Node<D: Consumer<U>> = TryMapNode<F, D>;

    fn draft(&self) -> NodeDraft {
        let mut node = NodeDraft::new("try_map", NodeKind::Map);
        refuse_rows::<U>(&mut node);
        node
    }

    fn attach<D: Consumer<U>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        TryMapNode { f: self.f, node, next }
    }
}

/// A `try_map` and the nodes below it.
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

    #[inline]
    fn below(&self) -> Below {
        self.next.below().holding::<(T, U)>()
    }

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
