//! How a batch is worked on: whole, again, and by halves down to single rows.

use std::{future::Future, marker::PhantomData, sync::Arc};

use super::{
    Rows,
    batch::Parts,
    hand_back::{Handed, hand_back, receipts_of},
};
use crate::{
    context::Context,
    engine::Host,
    envelope::{Outcome, Receipt},
    error::Cause,
    observe::{self, Here, Rare, Span, Trace},
    operators::{
        boundary::{self, Envelope, Inbox, Serve, ServeOne, Step},
        failing,
        stage::{Reporting, Stage, StageLane, StageNode, Verdict},
    },
    reports::RowReport,
    stream::Consumer,
};

/// The rows of a batch, each with where it comes from.
pub type List<T> = Vec<(Context, T)>;

/// What names a batch in logs; one is never empty.
pub(super) fn here<T>(list: &List<T>) -> Here {
    let rows = u32::try_from(list.len()).unwrap_or(u32::MAX);
    list.first().map_or_else(Here::nowhere, |(context, _)| Here { batch: Some(rows), ..context.here() })
}

/// What a call made of a batch.
pub(super) enum Made<U> {
    /// It only read them.
    Same(List<U>),
    /// It transformed them.
    Parts(Parts<U>),
}

/// What a call came to.
pub struct Tried<T, U> {
    /// The list where it failed and another call is to follow.
    pub(super) back: Option<List<T>>,
    pub(super) result: Result<Verdict<Made<U>>, Cause>,
}

/// A way to call the function of a batch stage once.
pub trait Tries<S: Stage<In = Rows<Self::Row>, Out = Rows<Self::Made>>>: Send + Sync + 'static {
    /// A row that goes in.
    type Row: Send + 'static;
    /// A row that comes out.
    type Made: Send + 'static;

    /// Calls it. `keep` says whether the list is wanted back, `span` is told how long it took.
    fn call<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        need: &'a Arc<S::Need>,
        list: List<Self::Row>,
        keep: bool,
        span: Span,
    ) -> impl Future<Output = Tried<Self::Row, Self::Made>> + Send + 'a;
}

/// A batch stage and what follows.
pub struct Work<S, K, D> {
    stage: StageNode<S, D>,
    kind: PhantomData<fn() -> K>,
}

impl<S, K, D> Work<S, K, D> {
    pub(super) fn new(stage: StageNode<S, D>) -> Self {
        Self { stage, kind: PhantomData }
    }
}

/// Rows that are worked on together.
struct Piece<T> {
    list: List<T>,
    receipts: Vec<Receipt>,
    /// Whether it is the batch that came in.
    is_whole: bool,
}

impl<T> Piece<T> {
    /// The second half is to come after the first.
    fn halves(self) -> [Self; 2] {
        let Self { mut list, mut receipts, .. } = self;
        first_attempts(&mut list);
        let half = list.len().div_ceil(2);
        let second = Self { list: list.split_off(half), receipts: receipts.split_off(half), is_whole: false };
        [Self { list, receipts, is_whole: false }, second]
    }

    /// What is left to be run. The batch that came in is run for the partitions that have not failed; of its parts, rows behind
    /// one that failed come back, and the reason has been told.
    fn without_halted(self) -> Self {
        if self.is_whole {
            return self;
        }
        let Self { list, receipts, is_whole } = self;
        let left = list.into_iter().zip(receipts).filter(|(_, receipt)| !receipt.is_halted());
        let (list, receipts) = left.unzip();
        Self { list, receipts, is_whole }
    }
}

/// Notes what a batch that is given up was made of.
fn note<T>(
    context: &mut Context,
    list: List<T>,
    report: Reporting,
    write: fn(&Rows<T>, &mut Vec<u8>) -> bool,
) {
    context.take_notes();
    let Some(notes) = context.notes() else { return };
    if context.is_of_many() {
        let row = |(row, _): &(Context, T)| RowReport::of(row);
        notes.set_rows(list.iter().map(row).collect());
    }
    if report != Reporting::Never {
        let rows = Rows { list };
        notes.input(|json| write(&rows, json));
    }
}

/// What comes next tries for itself.
fn first_attempts<T>(list: &mut List<T>) {
    for (context, _) in list {
        context.first_attempt();
    }
}

/// Whether what is owed is the record of a row, and nothing else.
fn owes(receipts: &[Receipt], row: &Context) -> bool {
    receipts.iter().all(|receipt| receipt.is_of(row.topic(), row.partition(), row.offset()))
}

