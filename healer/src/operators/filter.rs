//! Lets some records through; the others are skipped, counted by reason, and done.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    chain::{Below, Consumer, Filters, Operator},
    envelope::Reason,
    error::Failure,
    lane::{Host, Visit},
    topology::{Node, NodeDraft, NodeKind},
};

/// A `filter`.
pub struct Filter<T, F> {
    keep: F,
    item: PhantomData<fn(&T)>,
}

impl<T, F> Filter<T, F> {
    pub(crate) fn new(keep: F) -> Self {
        Self { keep, item: PhantomData }
    }
}

impl<T, F> Filters for Filter<T, F> {}

impl<T, F> Operator for Filter<T, F>
where
    T: Send + 'static,
    F: Fn(&T) -> bool + Send + Sync + 'static,
{
    type In = T;
    type Out = T;
    type Settled = ();
    type Node<D: Consumer<T>> = FilterNode<F, D>;

    fn draft(&self) -> NodeDraft {
        NodeDraft::new("filter", NodeKind::Filter { reason: None })
    }

    fn attach<D: Consumer<T>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        let reason = match &node.kind {
            NodeKind::Filter { reason: Some(reason) } => reason,
            _ => &*node.name,
        };
        FilterNode { keep: self.keep, reason: Reason::new(reason), node, next }
    }
}

/// A `filter` and the nodes below it.
pub struct FilterNode<F, D> {
    keep: F,
    reason: Reason,
    node: Arc<Node>,
    next: D,
}

impl<T, F, D> Consumer<T> for FilterNode<F, D>
where
    T: Send + 'static,
    F: Fn(&T) -> bool + Send + Sync + 'static,
    D: Consumer<T>,
{
    type Lane = D::Lane;

    #[inline]
    fn below(&self) -> Below {
        self.next.below().holding::<T>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        self.next.open(host)
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter(self.node.id);
        if (self.keep)(&item) {
            visit.give();
            self.next.push(lane, visit, item)
        } else {
            visit.skip(self.reason);
            Ok(())
        }
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(lane).await;
    }
}
