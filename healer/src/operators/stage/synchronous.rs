//! Synchronous stages: fused, run where the item is.

use std::sync::Arc;

use super::{Kind, Stage, StageLane, StageNode, Verdict};
use crate::{
    chain::{Below, Consumer},
    context::Context,
    error::{Cause, Failure},
    lane::{Host, Visit},
    operators::failing,
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

/// A synchronous stage and the nodes below it.
pub struct SyncNode<S, D>(StageNode<S, D>);

impl<S: SyncStage, D: Consumer<S::Out>> Consumer<S::In> for SyncNode<S, D> {
    type Lane = StageLane<S::Need, D::Lane>;

    #[inline]
    fn below(&self) -> Below {
        self.0.next.below().read_if(S::CONTEXT).holding::<(S::In, S::Out)>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: host.need(), next: self.0.next.open(host) }
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: S::In) -> Result<(), Failure> {
        let node = &self.0.node;
        visit.enter(node.id);
        if S::CONTEXT {
            visit.context.enter(&node.path);
        }
        if let Some(host) = visit.host {
            StageNode::<S, D>::expects_report(host, visit.context);
        }
        let verdict = match visit.host {
            Some(host) if visit.context.watch().is_any() => {
                self.0.watched(host, visit.context, item, |item, context| S::call(item, context, &lane.need))
            }
            _ => S::call(item, visit.context, &lane.need),
        };
        if let (Some(host), Verdict::Next(_) | Verdict::Skip) = (visit.host, &verdict) {
            self.0.reports_success(host, visit.context);
        }
        match verdict {
            Verdict::Next(value) => {
                visit.give();
                self.0.next.push(&mut lane.next, visit, value)
            }
            Verdict::Skip => {
                visit.skip(self.0.reason);
                Ok(())
            }
            Verdict::Fail(error) | Verdict::Fatal(error) => {
                failing::fail(visit, node.id, Cause::Stage(error))
            }
        }
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.0.next.room(&mut lane.next).await;
    }
}
