//! How a function of one value is called beyond the poll thread.

use std::{
    any::Any,
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use backon::ExponentialBackoff;
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{AsyncStage, Stage, StageNode, SyncStage, Verdict, guarded};
use crate::{context::Context, engine::Host, error::Cause, topology::Runs};

/// What a call came to.
pub struct Called<U> {
    pub(super) context: Context,
    pub(super) result: Result<Verdict<U>, Cause>,
}

/// The right to call, where a stage bounds how many may do so at once.
pub struct Slot {
    /// `None` where there is no bound.
    bound: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// One call after the other needs no permit.
    pub(super) const FREE: Self = Self { bound: None, permit: None };

    pub(super) fn new(bound: Arc<Semaphore>, permit: OwnedSemaphorePermit) -> Self {
        Self { bound: Some(bound), permit: Some(permit) }
    }

    /// Whoever pauses leaves the right to others.
    fn free(&mut self) {
        self.permit = None;
    }

    async fn take(&mut self) {
        if let Some(bound) = &self.bound {
            // It is never closed.
            self.permit = Arc::clone(bound).acquire_owned().await.ok();
        }
    }
}

/// A way to call the function of a stage.
pub trait Calls<S: Stage>: Send + Sync + 'static {
    #[doc(hidden)]
    const RUNS: Runs;

    /// Calls it; gives the context back.
    #[doc(hidden)]
    fn call<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        slot: Slot,
        need: &'a Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> impl Future<Output = Called<S::Out>> + Send + 'a;
}

/// In the task that it is in.
pub struct Awaited;

impl<S: AsyncStage> Calls<S> for Awaited {
    const RUNS: Runs = Runs::Awaited;

    async fn call<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        _slot: Slot,
        need: &Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> Called<S::Out> {
        stage.turn(host).await;
        let result = in_time(host, stage, guarded(S::call(value, &context, need))).await;
        Called { context, result }
    }
}

/// On a thread that it may block.
pub struct Blocking;

impl<S: SyncStage> Calls<S> for Blocking {
    const RUNS: Runs = Runs::Blocking;

    async fn call<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        _slot: Slot,
        need: &Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> Called<S::Out> {
        stage.turn(host).await;
        let need = Arc::clone(need);
        let (context, result) =
            on_a_thread(host, context, move |context| S::call(value, context, &need)).await;
        Called { context, result }
    }
}

/// A stage whose function may be called again with what it was called with.
pub trait AgainStage: Stage {
    /// Calls the user's function; what is asynchronous about it is the function's.
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

    /// Calls the function; gives the value back, unless it went down with the pool.
    #[doc(hidden)]
    fn attempt<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        need: &'a Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> impl Future<Output = (Option<S::In>, Called<S::Out>)> + Send + 'a;
}

impl<S: AgainStage, C: Attempts<S>> Calls<S> for Again<C> {
    const RUNS: Runs = C::RUNS;

    async fn call<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        slot: Slot,
        need: &Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> Called<S::Out> {
        try_again::<S, C, D>(host, stage, slot, need, value, context, None).await
    }
}

/// Makes attempts until one succeeds or the policy has had enough; `pauses` are those that are left.
pub(super) async fn try_again<S: AgainStage, C: Attempts<S>, D: Sync>(
    host: &Host,
    stage: &StageNode<S, D>,
    mut slot: Slot,
    need: &Arc<S::Need>,
    mut value: S::In,
    mut context: Context,
    mut pauses: Option<ExponentialBackoff>,
) -> Called<S::Out> {
    loop {
        let (back, mut called) = C::attempt(host, stage, need, value, context).await;
        let Some(back) = back else { return called };
        let Some(pause) = stage.pause(&called.result, &mut called.context, &mut pauses) else {
            return called;
        };
        (value, context) = (back, called.context);
        slot.free();
        host.sleep(pause).await;
        slot.take().await;
    }
}

impl<S: AgainStage> Attempts<S> for Awaited {
    const RUNS: Runs = Runs::Awaited;

    async fn attempt<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        need: &Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> (Option<S::In>, Called<S::Out>) {
        stage.turn(host).await;
        let result = in_time(host, stage, guarded(S::again(&value, &context, need))).await;
        (Some(value), Called { context, result })
    }
}

impl<S: AgainStage<In: Sync>> Attempts<S> for Blocking {
    const RUNS: Runs = Runs::Blocking;

    async fn attempt<D: Sync>(
        host: &Host,
        stage: &StageNode<S, D>,
        need: &Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> (Option<S::In>, Called<S::Out>) {
        stage.turn(host).await;
        let need = Arc::clone(need);
        let call = move |context: &Context| {
            let call = || S::again(&value, context, &need).now_or_never();
            let result = catch_unwind(AssertUnwindSafe(call));
            (value, result.map_err(|panic| Cause::of_panic(&*panic)))
        };
        let (context, called) = on_a_thread(host, context, call).await;
        let (back, result) = match called {
            // The macro's future of a synchronous function never waits.
            Ok((value, result)) => (Some(value), result.and_then(|verdict| verdict.ok_or(Cause::Lost))),
            Err(gone) => (None, Err(gone)),
        };
        (back, Called { context, result })
    }
}

/// Lets a call take the time that its stage has.
pub(in crate::operators) async fn in_time<S, D, U>(
    host: &Host,
    stage: &StageNode<S, D>,
    call: impl Future<Output = Result<U, Cause>> + Send,
) -> Result<U, Cause> {
    let Some(limit) = stage.handling.timeout else { return call.await };
    tokio::select! {
        biased;
        result = call => result,
        () = host.sleep(limit) => Err(Cause::TimedOut(limit)),
    }
}

/// Calls where it may block; gives the context back, after a panic without key and headers.
async fn on_a_thread<R: Send + 'static>(
    host: &Host,
    context: Context,
    call: impl FnOnce(&Context) -> R + Send + 'static,
) -> (Context, Result<R, Cause>) {
    let spare = context.keep(false);
    let work = move || {
        let result = call(&context);
        (context, result)
    };
    let lost = |panic: Box<dyn Any + Send>| Cause::of_panic(&*panic);
    match host.blocking(work).await {
        Ok((context, result)) => (context, Ok(result)),
        Err(panic) => (spare, Err(lost(panic))),
    }
}
