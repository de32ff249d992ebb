//! Stages that run beyond the poll thread: one record at a time per partition, in order; partitions side by side.

use std::{marker::PhantomData, sync::Arc};

use super::{CallPermit, Called, Calls, Kind, Stage, StageLane, StageNode};
use crate::{
    chain::{Below, Consumer},
    lane::Host,
    operators::boundary::{self, Boundary, Envelope, Inbox, Serve, ServeOne},
    topology::{Node, NodeKind},
};

/// Runs in a task of the partition, or for `Blocking` beside it; one record of a partition at a time.
pub struct TaskKind<C>(PhantomData<C>);

impl<S: Stage, C: Calls<S>> Kind<S> for TaskKind<C> {
    type Node<D: Consumer<S::Out>> = Boundary<StageTask<S, C, D>>;

    fn kind() -> NodeKind {
        NodeKind::Stage { runs: C::RUNS, parallel: None }
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(node.id, StageTask { stage: StageNode::new(node, next), calls: PhantomData })
    }
}

/// A stage in a task, and the nodes below it.
pub struct StageTask<S, C, D> {
    stage: StageNode<S, D>,
    calls: PhantomData<fn() -> C>,
}

impl<S: Stage, C: Calls<S>, D: Consumer<S::Out>> Serve<S::In> for StageTask<S, C, D> {
    type Lane = StageLane<Arc<S::Need>, D::Lane>;

    fn below(&self) -> Below {
        self.stage.next.below().read_if(S::CONTEXT).holding::<[(S::In, S::Out); 4]>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: Arc::new(host.need()), next: self.stage.next.open(host) }
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<S::In>) {
        boundary::one_by_one(self, lane, host, inbox).await;
    }
}

impl<S: Stage, C: Calls<S>, D: Consumer<S::Out>> ServeOne<S::In> for StageTask<S, C, D> {
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value, receipt, mut context } = item;
        let StageNode { node, next, .. } = &self.stage;
        if S::CONTEXT {
            context.enter(&node.path);
        }
        // The receipt waits here, outside of the call: the end of the call is always seen, and a cancelled call returns the receipt.
        let (stage, permit) = (&self.stage, CallPermit::FREE);
        let admitted = stage.admit(host).await;
        let begun = stage.begin_call(admitted, host, &permit, &mut context, &value);
        let Called(result) = C::call(host, stage, permit, &lane.need, value, &mut context).await;
        stage.end_call(begun, host, &mut context, &result);
        let step = self.stage.step(host, result, &receipt, &mut context).await;
        boundary::pass_on(host, next, &mut lane.next, node.id, receipt, &mut context, step).await;
    }
}
