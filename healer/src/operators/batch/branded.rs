//! Stages that transform a batch: every row that comes back goes on, every other is pending again.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
};

use super::{Batch, Rows, batch::Parts};
use crate::{
    context::Context,
    engine::Host,
    envelope::{Outcome, Receipt, Shares},
    error::{BoxError, Cause, panic_message},
    operators::{
        boundary::{self, Boundary, Envelope, Inbox, Serve, ServeOne, Step},
        stage::{Kind, Stage, StageLane, guarded},
    },
    stream::Consumer,
    topology::{Node, NodeKind},
};

/// A function of `Batch<'b, T>`.
pub trait BatchStage: Stage<In = Rows<Self::RowIn>, Out = Rows<Self::RowOut>> {
    /// The type of a row that comes in.
    type RowIn: Send + 'static;
    /// The type of a row that goes out.
    type RowOut: Send + 'static;

    /// Whether the function is synchronous and so runs on the blocking pool.
    const BLOCKING: bool;

    /// Calls the user's function.
    fn call<'b>(
        rows: Batch<'b, Self::RowIn>,
        need: &'b Self::Need,
    ) -> impl Future<Output = Result<Batch<'b, Self::RowOut>, BoxError>> + Send + 'b;
}

/// Runs once a batch; synchronous functions on the blocking pool.
pub struct BatchKind;

impl<S: BatchStage> Kind<S> for BatchKind {
    type Node<D: Consumer<S::Out>> = Boundary<Work<S, D>>;

    fn kind() -> NodeKind {
        NodeKind::Batch
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(Work { node, next, stage: std::marker::PhantomData })
    }
}

/// A transforming batch stage and what follows.
pub struct Work<S, D> {
    node: Arc<Node>,
    next: D,
    stage: std::marker::PhantomData<fn() -> S>,
}

impl<S: BatchStage, D: Consumer<S::Out>> Serve<S::In> for Work<S, D> {
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

impl<S: BatchStage, D: Consumer<S::Out>> ServeOne<S::In> for Work<S, D> {
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value: mut rows, receipt, mut context } = item;
        for (context, _) in &mut rows.list {
            context.enter(&self.node.path);
        }
        let count = rows.list.len();
        // The receipts wait here; the stage holds slot numbers.
        let receipts = receipt.into_rows();
        let result = if S::BLOCKING {
            let need = Arc::clone(&lane.need);
            let call = move || run_to_end(S::call(Batch::new(rows.list), &need)).map(Batch::into_parts);
            match host.blocking(call).await {
                Ok(result) => result.map_err(Cause::Stage),
                Err(panic) => Err(Cause::Panic(panic_message(&*panic))),
            }
        } else {
            match guarded(S::call(Batch::new(rows.list), &lane.need)).await {
                Ok(result) => result.map(Batch::into_parts).map_err(Cause::Stage),
                Err(panic) => Err(panic),
            }
        };
        let receipts = receipts_of(count, receipts);
        let settled = match result {
            Ok(parts) => hand_back(parts, receipts),
            Err(cause) => Err((cause, receipts)),
        };
        let (receipt, step) = match settled {
            Ok((receipt, rows)) if rows.is_empty() => {
                drop(rows);
                receipt.settle(Outcome::Healed);
                return;
            }
            Ok((receipt, rows)) => (receipt, Step::Next(rows)),
            Err((cause, receipts)) => (Receipt::many(receipts), Step::Failed(cause)),
        };
        boundary::carry_on(host, &self.next, &mut lane.next, self.node.id, receipt, &mut context, step);
        self.next.room(&mut lane.next).await;
    }
}

/// The receipts by slot. A batch whose receipt is one share (it cannot be taken apart by row) is shared anew among them.
fn receipts_of(count: usize, receipts: Vec<Receipt>) -> Vec<Receipt> {
    if receipts.len() == count {
        return receipts;
    }
    let whole = Receipt::many(receipts).into_shares();
    let rows = (0..count).map(|_| whole.share()).collect();
    whole.end(None);
    rows
}

/// Gives each row that came back its receipt, settles what was skipped, and finds out what is missing.
fn hand_back<U>(
    parts: Parts<U>,
    receipts: Vec<Receipt>,
) -> Result<(Receipt, Rows<U>), (Cause, Vec<Receipt>)> {
    let Parts { rows, skipped, contexts } = parts;
    let mut uses = vec![0_u32; receipts.len()];
    let slots = rows.iter().map(|row| &row.slots).chain(skipped.iter().map(|(slots, _)| slots));
    slots.flat_map(super::batch::Slots::as_slice).for_each(|slot| uses[*slot as usize] += 1);
    if uses.contains(&0) {
        return Err((Cause::Lost, receipts));
    }
    // A slot that several rows came from is shared among them.
    let mut owed: Vec<Owed> = receipts
        .into_iter()
        .zip(&uses)
        .map(
            |(receipt, uses)| {
                if *uses == 1 { Owed::One(Some(receipt)) } else { Owed::Shared(receipt.into_shares()) }
            },
        )
        .collect();
    let mut receipt_of = |slots: &[u32]| {
        let mut list: Vec<Receipt> = slots.iter().map(|slot| owed[*slot as usize].take()).collect();
        if list.len() == 1 { list.swap_remove(0) } else { Receipt::many(list) }
    };
    for (slots, reason) in &skipped {
        receipt_of(slots.as_slice()).settle(Outcome::Skipped(*reason));
    }
    let mut list: Vec<(Context, U)> = Vec::with_capacity(rows.len());
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        kept.push(receipt_of(row.slots.as_slice()));
        let first = row.slots.as_slice().first().copied().unwrap_or(0);
        list.push((contexts[first as usize].clone(), row.value));
    }
    for owed in owed {
        if let Owed::Shared(shares) = owed {
            shares.end(None);
        }
    }
    Ok((Receipt::many(kept), Rows { list }))
}

enum Owed {
    One(Option<Receipt>),
    Shared(Shares),
}

impl Owed {
    fn take(&mut self) -> Receipt {
        match self {
            Self::One(receipt) => receipt.take().unwrap_or_else(|| Receipt::many(Vec::new())),
            Self::Shared(shares) => shares.share(),
        }
    }
}

/// Runs the future of a synchronous function: it has no await that could be pending.
pub(super) fn run_to_end<T>(call: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let mut task = TaskContext::from_waker(Waker::noop());
    match pin!(call).poll(&mut task) {
        Poll::Ready(result) => result,
        Poll::Pending => Err("a synchronous stage must not wait".into()),
    }
}
