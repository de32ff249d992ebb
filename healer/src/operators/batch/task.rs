//! How a batch is worked on: whole, again, and by halves down to single rows.

use std::{marker::PhantomData, sync::Arc};

use super::{
    attempt::{Back, Made, Piece, Tried, Tries, first_attempts, here, note, owes},
    batch_mut::Parts,
    hand_back::{Handed, hand_back, receipts_of},
};
use crate::{
    chain::{Batch, Below, Consumer},
    context::Context,
    envelope::{Outcome, Receipt},
    error::{Cause, discard, said::chain},
    lane::Host,
    observe::{self, Rare, Trace},
    operators::{
        boundary::{self, Envelope, Inbox, Serve, ServeOne, Step},
        failing,
        stage::{Reporting, Stage, StageLane, StageNode, Verdict},
    },
};

/// A batch stage and the nodes below it.
pub struct BatchTask<S, K, D> {
    stage: StageNode<S, D>,
    kind: PhantomData<fn() -> K>,
}

impl<S, K, D> BatchTask<S, K, D> {
    pub(super) fn new(stage: StageNode<S, D>) -> Self {
        Self { stage, kind: PhantomData }
    }
}

/// The result of a call that finished, with its receipts and context.
struct Passed<T, U> {
    made: Made<T, U>,
    back: Back<T>,
    receipts: Vec<Receipt>,
    context: Context,
    trace: Trace,
}

impl<S, K, D> Serve<S::In> for BatchTask<S, K, D>
where
    S: Stage<In = Batch<K::Row>, Out = Batch<K::Made>>,
    K: Tries<S>,
    D: Consumer<S::Out>,
{
    type Lane = StageLane<Arc<S::Need>, D::Lane>;

    fn below(&self) -> Below {
        // Every row says where it comes from.
        self.stage.next.below().read_if(true).holding::<(K::Row, K::Made)>()
    }

    fn records(rows: &S::In) -> u64 {
        rows.len() as u64
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: Arc::new(host.need()), next: self.stage.next.open(host) }
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<S::In>) {
        boundary::one_by_one(self, lane, host, inbox).await;
    }
}

impl<S, K, D> ServeOne<S::In> for BatchTask<S, K, D>
where
    S: Stage<In = Batch<K::Row>, Out = Batch<K::Made>>,
    K: Tries<S>,
    D: Consumer<S::Out>,
{
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value: mut rows, receipt, context } = item;
        if rows.batch.as_ref() != context.batch() {
            return self.carry_on(lane, host, receipt, context, Step::Failed(Cause::OtherBatch)).await;
        }
        for (context, _) in &mut rows.list {
            context.enter(&self.stage.node.path);
        }
        // The receipts wait here; the stage holds slot numbers.
        let receipts = receipts_of(rows.len(), receipt.into_rows());
        let mut pieces = vec![Piece { rows, receipts, is_whole: true }];
        while let Some(piece) = pieces.pop() {
            let piece = piece.without_halted();
            if piece.rows.is_empty() {
                continue;
            }
            if let Some(failed) = self.try_piece(lane, host, piece).await {
                let [first, second] = failed.halves();
                pieces.extend([second, first]);
            }
        }
    }
}

