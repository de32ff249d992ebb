//! Lets some records through; the others are skipped, counted by reason, and done.

use std::sync::Arc;

use crate::{
    engine::Host,
    envelope::{Reason, Visit},
    error::Failure,
    stream::{Consumer, Link},
    topology::{Node, Plan},
};

/// A `filter` after a chain.
pub struct FilterLink<C, F> {
    pub(crate) before: C,
    pub(crate) keep: F,
    pub(crate) reason: Option<String>,
    pub(crate) at: usize,
}

impl<C, F> Link for FilterLink<C, F>
where
    C: Link,
    F: Fn(&C::Out) -> bool + Send + Sync + 'static,
{
    type In = C::In;
    type Out = C::Out;
    type Into<D: Consumer<C::Out>> = C::Into<FilterNode<F, D>>;

    fn attach<D: Consumer<C::Out>>(self, plan: &Plan, next: D) -> Self::Into<D> {
        let node = plan.node(self.at);
        let reason = Reason::new(self.reason.as_deref().unwrap_or(&node.name));
        self.before.attach(plan, FilterNode { keep: self.keep, reason, node, next })
    }
}

/// A `filter` and what follows.
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
    const READS: bool = D::READS;
    const BOUNDED: bool = D::BOUNDED;

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
