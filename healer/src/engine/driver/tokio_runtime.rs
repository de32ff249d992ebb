//! The real world: tokio's tasks and time, and threads of our own.

use std::{
    hash::{BuildHasher as _, RandomState},
    io,
    sync::{
        LazyLock,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::{
    envelope::Desk,
    lane::{CHUNK_TIME, Held, Runtime, Worker},
};

/// The runtime that the pipeline was started in.
pub(super) struct TokioRuntime {
    pub(super) handle: Handle,
    pub(super) began: Instant,
}

impl Runtime for TokioRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.handle.spawn(task));
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(self.handle.spawn_blocking(work));
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.handle.enter();
        Box::pin(tokio::time::sleep(time))
    }

    fn worker(&self, name: &str) -> io::Result<Box<dyn Worker>> {
        let (given, queue) = channel::<Work>();
        let (end, ended) = channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            for work in queue {
                work();
            }
            // Nobody waits any more after the budget.
            let _ = end.send(());
        })?;
        Ok(Box::new(Thread { given, ended }))
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// The keys of a `RandomState` come from the operating system.
    fn random(&self) -> u64 {
        RandomState::new().hash_one(Instant::now())
    }

    fn chunk_end(&self) -> Option<Instant> {
        Some(Instant::now() + CHUNK_TIME)
    }

    fn held(&self) -> Held {
        static HELD: LazyLock<Held> = LazyLock::new(Held::default);
        HELD.clone()
    }

    fn rest(&self, desk: &Desk, wait: Duration) {
        desk.wait(wait);
    }
}

type Work = Box<dyn FnOnce() + Send>;

/// The giving end of a thread that ends with it, after the work that is under way.
struct Thread {
    given: Sender<Work>,
    ended: Receiver<()>,
}

impl Worker for Thread {
    fn give(&self, work: Work) {
        // The thread lives as long as this end.
        drop(self.given.send(work));
    }

    fn finish(self: Box<Self>, budget: Duration) -> bool {
        drop(self.given);
        self.ended.recv_timeout(budget).is_ok()
    }
}
