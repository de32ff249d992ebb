//! How long a call waits for its turn, and how long it may take.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use pin_project_lite::pin_project;

use super::StageNode;
use crate::{engine::Host, error::Cause};

pin_project! {
    /// A call that begins when it is its turn and has its time from then on. Not an `async fn`: those hold what they are given
    /// twice, and a call is moved with all that it holds.
    pub(in crate::operators) struct Timed<'h, F> {
        #[pin]
        call: F,
        host: &'h Host,
        turn: Option<BoxFuture<'static, ()>>,
        limit: Option<Duration>,
        timer: Option<BoxFuture<'static, ()>>,
    }
}

impl<S, D> StageNode<S, D> {
    /// The wait for the turn of the next call, if there is one to wait for.
    pub(in crate::operators) fn turn(&self, host: &Host) -> Option<BoxFuture<'static, ()>> {
        let wait = self.handling.rate.as_ref()?.take(host.now());
        (!wait.is_zero()).then(|| host.sleep(wait))
    }

    /// Lets a call take the time that the stage has.
    pub(in crate::operators) fn in_time<'h, F>(&self, host: &'h Host, call: F) -> Timed<'h, F> {
        Timed { call, host, turn: None, limit: self.handling.timeout, timer: None }
    }

    /// The same, when it is its turn.
    pub(super) fn in_turn<'h, F>(&self, host: &'h Host, call: F) -> Timed<'h, F> {
        Timed { turn: self.turn(host), ..self.in_time(host, call) }
    }
}

impl<U, F: Future<Output = Result<U, Cause>>> Future for Timed<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(turn) = this.turn {
            ready!(turn.poll_unpin(task));
            *this.turn = None;
        }
        let Some(limit) = *this.limit else { return this.call.poll(task) };
        let timer = this.timer.get_or_insert_with(|| this.host.sleep(limit));
        match this.call.poll(task) {
            Poll::Pending => timer.poll_unpin(task).map(|()| Err(Cause::TimedOut(limit))),
            ended @ Poll::Ready(_) => ended,
        }
    }
}

/// Runs a user's future; a panic is its failure.
pub(in crate::operators) fn guarded<T>(
    call: impl Future<Output = T> + Send,
) -> impl Future<Output = Result<T, Cause>> + Send {
    AssertUnwindSafe(call).catch_unwind().map_err(|panic| Cause::of_panic(&*panic))
}
