//! The interface of the engine to the world that it runs in.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::Held;
use crate::envelope::Desk;

/// Threads, tasks and time of a world. Nodes and driver touch no thread, executor or clock but through it.
pub(crate) trait Runtime: Send + Sync + 'static {
    fn spawn(&self, task: BoxFuture<'static, ()>);
    fn blocking(&self, work: Box<dyn FnOnce() + Send>);
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// A thread for work that blocks, one piece after the other.
    fn worker(&self, name: &str) -> std::io::Result<Box<dyn Worker>>;
    /// The time since the pipeline began.
    fn now(&self) -> Duration;
    /// A number that was never given before, by any process.
    fn random(&self) -> u64;
    /// When a chunk that begins now is to end; `None` where time stands still meanwhile.
    fn chunk_end(&self) -> Option<Instant>;
    /// The bytes that all pipelines of this process hold.
    fn held(&self) -> Held;
    /// Waits until the desk is worth a look, at most `wait`.
    fn rest(&self, desk: &Desk, wait: Duration);
}

/// A thread that does one piece of work after the other.
pub(crate) trait Worker: Send {
    fn give(&self, work: Box<dyn FnOnce() + Send>);
    /// Waits for the given work, not longer than `budget`; says whether all of it is done.
    fn finish(self: Box<Self>, budget: Duration) -> bool;
}
