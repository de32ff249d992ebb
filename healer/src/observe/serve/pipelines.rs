//! Metrics and health as a part of a server that is there already.

use std::{fmt, sync::Arc};

use axum::Router;
use tokio::runtime;

use super::{recorder, routes, watches::Watches};
use crate::{engine::Handle, guard::Watched};

/// The routes of [`Server`](super::Server) about one pipeline, for a server of your own: nothing listens by this. For several pipelines, or
/// one that is started again, see [`Pipelines`].
///
/// The router is one of axum 0.8, and so a service of tower. Nest it where `/healthz`, `/readyz` or `/metrics` are there already.
/// `/metrics` is among its routes where [`init_metrics`](super::init_metrics) or [`serve_metrics`](super::serve_metrics) was called before.
///
/// # Panics
/// If it is not called within a tokio runtime.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use healer::{observe, prelude::*};
///
/// # async fn example(app: App) -> Result<(), Box<dyn std::error::Error>> {
/// observe::init_metrics()?;
/// let handle = app.start(Config::from_env()?).await?;
/// let site = Router::new()
///     .route("/", get(|| async { "welcome" }))
///     .nest("/orders", observe::router(&handle)); // /orders/healthz, /orders/readyz, /orders/metrics
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, site).await?;
/// # Ok(())
/// # }
/// ```
pub fn router(handle: &Handle) -> Router {
    let pipelines = Pipelines::new();
    pipelines.watch(handle);
    pipelines.router()
}

/// The pipelines that the routes of a server of your own tell about. Clones are the same pipelines.
///
/// ```no_run
/// use healer::{observe, prelude::*};
///
/// # async fn example(orders: App, bills: App) -> Result<axum::Router, Box<dyn std::error::Error>> {
/// let pipelines = observe::Pipelines::new();
/// let site = axum::Router::new().merge(pipelines.router()); // answers before any pipeline is started
/// pipelines.watch(&orders.start(Config::from_env()?).await?);
/// pipelines.watch(&bills.start(Config::from_env()?).await?);
/// # Ok(site)
/// # }
/// ```
#[derive(Clone)]
pub struct Pipelines {
    watches: Arc<Watches>,
    runtime: runtime::Handle,
}

impl Pipelines {
    /// None yet.
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub fn new() -> Self {
        Self { watches: Arc::default(), runtime: runtime::Handle::current() }
    }

    /// Tells of this pipeline too, by its name; of several with one name each counts. When a pipeline was started anew, it
    /// takes the place of the one that ended. One that has ended is let go of, so that its store can be opened again.
    pub fn watch(&self, handle: &Handle) {
        self.watch_any(Arc::new(handle.clone()));
    }

    /// The routes about them, also about those that come later; as of [`router`].
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.watches), recorder::installed())
    }

    pub(super) fn watch_any(&self, pipeline: Arc<dyn Watched>) {
        self.watches.add(pipeline, &self.runtime);
    }

    pub(super) fn watches(&self) -> &Arc<Watches> {
        &self.watches
    }
}

impl Default for Pipelines {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pipelines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipelines").finish_non_exhaustive()
    }
}
