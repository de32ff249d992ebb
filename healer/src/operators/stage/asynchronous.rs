//! Asynchronous stages: one record at a time per partition, in order; partitions side by side.

use std::sync::Arc;

use super::{Kind, Stage, StageLane, StageNode, Verdict, guarded};
use crate::{
    context::Context,
    engine::Host,
    envelope::Outcome,
    error::Cause,
    operators::boundary::{self, Boundary, Envelope, Serve, Step},
    stream::Consumer,
    topology::{Node, NodeKind},
};

/// An asynchronous function of one value.
pub trait AsyncStage: Stage {
    /// Calls the user's function.
    fn call<'a>(
        input: Self::In,
        context: &'a Context,
        need: &'a Self::Need,
    ) -> impl Future<Output = Verdict<Self::Out>> + Send + 'a;
}

/// Runs in a task of the partition.
pub struct AsyncKind;

impl<S: AsyncStage> Kind<S> for AsyncKind {
    type Node<D: Consumer<S::Out>> = Boundary<Work<S, D>>;

    fn kind() -> NodeKind {
        NodeKind::Stage { asynchronous: true }
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(Work(StageNode::new(node, next)))
    }
}

/// An asynchronous stage and what follows.
pub struct Work<S, D>(StageNode<S, D>);

impl<S: AsyncStage, D: Consumer<S::Out>> Serve<S::In> for Work<S, D> {
    type Lane = StageLane<S::Need, D::Lane>;
    const READS: bool = S::CONTEXT || D::READS;

    fn node(&self) -> u32 {
        self.0.node.id
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: host.need(), next: self.0.next.open(host) }
    }

    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value, receipt, mut context } = item;
        let StageNode { node, reason, next, .. } = &self.0;
        if S::CONTEXT {
            context.enter(&node.path);
        }
        // The receipt waits here: whatever the call does, its end is seen, and a cancelled call returns it.
        let step = match guarded(S::call(value, &context, &lane.need)).await {
            Ok(Verdict::Next(value)) => Step::Next(value),
            Ok(Verdict::Skip) => Step::Ended(Outcome::Skipped(*reason)),
            Ok(Verdict::Fail(error)) => Step::Failed(Cause::Stage(error)),
            Err(panic) => Step::Failed(panic),
        };
        boundary::carry_on(host, next, &mut lane.next, node.id, receipt, &mut context, step);
        next.room(&mut lane.next).await;
    }
}
