//! How an app is built, started and run.

use super::{App, Built};
use crate::{
    config::Config,
    engine::{Handle, Report},
    error::Error,
};

impl App {
    /// Checks everything that needs no broker: state, names, topics, sizes, the store.
    ///
    /// # Errors
    /// [`Error::Build`] with all faults at once, [`Error::Store`] if the store cannot be opened.
    pub fn build(self, config: &Config) -> Result<Built, Error> {
        Built::new(self, config.clone())
    }

    /// Checks, connects and starts. Installs no signal handler; ends when [`Handle::stop`] says so. When the future is dropped before it
    /// has given a handle, everything that was started stops.
    ///
    /// # Errors
    /// The faults that [`build`](App::build) finds, and those that only a broker knows: no broker, unknown topics, wrong
    /// credentials.
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub async fn start(self, config: Config) -> Result<Handle, Error> {
        Built::new(self, config)?.start().await
    }

    /// Runs until ctrl-c, SIGTERM or an error: [`start`](App::start), signals, [`Handle::join`].
    ///
    /// When the future is dropped, as by `select!`, a time-out or an abort, the pipeline stops as by [`Handle::stop`]: it takes no more
    /// records, finishes those in flight within the drain budget, commits and leaves the group. That goes on in the background, and
    /// until it is done its store stays open; to wait for it use [`start`](App::start), [`Handle::stop`] and [`Handle::join`].
    ///
    /// # Errors
    /// As [`start`](App::start) and [`Handle::join`].
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub async fn run(self, config: Config) -> Result<Report, Error> {
        let handle = Built::new(self, config)?.leashed().await?;
        join_or_signal(&handle).await
    }

    /// Runs until the group's committed offsets reach the end offsets that all partitions of its topics have now, also by commits
    /// of other members; ctrl-c and SIGTERM end it earlier, and so does dropping the future, as with [`run`](App::run).
    ///
    /// # Errors
    /// As [`start`](App::start) and [`Handle::join`].
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub async fn run_until_end(self, config: Config) -> Result<Report, Error> {
        let handle = Built::new(self, config)?.until_end().leashed().await?;
        join_or_signal(&handle).await
    }
}

async fn join_or_signal(handle: &Handle) -> Result<Report, Error> {
    tokio::select! {
        result = handle.join() => return result,
        () = signal() => {}
    }
    tracing::info!("asked to end: finishing what is in flight");
    handle.stop();
    handle.join().await
}

async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if interrupt.await.is_err() {
        // No handler could be installed: only `stop` or an error ends it.
        std::future::pending::<()>().await;
    }
}
