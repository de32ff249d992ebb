//! Beginning and ending to send traces.

use std::{
    fmt, mem,
    sync::{Arc, PoisonError, RwLock, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SpanExporter};
use tokio::{
    runtime,
    sync::{oneshot, watch},
};

use super::{
    TracesError,
    tracer::Tracer,
    worker::{STOP_WITHIN, Worker},
};
use crate::config::TraceSettings;

/// How long dropping [`Traces`] blocks at most.
const DROP_WITHIN: Duration = STOP_WITHIN.saturating_add(Duration::from_secs(1));

/// The tracer that pipelines get when they start.
static INSTALLED: RwLock<Option<Arc<Tracer>>> = RwLock::new(None);

pub(super) fn installed() -> Option<Arc<Tracer>> {
    INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Sends traces of the records of all pipelines that are started from now on, to an OpenTelemetry collector or another receiver of
/// OTLP over gRPC (Jaeger, Tempo), at the settings' host and port, without TLS. Where the settings say that traces are off it
/// does nothing, and the log says so.
///
/// | span | kind | from, to | attributes |
/// | --- | --- | --- | --- |
/// | the path of the source | consumer | the record begins, nothing is left of it | `messaging.…` of its topic, partition, offset and group, `healer.pipeline`, `healer.emit_id` |
/// | the path of a stage | internal | the function is called, it returns: never the nodes after it | `healer.attempt`; `healer.skipped` |
/// | the path of a batch stage | internal | the same | `messaging.batch.message_count`, `healer.emit_id` of the batch |
/// | the path of a sink | producer | the record is encoded, the broker acknowledged it | `messaging.…` of its topic |
///
/// A record is one trace, with a span a call; one that failed has the error. A batch is a trace of its own, with links to those of
/// its rows (128 at most). Of a flat stage, whose values go on while it rests, the span is as long as its own work took together.
/// Closures have no spans.
///
/// A record whose header `traceparent` names a sender's span is part of that trace, and is traced if that trace is; of all other
/// records the share [`ratio`](TraceSettings::ratio) is traced. A record that a sink sends names the sink's span in `traceparent`,
/// and `tracestate` goes along. Records that are not traced are sent with the headers that they have, and so are dead letters.
///
/// A thread of its own sends the spans, once a second or when there are 512. It holds up nothing: up to 8,192 spans wait. A span
/// that finds no room or is not taken is dropped, and the log says how many were, at most once a second. No global tracer provider
/// of OpenTelemetry is installed or used. The variables `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_EXPORTER_OTLP_HEADERS` and
/// `OTEL_EXPORTER_OTLP_TIMEOUT` (and their namesakes for traces) have their usual meaning.
///
/// A second call takes the place of the first for pipelines that are started after it.
///
/// # Errors
/// [`TracesError`] where there can be no thread, or no address is made of the settings. Whether anybody listens there is not asked.
///
/// ```no_run
/// use healer::prelude::*;
///
/// # async fn example(app: App) -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::builder().traces(true).traces_ratio(0.01).service_name("payments").from_env().build()?;
/// let traces = healer::observe::init_traces(config.traces())?;
/// app.run(config).await?;
/// traces.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub fn init_traces(settings: &TraceSettings) -> Result<Traces, TracesError> {
    let TraceSettings { enabled, service_name, host, port, ratio } = settings;
    if !enabled {
        tracing::info!("no traces are sent: they are switched off (HEALER_TRACES)");
        return Ok(Traces(None));
    }
    let endpoint = format!("http://{host}:{port}");
    let at = endpoint.clone();
    let exporter = move || {
        let exporter = OtlpExporter::builder().with_tonic().with_endpoint(&at).build();
        exporter.map_err(|error| TracesError::Exporter { endpoint: at, problem: error.to_string() })
    };
    let traces = Traces::start(service_name, *ratio, exporter)?;
    if let Traces(Some(sending)) = &traces {
        *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&sending.tracer));
    }
    tracing::info!(endpoint, service_name, ratio, "traces are sent");
    Ok(traces)
}

/// Traces that are sent until this is dropped, or [shut down](Self::shutdown).
#[must_use = "dropping it ends the traces"]
pub struct Traces(Option<Sending>);

struct Sending {
    tracer: Arc<Tracer>,
    stop: watch::Sender<bool>,
    /// Ends with the thread.
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Traces {
    /// Starts the thread that sends. The exporter is made there: it may need a runtime.
    pub(super) fn start<E: SpanExporter + 'static>(
        service: &str,
        ratio: f64,
        exporter: impl FnOnce() -> Result<E, TracesError> + Send + 'static,
    ) -> Result<Self, TracesError> {
        let (tracer, spans) = Tracer::new(ratio);
        let tracer = Arc::new(tracer);
        let (stop, stopping) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        let (ready, made) = mpsc::sync_channel(1);
        let resource = Resource::builder().with_service_name(service.to_owned()).build();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let of_thread = Arc::clone(&tracer);
        let thread = thread::Builder::new().name("healer-traces".to_owned()).spawn(move || {
            let entered = runtime.enter();
            let made = exporter();
            drop(entered);
            let worker = match made {
                Ok(exporter) => Worker::new(of_thread, spans, stopping, exporter, &resource),
                Err(error) => return drop(ready.send(Err(error))),
            };
            // The thread that waits for it is told before anything can be sent.
            drop(ready.send(Ok(())));
            runtime.block_on(worker.run());
            drop(end);
        })?;
        match made.recv() {
            Ok(made) => made?,
            Err(_) => return Err(TracesError::Thread(std::io::Error::other("it ended at once"))),
        }
        Ok(Self(Some(Sending { tracer, stop, ended, thread })))
    }

    #[cfg(test)]
    pub(super) fn tracer(&self) -> Option<Arc<Tracer>> {
        self.0.as_ref().map(|sending| Arc::clone(&sending.tracer))
    }

    /// Whether traces are sent at all: not where they are switched off.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends the spans at hand, within five seconds, and ends. Traces of pipelines that still run end with it, so let those end
    /// first. Dropping does the same, but blocks its thread meanwhile.
    pub async fn shutdown(mut self) {
        if let Some(Sending { tracer, stop, ended, .. }) = self.0.take() {
            end(&tracer, &stop);
            // The thread has its bound.
            let _ = ended.await;
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some(Sending { tracer, stop, thread, .. }) = self.0.take() else { return };
        end(&tracer, &stop);
        let until = Instant::now() + DROP_WITHIN;
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Pipelines that start from now on are not traced, nor are records that come.
fn end(tracer: &Arc<Tracer>, stop: &watch::Sender<bool>) {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    if installed.as_ref().is_some_and(|installed| Arc::ptr_eq(installed, tracer)) {
        drop(mem::take(&mut *installed));
    }
    drop(installed);
    tracer.close();
    stop.send_replace(true);
}
