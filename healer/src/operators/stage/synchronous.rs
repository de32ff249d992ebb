//! Synchronous stages: fused, run where the item is.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Kind, Stage, StageLane, StageNode, Verdict};
use crate::{
    context::Context,
    engine::Host,
    envelope::Visit,
    error::{Cause, Failure, panic_message},
    operators::OnError,
    stream::Consumer,
    topology::{Node, NodeKind, Runs},
};

/// A synchronous function of one value.
pub trait SyncStage: Stage {
    /// Calls the user's function.
    fn call(input: Self::In, context: &Context, need: &Self::Need) -> Verdict<Self::Out>;
}

/// Runs on the thread that the item is on.
pub struct SyncKind;

impl<S: SyncStage> Kind<S> for SyncKind {
    type Node<D: Consumer<S::Out>> = SyncNode<S, D>;

    fn kind() -> NodeKind {
        NodeKind::Stage { runs: Runs::Fused, parallel: None }
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        SyncNode(StageNode::new(node, next))
    }
}

/// A synchronous stage and what follows.
pub struct SyncNode<S, D>(StageNode<S, D>);

impl<S: SyncStage, D> SyncNode<S, D> {
    /// A record that failed: skipped, or a failure.
    #[cold]
    fn give_up(&self, visit: &mut Visit<'_>, cause: Cause) -> Result<(), Failure> {
        if !self.0.gives_up(&cause, visit.context) {
            return Err(visit.failure(self.0.node.id, cause));
        }
        visit.skip(self.0.handling.failed);
        Ok(())
    }
}

impl<S: SyncStage, D: Consumer<S::Out>> Consumer<S::In> for SyncNode<S, D> {
    type Lane = StageLane<S::Need, D::Lane>;
    const READS: bool = S::CONTEXT || D::READS;
    const BOUNDED: bool = D::BOUNDED;

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: host.need(), next: self.0.next.open(host) }
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: S::In) -> Result<(), Failure> {
        let node = &self.0.node;
        visit.at(node.id);
        if S::CONTEXT {
            visit.context.enter(&node.path);
        }
        let verdict = if self.0.handling.on_error == OnError::Skip {
            match catch_unwind(AssertUnwindSafe(|| S::call(item, visit.context, &lane.need))) {
                Ok(verdict) => verdict,
                Err(panic) => return self.give_up(visit, Cause::Panic(panic_message(&*panic))),
            }
        } else {
            S::call(item, visit.context, &lane.need)
        };
        match verdict {
            Verdict::Next(value) => self.0.next.push(&mut lane.next, visit, value),
            Verdict::Skip => {
                visit.skip(self.0.reason);
                Ok(())
            }
            Verdict::Fail(error) | Verdict::Fatal(error) => self.give_up(visit, Cause::Stage(error)),
        }
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.0.next.room(&mut lane.next).await;
    }
}
