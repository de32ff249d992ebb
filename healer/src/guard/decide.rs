//! The decisions of the guard, by the signs that it saw: there is no clock and no pipeline in here.

use std::time::Duration;

use super::GuardEnd;
use crate::{
    broker::Outage,
    config::GuardSettings,
    engine::{Health, Phase},
    error::Error,
};

/// One look at one pipeline.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) pipeline: String,
    pub(super) state: State,
}

/// Whether it runs.
#[derive(Debug)]
pub(super) enum State {
    Running(Signs),
    /// It has ended, by this error or without one.
    Ended(Option<Error>),
}

/// How a pipeline is that runs.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// How long nothing has been committed while there was something to commit.
    uncommitted: Option<Duration>,
    /// How long ago it polled.
    polled: Duration,
    /// No broker is reached, for longer than may be.
    lost: Option<Outage>,
    commits: u64,
    /// An error ends the pipeline: it finishes the records in flight, and then says so.
    is_failing: bool,
}

impl Look {
    /// A pipeline whose end was not told yet.
    pub(super) fn running(pipeline: &str, health: Health) -> Self {
        // The reason of its end comes at once by `ended`. Until then a pipeline that does nothing any more shows no fault.
        let signs = if health.phase == Phase::Ended { Signs::default() } else { Signs::of(health) };
        Self { pipeline: pipeline.to_owned(), state: State::Running(signs) }
    }

    pub(super) fn ended(pipeline: &str, error: Option<Error>) -> Self {
        Self { pipeline: pipeline.to_owned(), state: State::Ended(error) }
    }
}

impl Signs {
    fn of(health: Health) -> Self {
        let lost = health.lost().cloned();
        let Health { uncommitted, polled, commits, error, .. } = health;
        // Where something always waits, commits that are acknowledged begin the time anew.
        let since_commit = commits.last.unwrap_or(Duration::MAX);
        let uncommitted = uncommitted.map(|waiting| waiting.min(since_commit));
        Self { uncommitted, polled, lost, commits: commits.total, is_failing: error.is_some() }
    }
}

/// Why the guard is to end now; `None`: it goes on. `ran` is how long it has run.
pub(super) fn decide(settings: &GuardSettings, looks: &[Look], ran: Duration) -> Option<GuardEnd> {
    if settings.on_error
        && let Some(end) = looks.iter().find_map(failure)
    {
        return Some(end);
    }
    if is_over(settings, looks) {
        return Some(GuardEnd::Finished);
    }
    let fault = looks.iter().find_map(|look| fault(settings, look));
    // The last commit of a pipeline that fails must not pass for success.
    if settings.on_error && looks.iter().any(is_failing) {
        return fault;
    }
    fault
        .or_else(|| is_reached(settings.expires_after, ran).then_some(GuardEnd::Expired))
        .or_else(|| looks.iter().find_map(|look| enough(settings, look)))
}

fn failure(look: &Look) -> Option<GuardEnd> {
    match &look.state {
        State::Ended(Some(error)) => {
            Some(GuardEnd::Failed { pipeline: look.pipeline.clone(), error: error.clone() })
        }
        State::Ended(None) | State::Running(_) => None,
    }
}

fn is_failing(look: &Look) -> bool {
    matches!(&look.state, State::Running(signs) if signs.is_failing)
}

/// Whether nothing can happen any more. Where an error that is not to end the process ended a pipeline, the expiry still may.
fn is_over(settings: &GuardSettings, looks: &[Look]) -> bool {
    looks.iter().all(|look| match &look.state {
        State::Running(_) => false,
        State::Ended(error) => error.is_none() || settings.expires_after.is_zero(),
    })
}

/// The fault of a pipeline that runs. A cause is told before its effects.
fn fault(settings: &GuardSettings, look: &Look) -> Option<GuardEnd> {
    let State::Running(signs) = &look.state else { return None };
    let pipeline = look.pipeline.clone();
    if settings.on_lost_broker
        && let Some(Outage { lasting, reason }) = &signs.lost
    {
        return Some(GuardEnd::BrokerLost { pipeline, lasting: *lasting, reason: reason.clone() });
    }
    if is_reached(settings.graceful_polling, signs.polled) {
        return Some(GuardEnd::NothingPolled { pipeline, lasting: signs.polled });
    }
    let lasting = signs.uncommitted?;
    is_reached(settings.graceful_offset, lasting).then_some(GuardEnd::NothingCommitted { pipeline, lasting })
}

fn enough(settings: &GuardSettings, look: &Look) -> Option<GuardEnd> {
    let State::Running(Signs { commits, .. }) = look.state else { return None };
    let is_enough = settings.max_commits > 0 && commits >= settings.max_commits;
    is_enough.then(|| GuardEnd::MaxCommits { pipeline: look.pipeline.clone(), commits })
}

/// A bound of zero is none.
fn is_reached(bound: Duration, lasting: Duration) -> bool {
    !bound.is_zero() && lasting >= bound
}
