//! How a function of one value is called beyond the poll thread.

use std::{future::Future, marker::PhantomData, mem, sync::Arc, time::Duration};

use backon::ExponentialBackoff;
use futures_util::FutureExt as _;
use tokio::sync::SemaphorePermit;

use super::{Admitted, Stage, StageNode, SyncStage, Verdict, guarded, limit::Limit, verdict::ended};
use crate::{
    context::Context,
    error::{Cause, catch, discard},
    lane::Host,
    observe::{self, Ended},
    topology::{Node, Runs},
};

/// An asynchronous function of one value.
pub trait AsyncStage: Stage {
    /// Calls the user's function.
    fn call<'a>(
        input: Self::In,
        context: &'a Context,
        need: &'a Self::Need,
    ) -> impl Future<Output = Verdict<Self::Out>> + Send + 'a;
}

/// The result of a call.
pub struct Called<U>(pub(super) Result<Verdict<U>, Cause>);

/// The permission to call, where a stage bounds how many calls run at once.
pub struct CallPermit<'b> {
    /// `None` where there is no bound.
    limit: Option<&'b Limit>,
    permit: Option<SemaphorePermit<'b>>,
}

impl<'b> CallPermit<'b> {
    /// One call after the other needs no permit.
    pub(super) const FREE: Self = Self { limit: None, permit: None };

    pub(super) fn new(limit: &'b Limit, permit: SemaphorePermit<'b>) -> Self {
        Self { limit: Some(limit), permit: Some(permit) }
    }

    /// The limit that follows how long calls take, with the time at which this one begins.
    fn timed(&self, host: &Host) -> Option<(&'b Limit, Duration)> {
        self.limit.filter(|limit| limit.is_auto()).map(|limit| (limit, host.now()))
    }

    /// Leaves the permission to other calls during a pause.
    fn free(&mut self) {
        self.permit = None;
    }

    async fn take(&mut self) {
        if let Some(limit) = self.limit {
            // It is never closed.
            self.permit = limit.permits.acquire().await.ok();
        }
    }
}

/// A call that has begun: [`StageNode::end_call`] is told how it ended.
pub(super) struct BegunCall<'s> {
    admitted: Admitted<'s>,
    timed: Option<(&'s Limit, Duration)>,
}

impl<S: Stage, D> StageNode<S, D> {
    /// Begins a call for one record, beyond the poll thread, once it is admitted. Not one function with the call itself: a future
    /// around the user's would be moved once more with all that it holds.
    #[inline]
    pub(super) fn begin_call<'s>(
        &self,
        admitted: Admitted<'s>,
        host: &Host,
        permit: &CallPermit<'s>,
        context: &mut Context,
        value: &S::In,
    ) -> BegunCall<'s> {
        let timed = permit.timed(host);
        Self::expects_report(host, context);
        self.looks_at_call(host, context, value);
        BegunCall { admitted, timed }
    }

    /// Takes in how a call ended: the breaker, the limit, the measures and the reports hear of it.
    #[inline]
    pub(super) fn end_call(
        &self,
        BegunCall { admitted, timed }: BegunCall<'_>,
        host: &Host,
        context: &mut Context,
        result: &Result<Verdict<S::Out>, Cause>,
    ) {
        admitted.ended(result, host, context);
        if let Some((limit, began)) = timed
            && context.attempt() == 1
        {
            let (now, overloaded) = (host.now(), matches!(result, Err(Cause::TimedOut(_))));
            limit.ended(now.saturating_sub(began), now, overloaded);
        }
        self.looks_at_output(host, context, result);
        self.reports_end(host, context, result);
    }
}

/// A way to call the function of a stage.
pub trait Calls<S: Stage>: Send + Sync + 'static {
    #[doc(hidden)]
    const RUNS: Runs;

    /// Calls it.
    #[doc(hidden)]
    fn call<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        permit: CallPermit<'a>,
        need: &'a Arc<S::Need>,
        value: S::In,
        context: &'a mut Context,
    ) -> impl Future<Output = Called<S::Out>> + Send + 'a;
}

/// In the task that it is in.
pub struct Awaited;

impl<S: AsyncStage> Calls<S> for Awaited {
    const RUNS: Runs = Runs::Awaited;

    fn call<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        permit: CallPermit<'a>,
        need: &'a Arc<S::Need>,
        value: S::In,
        context: &'a mut Context,
    ) -> impl Future<Output = Called<S::Out>> + Send + 'a {
        let (here, look) = (context.here(), stage.look(context));
        let turn = stage.turn(host, || vec![context.spot()]);
        let call = guarded(S::call(value, context, need), here, stage.node.id);
        let call = stage.in_turn(host, call, look, turn);
        call.map(move |result| {
            drop(permit);
            Called(result)
        })
    }
}

/// On a thread that it may block.
pub struct Blocking;

impl<S: SyncStage> Calls<S> for Blocking {
    const RUNS: Runs = Runs::Blocking;

    async fn call<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        _: CallPermit<'_>,
        need: &Arc<S::Need>,
        value: S::In,
        context: &mut Context,
    ) -> Called<S::Out> {
        let mut turn = stage.turn(host, || vec![context.spot()]);
        if let Some(turn) = &mut turn {
            turn.await;
        }
        let need = Arc::clone(need);
        let call = move |context: &Context| S::call(value, context, &need);
        Called(on_a_thread(host, &stage.node, context, call, Verdict::ended).await)
    }
}

