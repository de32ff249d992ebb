//! Stages that read a batch: `Ok` heals all of it.

use std::{convert::identity, future::Future, sync::Arc};

use super::{
    attempt::{Back, Made, Tried, Tries, here},
    run_to_end,
    task::BatchTask,
};
use crate::{
    chain::{Batch, Consumer},
    error::{Cause, catch},
    lane::Host,
    observe::{self, Span},
    operators::{
        boundary::Boundary,
        stage::{Kind, Look, Stage, StageNode, Verdict, ended, guarded},
    },
    topology::{Node, NodeKind},
};

/// A function of `&Batch<T>`.
pub trait BatchStage: Stage<In = Batch<Self::Row>, Out = Batch<Self::Row>> {
    /// The type of a row.
    type Row: Send + Sync + 'static;

    /// Whether the function is synchronous and so runs on the blocking pool.
    const BLOCKING: bool;

    /// Calls the user's function.
    fn call<'a>(
        rows: &'a Batch<Self::Row>,
        need: &'a Self::Need,
    ) -> impl Future<Output = Verdict<()>> + Send + 'a;
}

/// Runs once a batch; synchronous functions on the blocking pool.
pub struct BatchKind;

impl<S: BatchStage> Kind<S> for BatchKind {
    type Node<D: Consumer<S::Out>> = Boundary<BatchTask<S, Self, D>>;

    fn kind() -> NodeKind {
        NodeKind::BatchStage
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(node.id, BatchTask::new(StageNode::new(node, next)))
    }
}

impl<S: BatchStage> Tries<S> for BatchKind {
    type Row = S::Row;
    type Made = S::Row;

    async fn call<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        need: &Arc<S::Need>,
        rows: Batch<S::Row>,
        _: bool,
        mut span: Span,
    ) -> Tried<S::Row, S::Row> {
        let (here, node) = (here(&rows), stage.node.id);
        let (rows, result) = if S::BLOCKING {
            let need = Arc::clone(need);
            let shared = Arc::clone(host.shared());
            let call = move || {
                let (_inside, began) = (observe::enter(here, node), shared.runtime.now());
                span.begin();
                let result = catch(|| run_to_end(S::call(&rows, &need)));
                shared.measures.took(node, shared.runtime.now().saturating_sub(began));
                let result = result.map_err(Cause::Panic).flatten();
                span.end(ended(&result));
                (rows, result)
            };
            match host.blocking(call).await {
                Ok(back) => back,
                Err(cause) => return Tried { back: Back::Nothing, result: Err(cause) },
            }
        } else {
            let call = guarded(S::call(&rows, need), here, node);
            let result = stage.in_time(host, call, Look { measured: true, span }).await;
            (rows, result)
        };
        match result {
            Ok(Verdict::Next(())) => {
                Tried { back: Back::Nothing, result: Ok(Verdict::Next(Made::Same(rows, identity))) }
            }
            failed => Tried {
                back: Back::Batch(rows),
                result: failed.map(|verdict| {
                    verdict.map(|()| Made::Same(Batch { batch: None, list: Vec::new() }, identity))
                }),
            },
        }
    }
}
