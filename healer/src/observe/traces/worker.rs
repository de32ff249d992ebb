//! The thread that sends spans: in batches, each within its time, and never longer than it may when all is to end.

use std::{mem, sync::Arc, time::Duration};

use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::{Resource, trace::SpanExporter};
use tokio::{
    sync::{mpsc::Receiver, watch},
    time::{Instant, sleep, timeout},
};

use super::{finished::Finished, tracer::Tracer};

/// How many spans are sent at once.
const BATCH: usize = 512;

/// How long spans wait for others.
const BATCH_WAIT: Duration = Duration::from_secs(1);

/// How long the exporter may take; its own limit is 10 s.
const EXPORT_WITHIN: Duration = Duration::from_secs(15);

/// How long all may take from when it is to end.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How long the traces that are under way may take to end then: the last part of a record may be dropped a little after its
/// commit.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct Worker<E> {
    tracer: Arc<Tracer>,
    spans: Receiver<Finished>,
    stop: watch::Receiver<bool>,
    exporter: E,
    scope: InstrumentationScope,
    batch: Vec<Finished>,
}

impl<E: SpanExporter> Worker<E> {
    pub(super) fn new(
        tracer: Arc<Tracer>,
        spans: Receiver<Finished>,
        stop: watch::Receiver<bool>,
        mut exporter: E,
        resource: &Resource,
    ) -> Self {
        exporter.set_resource(resource);
        let scope = InstrumentationScope::builder("healer").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { tracer, spans, stop, exporter, scope, batch: Vec::new() }
    }

    /// Sends until all is to end, and a little longer.
    pub(super) async fn run(mut self) {
        // The sending of spans must not be traced itself.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let ending = Ending(Arc::clone(&self.tracer));
        let overdue = overdue(self.stop.clone());
        tokio::select! {
            () = self.work() => {}
            () = overdue => {}
        }
        drop(ending);
    }

    async fn work(&mut self) {
        while !*self.stop.borrow() {
            self.gather().await;
            self.export().await;
        }
        let until = Instant::now() + PATIENCE;
        while self.tracer.under_way() > 0 && Instant::now() < until {
            // Spans that come meanwhile must find room.
            tokio::select! {
                _ = self.spans.recv_many(&mut self.batch, BATCH) => {
                    self.export().await;
                }
                () = sleep(Duration::from_millis(2)) => {}
            }
        }
        self.spans.close();
        // A collector that did not take some now will not take others in the time that is left.
        while self.spans.recv_many(&mut self.batch, BATCH).await > 0 && self.export().await {}
        // Its words would be about spans that were told of already.
        let _ = self.exporter.shutdown();
    }

    /// Waits for a first span, and then for more for a while, or until all is to end.
    async fn gather(&mut self) {
        let Self { spans, stop, batch, .. } = self;
        let fill = async {
            spans.recv_many(batch, BATCH).await;
            let more = async {
                while batch.len() < BATCH {
                    let room = BATCH - batch.len();
                    spans.recv_many(batch, room).await;
                }
            };
            // Those that have come are enough.
            let _ = timeout(BATCH_WAIT, more).await;
        };
        tokio::select! {
            biased;
            // An error says that nobody is there any more to end it.
            _ = stop.wait_for(|stop| *stop) => {}
            () = fill => {}
        }
    }

    /// Sends the spans at hand, and says whether they were taken. Those that were not are dropped: others wait.
    async fn export(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        let spans: Vec<_> =
            mem::take(&mut self.batch).into_iter().map(|span| span.into_data(&self.scope)).collect();
        let count = spans.len() as u64;
        match timeout(EXPORT_WITHIN, self.exporter.export(spans)).await {
            Ok(Ok(())) => {
                self.tracer.done_with(count);
                return true;
            }
            Ok(Err(error)) => self.tracer.lose(count, "the collector did not take them", &error.to_string()),
            Err(_) => self.tracer.lose(count, "the collector did not answer in time", ""),
        }
        false
    }
}

/// Waits until it is high time to end.
async fn overdue(mut stop: watch::Receiver<bool>) {
    // An error says that nobody is there any more to end it.
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(STOP_WITHIN).await;
}

/// However the thread ends, nothing more is expected of it, and the spans that it leaves are told.
struct Ending(Arc<Tracer>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}
