//! tokio as the engine's threads, tasks and time.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::engine::Runtime;

/// The runtime that the pipeline was started in.
pub(super) struct TokioRuntime(pub(super) Handle);

impl Runtime for TokioRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.0.spawn(task));
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(self.0.spawn_blocking(work));
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.0.enter();
        Box::pin(tokio::time::sleep(time))
    }
}
