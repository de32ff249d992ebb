//! Ends the process when a pipeline of it is beyond help, so that an orchestrator starts it anew.

mod decide;
mod end;
mod run;
mod watched;

use std::{fmt, process, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

pub use self::end::GuardEnd;
use self::run::Round;
pub(crate) use self::watched::Watched;
use crate::{config::GuardSettings, engine::Handle};

/// How long pipelines may take to stop, by default.
const DRAIN_BUDGET: Duration = Duration::from_secs(30);

/// The function that is called instead of ending the process.
type Hook = Box<dyn FnOnce(&GuardEnd) + Send>;

/// Ends the *process* when one of its pipelines is beyond help, so that an orchestrator starts it anew; heir of
/// water-healer's `auto_shutdown`.
///
/// It looks every `interval` (5 s by default), and at once when a pipeline ends. It ends the process for each condition of this
/// table. Each counts for every pipeline by itself, and is off at zero (or `false`):
///
/// | setting, variable | default | condition | exit code |
/// | --- | --- | --- | --- |
/// | `on_error`, `HEALER_GUARD_ON_ERROR` | on | an error ended a pipeline; off: it is logged, once | 1 |
/// | `on_lost_broker`, `HEALER_GUARD_ON_LOST_BROKER` | on | no broker answered for [`unreachable_after`](crate::Config::unreachable_after), 1 min | 1 |
/// | `graceful_offset`, `HEALER_GRACEFUL_OFFSET` | 1 h | nothing was committed for so long, while there was something to commit | 1 |
/// | `graceful_polling`, `HEALER_GRACEFUL_POLLING` | 30 min | nothing was polled for so long | 1 |
/// | `expires_after`, `HEALER_EXPIRES_AFTER` | 0, off | the guard has run for so long | 0 |
/// | `max_commits`, `HEALER_MAX_COMMITS` | 0, off | so many commit requests of a pipeline were acknowledged | 0 |
///
/// Before it does, it waits for `sleep_before_shutdown` (2 s by default), asks all pipelines to [stop](Handle::stop), so that
/// they finish and commit the records in flight, and waits for their ends within the [drain budget](Guard::drain_budget).
///
/// When all pipelines have ended without an error the guard ends as well, quietly: it ends no process and calls no hook.
///
/// It runs as a task. Where stages may block every thread of the runtime, spawn it on a runtime of its own: there it sees
/// that nothing is committed any more.
///
/// ```no_run
/// use healer::{Guard, prelude::*};
///
/// # async fn example(app: App) -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::from_env()?;
/// let guard = Guard::new(config.guard());
/// let handle = app.start(config).await?;
/// let guard = guard.watch(&handle).spawn();
/// // After an error it is the guard that ends the process.
/// println!("{}", guard.await?);
/// # Ok(())
/// # }
/// ```
#[must_use = "a guard does nothing until it is run or spawned"]
pub struct Guard {
    settings: GuardSettings,
    watched: Vec<Arc<dyn Watched>>,
    on_end: Option<Hook>,
    drain_budget: Duration,
}

impl Guard {
    /// A guard with these settings, as [`Config::guard`](crate::Config::guard) has them, that watches nothing yet.
    pub fn new(settings: &GuardSettings) -> Self {
        Self { settings: settings.clone(), watched: Vec::new(), on_end: None, drain_budget: DRAIN_BUDGET }
    }

    /// Watches this pipeline too. It is let go of when it has ended, so that its store can be opened again.
    pub fn watch(self, handle: &Handle) -> Self {
        self.watch_any(Arc::new(handle.clone()))
    }

    /// Sets a function that is called with the reason, instead of ending the process. The pipelines were stopped before, and the
    /// guard has ended then.
    pub fn on_end(mut self, hook: impl FnOnce(&GuardEnd) + Send + 'static) -> Self {
        self.on_end = Some(Box::new(hook));
        self
    }

    /// How long all pipelines together may take to stop before the process ends; 30 s by default. A pipeline that hangs is not
    /// waited for longer: its records in flight are processed again. The budget should be longer than the pipelines' own
    /// [`drain_budget`](crate::Config::drain_budget), after which they end by themselves.
    pub fn drain_budget(mut self, budget: Duration) -> Self {
        self.drain_budget = budget;
        self
    }

    /// Guards, until the process ends or there is nothing left to guard. Dropping it ends the guarding.
    ///
    /// It comes back with [`GuardEnd::Finished`], or with anything else when there is a [hook](Guard::on_end).
    pub async fn run(self) -> GuardEnd {
        let Self { settings, watched, on_end, drain_budget } = self;
        if watched.is_empty() {
            tracing::warn!("a guard that watches no pipeline guards nothing: call `watch` before");
        }
        let pause = settings.sleep_before_shutdown;
        let mut round = Round::new(settings, watched);
        let end = round.until_end().await;
        if matches!(end, GuardEnd::Finished) {
            tracing::info!("nothing left to guard: {end}");
            return end;
        }
        tell(&end, on_end.is_some());
        sleep(pause).await;
        round.drain(drain_budget).await;
        match on_end {
            Some(hook) => hook(&end),
            None => process::exit(end.exit_code()),
        }
        end
    }

    /// [`run`](Guard::run) as a task of its own. It goes on when the handle is dropped.
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub fn spawn(self) -> JoinHandle<GuardEnd> {
        tokio::spawn(self.run())
    }

    fn watch_any(mut self, pipeline: Arc<dyn Watched>) -> Self {
        self.watched.push(pipeline);
        self
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched: Vec<_> = self.watched.iter().map(|pipeline| pipeline.name()).collect();
        f.debug_struct("Guard")
            .field("settings", &self.settings)
            .field("watched", &watched)
            .field("drain_budget", &self.drain_budget)
            .finish_non_exhaustive()
    }
}

fn tell(end: &GuardEnd, has_hook: bool) {
    let exit_code = end.exit_code();
    let what = if has_hook { "its hook is called" } else { "the process ends" };
    if exit_code == 0 {
        tracing::info!(exit_code, "the guard stops all pipelines, then {what}: {end}");
    } else {
        tracing::error!(exit_code, "the guard stops all pipelines, then {what}: {end}");
    }
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
