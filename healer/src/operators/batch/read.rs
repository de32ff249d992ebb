//! Stages that read a batch: `Ok` heals all of it.

use std::sync::Arc;

use super::Rows;
use crate::{
    engine::Host,
    error::{BoxError, Cause, panic_message},
    operators::{
        boundary::{self, Boundary, Envelope, Inbox, Serve, ServeOne, Step},
        stage::{Kind, Stage, StageLane, guarded},
    },
    stream::Consumer,
    topology::{Node, NodeKind},
};

/// A function of `&Rows<T>`.
pub trait RowsStage: Stage<In = Rows<Self::Row>, Out = Rows<Self::Row>> {
    /// The type of a row.
    type Row: Send + Sync + 'static;

    /// Whether the function is synchronous and so runs on the blocking pool.
    const BLOCKING: bool;

    /// Calls the user's function.
    fn call<'a>(
        rows: &'a Rows<Self::Row>,
        need: &'a Self::Need,
    ) -> impl Future<Output = Result<(), BoxError>> + Send + 'a;
}

/// Runs once a batch; synchronous functions on the blocking pool.
pub struct RowsKind;

impl<S: RowsStage> Kind<S> for RowsKind {
    type Node<D: Consumer<S::Out>> = Boundary<Work<S, D>>;

    fn kind() -> NodeKind {
        NodeKind::Batch
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(Work { node, next, stage: std::marker::PhantomData })
    }
}

/// A reading batch stage and what follows.
pub struct Work<S, D> {
    node: Arc<Node>,
    next: D,
    stage: std::marker::PhantomData<fn() -> S>,
}

impl<S: RowsStage, D: Consumer<S::Out>> Serve<S::In> for Work<S, D> {
    type Lane = StageLane<Arc<S::Need>, D::Lane>;
    // Every row says where it comes from.
    const READS: bool = true;

    fn node(&self) -> u32 {
        self.node.id
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: Arc::new(host.need()), next: self.next.open(host) }
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<S::In>) {
        boundary::one_by_one(self, lane, host, inbox).await;
    }
}

impl<S: RowsStage, D: Consumer<S::Out>> ServeOne<S::In> for Work<S, D> {
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value: mut rows, receipt, mut context } = item;
        for (context, _) in &mut rows.list {
            context.enter(&self.node.path);
        }
        let result = if S::BLOCKING {
            let need = Arc::clone(&lane.need);
            let call = move || {
                let result = super::branded::run_to_end(S::call(&rows, &need));
                (rows, result)
            };
            match host.blocking(call).await {
                Ok((rows, Ok(()))) => Ok(rows),
                Ok((_, Err(error))) => Err(Cause::Stage(error)),
                Err(panic) => Err(Cause::Panic(panic_message(&*panic))),
            }
        } else {
            match guarded(S::call(&rows, &lane.need)).await {
                Ok(Ok(())) => Ok(rows),
                Ok(Err(error)) => Err(Cause::Stage(error)),
                Err(panic) => Err(panic),
            }
        };
        let step = match result {
            Ok(rows) => Step::Next(rows),
            Err(cause) => Step::Failed(cause),
        };
        boundary::carry_on(host, &self.next, &mut lane.next, self.node.id, receipt, &mut context, step);
        self.next.room(&mut lane.next).await;
    }
}