impl<S, K, D> Serve<S::In> for Work<S, K, D>
where
    S: Stage<In = Rows<K::Row>, Out = Rows<K::Made>>,
    K: Tries<S>,
    D: Consumer<S::Out>,
{
    type Lane = StageLane<Arc<S::Need>, D::Lane>;
    // Every row says where it comes from.
    const READS: bool = true;

    fn node(&self) -> u32 {
        self.stage.node.id
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

impl<S, K, D> ServeOne<S::In> for Work<S, K, D>
where
    S: Stage<In = Rows<K::Row>, Out = Rows<K::Made>>,
    K: Tries<S>,
    D: Consumer<S::Out>,
{
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<S::In>) {
        let Envelope { value: Rows { mut list }, receipt, .. } = item;
        for (context, _) in &mut list {
            context.enter(&self.stage.node.path);
        }
        // The receipts wait here; the stage holds slot numbers.
        let receipts = receipts_of(list.len(), receipt.into_rows());
        let mut pieces = vec![Piece { list, receipts, is_whole: true }];
        while let Some(piece) = pieces.pop() {
            let piece = piece.without_halted();
            if piece.list.is_empty() {
                continue;
            }
            if let Some(failed) = self.try_piece(lane, host, piece).await {
                let [first, second] = failed.halves();
                pieces.extend([second, first]);
            }
        }
    }
}

impl<S, K, D> Work<S, K, D>
where
    S: Stage<In = Rows<K::Row>, Out = Rows<K::Made>>,
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
        let Piece { mut list, receipts, is_whole } = piece;
        let is_single = list.len() == 1 && self.stage.splits();
        let mut context = match list.as_slice() {
            // One record alone is what failed, if it does: not a row that was made of several, or of another record.
            [(context, _)] if is_single && owes(&receipts, context) => context.keep(true),
            [(context, _), ..] => context.of_many(list.len()),
            [] => return None,
        };
        // A half is tried once: what passes by itself is left to the attempts at single rows.
        let repeats = self.stage.repeats() && (is_whole || is_single);
        let mut pauses = None;
        self.tell(&list);
        loop {
            let reports = S::REPORT != Reporting::Never && host.reports().is_on();
            let keep = reports || repeats || (self.stage.splits() && list.len() > 1);
            let admitted = self.stage.admit(host).await;
            if let Some(turn) = self.stage.turn(host) {
                turn.await;
            }
            let span = host.traces().batch(&self.stage.node.path, &list);
            let trace = span.follow();
            let Tried { back, result } = K::call(host, &self.stage, &lane.need, list, keep, span).await;
            admitted.ended(&result, host);
            let pause =
                if repeats { self.stage.pause(host, &result, &mut context, &mut pauses) } else { None };
            let cause = match result {
                Ok(Verdict::Next(made)) => {
                    self.pass_on(lane, host, made, receipts, context, trace).await;
                    return None;
                }
                Ok(Verdict::Skip) => unreachable!("a batch stage gives no `Option`"),
                Ok(Verdict::Fail(error) | Verdict::Fatal(error)) => Cause::Stage(error),
                Err(cause) => cause,
            };
            match (back, pause) {
                (Some(back), Some(pause)) => {
                    list = back;
                    for (context, _) in &mut list {
                        context.next_attempt();
                    }
                    host.sleep(pause).await;
                }
                (Some(list), None) if self.stage.splits() && list.len() > 1 => {
                    tracing::debug!(stage = &*self.stage.node.path, rows = list.len(), error = %cause, "rows failed together; their halves are tried");
                    return Some(Piece { list, receipts, is_whole });
                }
                (back, _) => {
                    if let Some(list) = back.filter(|_| host.reports().is_on()) {
                        note(&mut context, list, S::REPORT, S::report_json);
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
        made: Made<K::Made>,
        receipts: Vec<Receipt>,
        context: Context,
        trace: Trace,
    ) {
        let (receipt, step) = match made {
            Made::Same(mut list) => {
                first_attempts(&mut list);
                (Receipt::many(receipts), Step::Next(Rows { list }))
            }
            Made::Parts(parts) => match self.count_skips(host, parts, receipts) {
                Ok((receipt, rows)) if rows.is_empty() => {
                    receipt.settle(Outcome::Healed);
                    return;
                }
                Ok((receipt, mut rows)) => {
                    first_attempts(&mut rows.list);
                    (receipt, Step::Next(rows))
                }
                Err((cause, receipts)) => (Receipt::many(receipts), Step::Failed(cause)),
            },
        };
        let rows = if let Step::Next(rows) = &step { rows.len() } else { 1 };
        // One of them is counted where they are carried on.
        host.counts().give(self.stage.node.id, rows as u64 - 1);
        let mut context = context.of_many(rows);
        context.set_trace(trace);
        context.first_attempt();
        self.carry_on(lane, host, receipt, context, step).await;
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
    fn tell(&self, list: &List<K::Row>) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let _inside = observe::enter(here(list), self.stage.node.id);
            let name = |(context, _): &(Context, _)| {
                format!(
                    "{}[{}]@{} {}",
                    context.topic(),
                    context.partition(),
                    context.offset(),
                    context.emit_id()
                )
            };
            let members: Vec<_> = list.iter().map(name).collect();
            tracing::debug!(stage = &*self.stage.node.path, rows = list.len(), ?members, "a batch begins");
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
        boundary::carry_on(host, next, &mut lane.next, node.id, receipt, &mut context, step);
        next.room(&mut lane.next).await;
    }
}