/// A stage whose function may be called again with the same value.
pub trait AgainStage: Stage {
    /// Calls the user's function; the future waits only where that function does.
    fn again<'a>(
        input: &'a Self::In,
        context: &'a Context,
        need: &'a Self::Need,
    ) -> impl Future<Output = Verdict<Self::Out>> + Send + 'a;
}

/// As `C`, again and again until it succeeds or the policy has had enough. Between two attempts the record waits in its task.
pub struct Again<C>(PhantomData<C>);

/// A way to make one attempt, after which there may be another.
pub trait Attempts<S: AgainStage>: Send + Sync + 'static {
    #[doc(hidden)]
    const RUNS: Runs;

    /// Calls the function with the value that is there, and leaves it there unless it went down with the pool.
    #[doc(hidden)]
    fn attempt<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        need: &'a Arc<S::Need>,
        value: &'a mut Option<S::In>,
        context: &'a mut Context,
    ) -> impl Future<Output = Called<S::Out>> + Send + 'a;
}

impl<S: AgainStage, C: Attempts<S>> Calls<S> for Again<C> {
    const RUNS: Runs = C::RUNS;

    fn call<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        permit: CallPermit<'a>,
        need: &'a Arc<S::Need>,
        value: S::In,
        context: &'a mut Context,
    ) -> impl Future<Output = Called<S::Out>> + Send + 'a {
        try_again::<S, C, D>(host, stage, permit, need, value, context, None)
    }
}

/// Makes attempts until one succeeds or the policy has had enough; `pauses` are those that are left.
pub(super) async fn try_again<S: AgainStage, C: Attempts<S>, D: Sync>(
    host: &Host,
    stage: &StageNode<S, D>,
    mut permit: CallPermit<'_>,
    need: &Arc<S::Need>,
    value: S::In,
    context: &mut Context,
    mut pauses: Option<ExponentialBackoff>,
) -> Called<S::Out> {
    let mut value = Some(value);
    loop {
        let called = C::attempt(host, stage, need, &mut value, context).await;
        if value.is_none() {
            return called;
        }
        let Some(pause) = stage.pause(host, &called.0, context, &mut pauses) else { return called };
        discard(called);
        permit.free();
        host.sleep(pause).await;
        permit.take().await;
    }
}

impl<S: AgainStage> Attempts<S> for Awaited {
    const RUNS: Runs = Runs::Awaited;

    async fn attempt<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        need: &Arc<S::Need>,
        value: &mut Option<S::In>,
        context: &mut Context,
    ) -> Called<S::Out> {
        let Some(value) = value else { return Called(Err(Cause::Lost)) };
        // A function that takes the value as its own gets a copy, and a user's `Clone` may panic.
        match catch(|| S::again(value, context, need)) {
            Ok(call) => {
                let call = guarded(call, context.here(), stage.node.id);
                let turn = stage.turn(host, || vec![context.spot()]);
                Called(stage.in_turn(host, call, stage.look(context), turn).await)
            }
            Err(panicked) => Called(Err(Cause::Panic(panicked))),
        }
    }
}

impl<S: AgainStage<In: Sync>> Attempts<S> for Blocking {
    const RUNS: Runs = Runs::Blocking;

    async fn attempt<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        need: &Arc<S::Need>,
        value: &mut Option<S::In>,
        context: &mut Context,
    ) -> Called<S::Out> {
        let mut turn = stage.turn(host, || vec![context.spot()]);
        if let Some(turn) = &mut turn {
            turn.await;
        }
        let need = Arc::clone(need);
        let Some(lent) = value.take() else { return Called(Err(Cause::Lost)) };
        let call = move |context: &Context| {
            let call = || S::again(&lent, context, &need).now_or_never();
            let result = catch(call).map_err(Cause::Panic);
            // The macro's future of a synchronous function never waits.
            (lent, result.and_then(|verdict| verdict.ok_or(Cause::Lost)))
        };
        let called =
            on_a_thread(host, &stage.node, context, call, of_attempt).await.and_then(|(back, result)| {
                *value = Some(back);
                result
            });
        Called(called)
    }
}

fn of_attempt<T, U>((_, result): &(T, Result<Verdict<U>, Cause>)) -> Ended<'_> {
    ended(result)
}

/// Calls on a thread that the call may block; `ended` reads from the result how the call has ended. After a panic the context is
/// without key and headers.
async fn on_a_thread<R: Send + 'static>(
    host: &Host,
    node: &Node,
    context: &mut Context,
    call: impl FnOnce(&Context) -> R + Send + 'static,
    ended: impl FnOnce(&R) -> Ended<'_> + Send + 'static,
) -> Result<R, Cause> {
    let spare = context.keep(false);
    let lent = mem::replace(context, spare);
    let (shared, node, mut span) = (Arc::clone(host.shared()), node.id, lent.call(&node.path));
    let work = move || {
        let _inside = observe::enter(lent.here(), node);
        span.begin();
        let began = lent.watch().is_measured().then(|| shared.runtime.now());
        let result = call(&lent);
        span.end(ended(&result));
        if let Some(began) = began {
            shared.measures.took(node, shared.runtime.now().saturating_sub(began));
        }
        (lent, result)
    };
    let (back, result) = host.blocking(work).await?;
    *context = back;
    Ok(result)
}
