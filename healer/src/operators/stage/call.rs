//! How a function of one value is called beyond the poll thread.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{AsyncStage, Stage, SyncStage, Verdict, guarded};
use crate::{
    context::Context,
    engine::Host,
    error::{Cause, panic_message},
    topology::Runs,
};

/// What a call came to.
pub struct Called<U> {
    pub(super) context: Context,
    pub(super) result: Result<Verdict<U>, Cause>,
}

/// A way to call the function of a stage.
pub trait Calls<S: Stage>: Send + Sync + 'static {
    #[doc(hidden)]
    const RUNS: Runs;

    /// Calls it; gives the context back.
    #[doc(hidden)]
    fn call<'a>(
        host: &'a Host,
        need: &'a Arc<S::Need>,
        value: S::In,
        context: Context,
    ) -> impl Future<Output = Called<S::Out>> + Send + 'a;
}

/// In the task that it is in.
pub struct Awaited;

impl<S: AsyncStage> Calls<S> for Awaited {
    const RUNS: Runs = Runs::Awaited;

    async fn call(_: &Host, need: &Arc<S::Need>, value: S::In, context: Context) -> Called<S::Out> {
        let result = guarded(S::call(value, &context, need)).await;
        Called { context, result }
    }
}

/// On a thread that it may block.
pub struct Blocking;

impl<S: SyncStage> Calls<S> for Blocking {
    const RUNS: Runs = Runs::Blocking;

    async fn call(host: &Host, need: &Arc<S::Need>, value: S::In, context: Context) -> Called<S::Out> {
        let (need, spare) = (Arc::clone(need), context.keep(false));
        let call = move || {
            let result = catch_unwind(AssertUnwindSafe(|| S::call(value, &context, &need)));
            Called { context, result: result.map_err(|panic| Cause::Panic(panic_message(&*panic))) }
        };
        let gone = |gone: Box<dyn Any + Send>| Cause::Panic(panic_message(&*gone));
        host.blocking(call).await.unwrap_or_else(|error| Called { context: spare, result: Err(gone(error)) })
    }
}
