//! Log lines on standard error, as text or as JSON, each with the record that it is about.
//!
//! **Logs.** A span a record would cost as much as the record. Instead thread-local cells hold which record and node the thread
//! works on, set wherever user code is called (and at each poll of its future), and the formatter reads them when a line is
//! written.

mod alone;
mod error;
mod failure;
mod fields;
mod json;
mod layer;
mod level;
mod panics;
mod place;
mod text;

#[cfg(test)]
pub(crate) mod tests;

use std::io::{self, IsTerminal as _};

use tracing::{Subscriber, level_filters::LevelFilter, subscriber::set_global_default};
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

pub use error::LogsError;
pub use failure::log_error;
pub use layer::LogLayer;

use super::data;
use crate::config::LogSettings;

/// Writes the log of this process to standard error: events of `tracing`, of healer and your own, and records of the crate
/// `log`. Inside a stage each line says for which record it was logged, as [`current`](super::current) does.
///
/// Call it once, at the start of the program; healer never does so itself. `json` gives the lines of [`LogLayer`], else they
/// are text, in colours where standard error is a terminal and `NO_COLOR` is not set. `level` is one of `TRACE`, `DEBUG`,
/// `INFO`, `WARNING`, `ERROR`, `CRITICAL` (which is `ERROR`), `OFF` and `NOTSET` (all), in small or capital letters, or
/// directives as [`EnvFilter`](tracing_subscriber::EnvFilter) takes them: `info,healer=debug`. `data` has the data of records
/// logged as well, cut at `data_max_bytes`; a hook that [`log_data`](super::log_data) was given before stays.
///
/// With JSON a panic is a line as well: a hook takes the place of the one that writes panics as text. Install a hook of your own
/// after this call.
///
/// # Errors
///
/// [`LogsError`] where the level cannot be read or the process has a global subscriber already; then nothing was changed.
///
/// ```no_run
/// let config = healer::Config::from_env()?;
/// healer::observe::init_logs(config.logs())?;
/// tracing::info!("ready");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn init_logs(settings: &LogSettings) -> Result<(), LogsError> {
    let subscriber = registry().with(level::filter(&settings.level)?);
    if settings.json {
        install(subscriber.with(LogLayer::json(io::stderr)))?;
        panics::take_in_panics();
    } else {
        install(subscriber.with(text::layer(io::stderr, has_colours())))?;
    }
    take_in_log();
    if settings.data {
        data::switch_on(settings.data_max_bytes);
    }
    Ok(())
}

fn install(subscriber: impl Subscriber + Send + Sync) -> Result<(), LogsError> {
    set_global_default(subscriber).map_err(|_| LogsError::Installed)
}

/// Called after the subscriber is there: records that it leaves out are then not even made.
fn take_in_log() {
    let level = LevelFilter::current().as_log();
    if LogTracer::builder().with_max_level(level).init().is_err() {
        tracing::warn!("records of the crate `log` go to the logger that was installed before");
    }
}

fn has_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}