impl<S, K, D> BatchTask<S, K, D>
where
    S: Stage<In = Batch<K::Row>, Out = Batch<K::Made>>,
    K: Tries<S>,
    D: Consumer<S::Out>,
{
    /// Works on some rows, and gives them back where their halves are to be tried.
    async fn try_piece(
        &self,
        lane: &mut StageLane<Arc<S::Need>, D::Lane>,
        host: &Host,
        piece: Piece<K::Row>,
    ) -> Option<Piece<K::Row>> {
        let Piece { mut rows, receipts, is_whole } = piece;
        let is_single = rows.len() == 1 && self.stage.splits();
        let mut context = match rows.list.as_slice() {
            // If the call fails, this one record failed. That is not so for a row that was made of several, or of another record.
            [(context, _)] if is_single && owes(&receipts, context) => context.keep(true),
            [(context, _), ..] => context.of_many(rows.len()),
            [] => return None,
        };
        // A half is tried once: the other attempts are left to single rows.
        let repeats = self.stage.repeats() && (is_whole || is_single);
        let mut pauses = None;
        self.tell(&rows);
        loop {
            let reports = S::REPORT != Reporting::Never && host.reports().is_on();
            let keep = reports || repeats || (self.stage.splits() && rows.len() > 1);
            let admitted = self.stage.admit(host).await;
            let mut turn =
                self.stage.turn(host, || rows.list.iter().map(|(context, _)| context.spot()).collect());
            if let Some(turn) = &mut turn {
                turn.await;
            }
            let traces = rows.list.iter().map(|(row, _)| row.trace());
            let first = || (rows.list[0].0.emit_id(), rows.list[0].0.attempt());
            let span = host.traces().batch(&self.stage.node.path, traces, first);
            let trace = span.follow();
            let Tried { back, result } = K::call(host, &self.stage, &lane.need, rows, keep, span).await;
            admitted.ended(&result, host, &context);
            let pause =
                if repeats { self.stage.pause(host, &result, &mut context, &mut pauses) } else { None };
            let cause = match result {
                Ok(Verdict::Next(made)) => {
                    let passed = Passed { made, back, receipts, context, trace };
                    self.pass_on(lane, host, passed).await;
                    return None;
                }
                Ok(Verdict::Skip) => unreachable!("a batch stage gives no `Option`"),
                Ok(Verdict::Fail(error) | Verdict::Fatal(error)) => Cause::Stage(error),
                Err(cause) => cause,
            };
            match (back, pause) {
                (Back::Batch(back), Some(pause)) => {
                    discard(cause);
                    rows = back;
                    for (context, _) in &mut rows.list {
                        context.next_attempt();
                    }
                    host.sleep(pause).await;
                }
                (Back::Batch(rows), None) if self.stage.splits() && rows.len() > 1 => {
                    tracing::debug!(
                        stage = &*self.stage.node.path,
                        rows = rows.len(),
                        error = chain(&cause),
                        "rows failed together; their halves are tried"
                    );
                    discard(cause);
                    return Some(Piece { rows, receipts, is_whole });
                }
                (back, _) => {
                    if host.reports().is_on() {
                        back.note::<S>(&mut context);
                    }
                    self.give_up(lane, host, cause, receipts, context).await;
                    return None;
                }
            }
        }
    }

    async fn pass_on(
        &self,
        lane: &mut StageLane<Arc<S::Need>, D::Lane>,
        host: &Host,
        passed: Passed<K::Row, K::Made>,
    ) {
        let Passed { made, back, receipts, mut context, trace } = passed;
        let (receipt, mut list) = match made {
            Made::Same(rows, as_made) => {
                self.report_finished(host, &mut context, |context| note::<S, _>(context, &rows));
                (Receipt::many(receipts), as_made(rows).list)
            }
            Made::Parts(parts) => match self.count_skips(host, parts, receipts) {
                Ok(handed) => {
                    self.report_finished(host, &mut context, |context| back.note::<S>(context));
                    handed
                }
                Err((cause, receipts)) => {
                    // The stage is at fault, not one of its rows.
                    let mut context = context.of_many(receipts.len());
                    if host.reports().is_on() {
                        back.note::<S>(&mut context);
                    }
                    return self
                        .carry_on(lane, host, Receipt::many(receipts), context, Step::Failed(cause))
                        .await;
                }
            },
        };
        // Copies are not kept while the nodes below have no room.
        drop(back);
        first_attempts(&mut list);
        let Some((rows, mut context)) = Batch::begin(list) else {
            receipt.settle(Outcome::Healed);
            return;
        };
        // One of them is counted where they are carried on.
        host.counts().give(self.stage.node.id, rows.len() as u64 - 1);
        context.set_trace(trace);
        self.carry_on(lane, host, receipt, context, Step::Next(rows)).await;
    }

    /// Reports a call that finished, where all are.
    fn report_finished(&self, host: &Host, context: &mut Context, note: impl FnOnce(&mut Context)) {
        if S::REPORT == Reporting::All && host.reports().is_on() {
            note(context);
        }
        self.stage.reports_success(host, context);
    }

    /// Gives rows their receipts back, and counts those that were skipped.
    fn count_skips(&self, host: &Host, parts: Parts<K::Made>, receipts: Vec<Receipt>) -> Handed<K::Made> {
        let reasons: Vec<_> = parts.skipped.iter().map(|(_, reason)| *reason).collect();
        let back = hand_back(parts, receipts)?;
        for reason in reasons {
            host.count(self.stage.node.id, Rare::Skipped(reason));
        }
        Ok(back)
    }

    /// Tells which records a batch is made of, where that is to be logged.
    fn tell(&self, rows: &Batch<K::Row>) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let _inside = observe::enter(here(rows), self.stage.node.id);
            let name = |(context, _): &(Context, _)| {
                format!(
                    "{}[{}]@{} {}",
                    context.topic(),
                    context.partition(),
                    context.offset(),
                    context.emit_id()
                )
            };
            let members: Vec<_> = rows.list.iter().map(name).collect();
            tracing::debug!(stage = &*self.stage.node.path, rows = rows.len(), ?members, "a batch begins");
        }
    }

    async fn give_up(
        &self,
        lane: &mut StageLane<Arc<S::Need>, D::Lane>,
        host: &Host,
        cause: Cause,
        receipts: Vec<Receipt>,
        context: Context,
    ) {
        let receipt = Receipt::many(receipts);
        let node = self.stage.node.id;
        let step = failing::wait_for_dead_letter(host, node, cause, &receipt, &context).await;
        self.carry_on(lane, host, receipt, context, step).await;
    }

    async fn carry_on(
        &self,
        lane: &mut StageLane<Arc<S::Need>, D::Lane>,
        host: &Host,
        receipt: Receipt,
        mut context: Context,
        step: Step<S::Out>,
    ) {
        let StageNode { node, next, .. } = &self.stage;
        boundary::pass_on(host, next, &mut lane.next, node.id, receipt, &mut context, step).await;
    }
}
