//! How long a call waits for its turn, and how long it may take.
//!
//! A stage's attempts and pauses (`retry`, backon's exponential back-off, its jitter seeded by the record) and its `timeout` are
//! a loop around the call, in the task that the call is in: the record keeps its place, so order and back-pressure hold as if the
//! call took that long. A synchronous stage with `retry` stays fused: the first attempt runs where the record is, and one that
//! has to pause leaves for a task (`stage/retrying.rs`). On the poll thread its partition rests meanwhile (`Hold`), the others
//! run on; in a task the records behind it follow through the same queue, in order.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use pin_project_lite::pin_project;

use super::{StageNode, Verdict, verdict};
use crate::{
    context::Context as RecordContext,
    envelope::{Rest, Spot},
    error::{Cause, catch},
    lane::Host,
    observe::{self, Here, Span},
};

pin_project! {
    /// A call that begins when it is its turn and has its time from then on. Not an `async fn`: those hold their arguments twice,
    /// and a call is moved with all that it holds.
    pub(in crate::operators) struct Timed<'h, F> {
        #[pin]
        call: F,
        host: &'h Host,
        turn: Option<RateWait>,
        limit: Option<Duration>,
        timer: Option<BoxFuture<'static, ()>>,
        watch: Option<Stopwatch>,
        span: Span,
    }
}

/// How a call is observed while it runs.
pub(in crate::operators) struct Look {
    /// Whether its duration is measured.
    pub(in crate::operators) measured: bool,
    pub(in crate::operators) span: Span,
}

/// When a call that is measured began, and of which node.
struct Stopwatch {
    node: u32,
    began: Option<Duration>,
}

impl<S, D> StageNode<S, D> {
    /// The wait of these records for the turn of their call, if there is one to wait for.
    pub(in crate::operators) fn turn(
        &self,
        host: &Host,
        records: impl FnOnce() -> Vec<Spot>,
    ) -> Option<RateWait> {
        let rate = self.handling.rate.as_ref()?;
        let now = host.now();
        let wait = rate.take(now);
        (!wait.is_zero()).then(|| {
            let rest = host.shared().desk.rests.begin(wait, now, records);
            RateWait(Box::new(Wait { sleep: Some(host.sleep(wait)), _rest: rest }))
        })
    }

    /// How a record's call is observed while it runs.
    pub(super) fn look(&self, context: &RecordContext) -> Look {
        Look { measured: context.watch().is_measured(), span: context.call(&self.node.path) }
    }

    /// Lets a call take the time that the stage has.
    #[inline]
    pub(in crate::operators) fn in_time<'h, F>(&self, host: &'h Host, call: F, look: Look) -> Timed<'h, F> {
        self.timed(host, None, call, look)
    }

    /// The same, when it is its turn.
    #[inline]
    pub(super) fn in_turn<'h, F>(
        &self,
        host: &'h Host,
        call: F,
        look: Look,
        turn: Option<RateWait>,
    ) -> Timed<'h, F> {
        self.timed(host, turn, call, look)
    }

    // Inlined, as those above: each of them would move the call once more.
    #[inline]
    fn timed<'h, F>(
        &self,
        host: &'h Host,
        turn: Option<RateWait>,
        call: F,
        Look { measured, span }: Look,
    ) -> Timed<'h, F> {
        let watch = measured.then_some(Stopwatch { node: self.node.id, began: None });
        Timed { call, host, turn, limit: self.handling.timeout, timer: None, watch, span }
    }
}

/// The wait for the turn of a call. Kept until that has ended: how long it takes counts from then on. Boxed, since few calls wait and each
/// is moved with all that it holds.
pub(in crate::operators) struct RateWait(Box<Wait>);

struct Wait {
    sleep: Option<BoxFuture<'static, ()>>,
    _rest: Option<Rest>,
}

impl Future for RateWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.0.sleep {
            ready!(sleep.poll_unpin(task));
            self.0.sleep = None;
        }
        Poll::Ready(())
    }
}

impl<U, F: Future<Output = Result<Verdict<U>, Cause>>> Future for Timed<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(turn) = this.turn {
            ready!(turn.poll_unpin(task));
        }
        if let Some(watch) = this.watch {
            watch.began.get_or_insert_with(|| this.host.now());
        }
        this.span.begin();
        let ended = match *this.limit {
            None => this.call.poll(task),
            Some(limit) => {
                let timer = this.timer.get_or_insert_with(|| this.host.sleep(limit));
                match this.call.poll(task) {
                    Poll::Pending => timer.poll_unpin(task).map(|()| Err(Cause::TimedOut(limit))),
                    ended @ Poll::Ready(_) => ended,
                }
            }
        };
        if let Poll::Ready(result) = &ended {
            this.span.end(verdict::ended(result));
        }
        if ended.is_ready()
            && let Some(Stopwatch { node, began: Some(began) }) = this.watch.take()
        {
            this.host.measures().took(node, this.host.now().saturating_sub(began));
        }
        ended
    }
}

pin_project! {
    /// A user's future, with the record that it works on: wherever it is polled, that thread works on it.
    pub(in crate::operators) struct Guarded<F> {
        #[pin]
        call: F,
        here: Here,
        node: u32,
    }
}

/// Runs a user's future; a panic is its failure.
#[inline]
pub(in crate::operators) fn guarded<F>(call: F, here: Here, node: u32) -> Guarded<F> {
    Guarded { call, here, node }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, Cause>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _inside = observe::enter(*this.here, *this.node);
        match catch(|| this.call.poll(task)) {
            Ok(polled) => polled.map(Ok),
            // It is not polled again: the waiting task has its result.
            Err(panicked) => Poll::Ready(Err(Cause::Panic(panicked))),
        }
    }
}
