//! Tasks, work and time on one thread.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime as Tokio};

use crate::{
    envelope::Desk,
    lane::{Held, Runtime, Worker},
};

type Work = Box<dyn FnOnce() + Send>;

/// Runs tasks and workers in turn; elsewhere they have threads of their own.
pub(super) struct OneThread {
    tokio: Tokio,
    began: tokio::time::Instant,
    /// Work of all workers, in the order in which it was given.
    work: Arc<Mutex<VecDeque<Work>>>,
}

impl OneThread {
    pub(super) fn new() -> Self {
        let tokio = Builder::new_current_thread().enable_time().start_paused(true).build();
        let tokio = tokio.expect("a runtime without threads and sockets needs nothing of the system");
        let began = tokio.block_on(async { tokio::time::Instant::now() });
        Self { tokio, began, work: Arc::default() }
    }

    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.tokio.block_on(future)
    }

    /// Lets work and tasks go on that can.
    pub(super) fn give_way(&self) {
        while let Some(work) = next(&self.work) {
            work();
        }
        self.block_on(tokio::task::yield_now());
    }

    /// Lets time pass; the clock leaps where nothing goes on meanwhile.
    pub(super) fn pass(&self, time: Duration) {
        self.block_on(async { tokio::time::sleep(time).await });
    }
}

fn next(work: &Mutex<VecDeque<Work>>) -> Option<Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

impl Runtime for OneThread {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.tokio.spawn(task));
    }

    fn blocking(&self, work: Work) {
        drop(self.tokio.spawn_blocking(work));
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.tokio.enter();
        Box::pin(tokio::time::sleep(time))
    }

    fn worker(&self, _: &str) -> io::Result<Box<dyn Worker>> {
        Ok(Box::new(Line(Arc::clone(&self.work))))
    }

    fn now(&self) -> Duration {
        let _entered = self.tokio.enter();
        self.began.elapsed()
    }

    /// A run here keeps nothing for another run.
    fn random(&self) -> u64 {
        0
    }

    /// Time stands still while a chunk runs.
    fn chunk_end(&self) -> Option<Instant> {
        None
    }

    /// One pipeline is all that there is in its process.
    fn held(&self) -> Held {
        Held::default()
    }

    fn rest(&self, desk: &Desk, wait: Duration) {
        self.give_way();
        let mut arrived = false;
        desk.peek(|_| arrived = true);
        if !arrived {
            self.pass(wait);
        }
    }
}

/// Queues work for [`OneThread::give_way`].
struct Line(Arc<Mutex<VecDeque<Work>>>);

impl Worker for Line {
    fn give(&self, work: Work) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(work);
    }

    fn finish(self: Box<Self>, _: Duration) -> bool {
        while let Some(work) = next(&self.0) {
            work();
        }
        true
    }
}
