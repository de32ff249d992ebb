//! A small HTTP server for the operators of a process: `/metrics`, `/healthz` and `/readyz`.

mod error;
mod pipelines;
mod recorder;
mod routes;
mod watches;

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::{TcpListener, lookup_host},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

pub use self::{
    error::ServeError,
    pipelines::{Pipelines, router},
    recorder::buckets,
};
use crate::engine::Handle;

/// Where metrics and health are served unless something else is said: at this machine alone, since there is no
/// authentication.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:8000";

/// How long [`Server::stop`] waits for answers that are under way.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Exports metrics for Prometheus, and serves health, at this host and port: `/metrics`, `/healthz`, `/readyz`.
///
/// The address is [`DEFAULT_ADDRESS`], or any other as text (`"0.0.0.0:8000"`) or as a [`SocketAddr`]; port 0 takes any that is
/// free. There is neither authentication nor encryption, so an address that others can reach is warned of in the log.
///
/// Call it before pipelines are started: a pipeline looks its metrics up when it starts, and those that it finds no recorder
/// for are not counted. The recorder is the process's: it stays after the server, and a second server exports the same metrics.
/// A service that has a recorder of its own keeps it, with healer's metrics in it, and calls [`serve_health`] instead.
///
/// Durations (`…_seconds`) have buckets from 10 µs to 60 s, sizes (`…_bytes`) from 64 B to 16 MiB. Samples are put into them
/// every five seconds, also when nobody scrapes.
///
/// # Errors
/// [`ServeError`] for an address that is none, is in use or is not allowed, and if another recorder is installed.
///
/// # Panics
/// If it is not called within a tokio runtime.
///
/// ```no_run
/// use healer::{observe, prelude::*};
///
/// # async fn example(app: App) -> Result<(), Box<dyn std::error::Error>> {
/// let server = observe::serve_metrics(observe::DEFAULT_ADDRESS).await?;
/// let handle = app.start(Config::from_env()?).await?;
/// server.watch(&handle);
/// handle.join().await?;
/// server.stop().await;
/// # Ok(())
/// # }
/// ```
pub async fn serve_metrics(addr: impl fmt::Display) -> Result<Server, ServeError> {
    open(&addr.to_string(), || recorder::install().map(Some)).await
}

/// As [`serve_metrics`], but without metrics: for a service that exports them itself, or not at all.
///
/// # Errors
/// [`ServeError`] for an address that is none, is in use or is not allowed.
///
/// # Panics
/// If it is not called within a tokio runtime.
pub async fn serve_health(addr: impl fmt::Display) -> Result<Server, ServeError> {
    open(&addr.to_string(), || Ok(None)).await
}

/// Keeps the metrics of this process, for [`render`] and [`router`]: the recorder of [`serve_metrics`] without its server, once a process.
///
/// Call it before pipelines are started. A service that has a recorder of its own gives it healer's [`buckets`] instead.
///
/// # Errors
/// [`ServeError::OtherRecorder`] if another recorder is installed, [`ServeError::Thread`] if none can be looked after.
pub fn init_metrics() -> Result<(), ServeError> {
    recorder::install().map(drop)
}

/// The metrics of this process in the text format of Prometheus, for an endpoint of your own.
///
/// # Errors
/// [`ServeError::NoRecorder`] where neither [`init_metrics`] nor [`serve_metrics`] was called: nothing is installed by this.
///
/// ```
/// use healer::observe::{self, ServeError};
///
/// assert!(matches!(observe::render(), Err(ServeError::NoRecorder)));
/// observe::init_metrics()?;
/// let page = observe::render()?;
/// # drop(page);
/// # Ok::<(), ServeError>(())
/// ```
pub fn render() -> Result<String, ServeError> {
    recorder::installed().map(|metrics| recorder::page(&metrics)).ok_or(ServeError::NoRecorder)
}

/// A server of metrics and health. Dropping it stops it. For one that is there already see [`router`].
///
/// | path | answers |
/// | --- | --- |
/// | `/metrics` | the metrics of the process, in the text format of Prometheus |
/// | `/healthz` | 200 if every watched pipeline is well, else 503; JSON with the faults of each |
/// | `/readyz` | 200 if every watched pipeline runs and has partitions, else 503, also while none is watched; JSON with the reasons |
///
/// A pipeline that ended without an error is healthy, and not ready.
#[must_use = "dropping the server stops it"]
pub struct Server {
    addr: SocketAddr,
    pipelines: Pipelines,
    /// The server runs until this is dropped.
    running: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Tells of this pipeline too, as [`Pipelines::watch`] does.
    pub fn watch(&self, handle: &Handle) {
        self.pipelines.watch(handle);
    }

    /// Stops listening, and waits up to five seconds for answers that are under way.
    pub async fn stop(self) {
        let Self { running, task, .. } = self;
        drop(running);
        // A client that keeps a connection open does not hold it up.
        let _ = timeout(STOP_WITHIN, task).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Listens first: a server that cannot be leaves nothing behind.
async fn open(
    address: &str,
    metrics: impl FnOnce() -> Result<Option<PrometheusHandle>, ServeError>,
) -> Result<Server, ServeError> {
    let listener = listen(address).await?;
    let addr = listener.local_addr().map_err(|reason| ServeError::listen(address, reason))?;
    let metrics = metrics()?;
    if !addr.ip().is_loopback() {
        tracing::warn!(
            %addr,
            "metrics and health are open to the network, and there is no authentication: \
             let a firewall or a network policy say who may ask"
        );
    }
    let pipelines = Pipelines::new();
    let router = routes::whole(Arc::clone(pipelines.watches()), metrics);
    let (running, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // Nothing is ever sent: it ends when the other side is dropped.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "metrics and health are not served any more");
        }
    });
    Ok(Server { addr, pipelines, running, task })
}

async fn listen(address: &str) -> Result<TcpListener, ServeError> {
    let wrong = |reason| ServeError::Address { address: address.to_owned(), reason };
    let found: Vec<SocketAddr> = lookup_host(address).await.map_err(wrong)?.collect();
    TcpListener::bind(found.as_slice()).await.map_err(|reason| ServeError::listen(address, reason))
}

#[cfg(test)]
mod tests;
