//! Something that answers each call after a while, as a service does: to a tenth of a millisecond. Tokio's timers have a grain of
//! a whole one, so that `sleep(1ms)` takes twice as long as the same wait in other languages.

use std::{
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

/// A thread that answers calls in their order; it ends with the last possible caller.
#[derive(Debug)]
pub(crate) struct Service {
    calls: Sender<(Instant, oneshot::Sender<()>)>,
    takes: Duration,
}

impl Service {
    /// One whose every call takes so long.
    pub(crate) fn new(takes: Duration) -> Self {
        let (calls, called) = channel::<(Instant, oneshot::Sender<()>)>();
        thread::spawn(move || {
            for (due, answer) in called {
                // All calls take as long, so the first caller is answered first.
                thread::sleep(due.saturating_duration_since(Instant::now()));
                // A caller that gave up waiting misses nothing.
                let _ = answer.send(());
            }
        });
        Self { calls, takes }
    }

    pub(crate) async fn call(&self) {
        let (answer, answered) = oneshot::channel();
        self.calls.send((Instant::now() + self.takes, answer)).expect("the thread outlives who can call");
        answered.await.expect("every call is answered");
    }
}
