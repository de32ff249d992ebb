//! Stages that transform a batch: every row that comes back goes on, every other is pending again.

use std::{future::Future, sync::Arc};

use super::{
    BatchMut,
    attempt::{Back, Made, Tried, Tries, here},
    batch_mut::batch,
    run_to_end,
    task::BatchTask,
};
use crate::{
    chain::{Batch, Consumer},
    context::Context,
    error::{Cause, catch},
    lane::Host,
    observe::{self, Span},
    operators::{
        boundary::Boundary,
        stage::{Kind, Look, Stage, StageNode, Verdict, ended, guarded},
    },
    topology::{Node, NodeKind},
};

/// A function of `BatchMut<'b, T>`.
pub trait BatchMutStage: Stage<In = Batch<Self::RowIn>, Out = Batch<Self::RowOut>> {
    /// The type of a row that comes in.
    type RowIn: Send + 'static;
    /// The type of a row that goes out.
    type RowOut: Send + 'static;

    /// Whether the function is synchronous and so runs on the blocking pool.
    const BLOCKING: bool;

    /// Calls the user's function.
    fn call<'b>(
        rows: BatchMut<'b, Self::RowIn>,
        need: &'b Self::Need,
    ) -> impl Future<Output = Verdict<BatchMut<'b, Self::RowOut>>> + Send + 'b;

    /// A copy of a row for one more call; `None` where the stage asks for none.
    fn copy(_: &Self::RowIn) -> Option<Self::RowIn> {
        None
    }
}

/// Runs once a batch; synchronous functions on the blocking pool.
pub struct BatchMutKind;

impl<S: BatchMutStage> Kind<S> for BatchMutKind {
    type Node<D: Consumer<S::Out>> = Boundary<BatchTask<S, Self, D>>;

    fn kind() -> NodeKind {
        NodeKind::BatchStage
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(node.id, BatchTask::new(StageNode::new(node, next)))
    }
}

impl<S: BatchMutStage> Tries<S> for BatchMutKind {
    type Row = S::RowIn;
    type Made = S::RowOut;

    async fn call<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        need: &Arc<S::Need>,
        rows: Batch<S::RowIn>,
        keep: bool,
        mut span: Span,
    ) -> Tried<S::RowIn, S::RowOut> {
        let copies = if keep { copies::<S>(&rows) } else { Ok(None) };
        let (here, node) = (here(&rows), stage.node.id);
        let (contexts, values): (Vec<_>, Vec<_>) = rows.list.into_iter().unzip();
        let contexts: Arc<[Context]> = contexts.into();
        let back = match copies {
            Ok(Some(rows)) => Back::Batch(rows),
            Ok(None) => Back::Contexts(Arc::clone(&contexts)),
            Err(cause) => return Tried { back: Back::Contexts(contexts), result: Err(cause) },
        };
        let result = if S::BLOCKING {
            let (need, shared) = (Arc::clone(need), Arc::clone(host.shared()));
            let call = move || {
                let (_inside, began) = (observe::enter(here, node), shared.runtime.now());
                span.begin();
                let verdict = run_to_end(S::call(batch(contexts, values), &need));
                shared.measures.took(node, shared.runtime.now().saturating_sub(began));
                span.end(ended(&verdict));
                verdict.map(|verdict| verdict.map(BatchMut::into_parts))
            };
            host.blocking(call).await.flatten()
        } else {
            let call = guarded(S::call(batch(contexts, values), need), here, node);
            let look = Look { measured: true, span };
            stage.in_time(host, call, look).await.map(|verdict| verdict.map(BatchMut::into_parts))
        };
        Tried { back, result: result.map(|verdict| verdict.map(Made::Parts)) }
    }
}

/// The rows for one more call. A user's `Clone` may panic.
fn copies<S: BatchMutStage>(rows: &Batch<S::RowIn>) -> Result<Option<Batch<S::RowIn>>, Cause> {
    let copy = |(context, row): &(Context, _)| Some((context.keep(true), S::copy(row)?));
    let list = catch(|| rows.list.iter().map(copy).collect::<Option<_>>()).map_err(Cause::Panic)?;
    Ok(list.map(|list| Batch { batch: rows.batch.clone(), list }))
}
