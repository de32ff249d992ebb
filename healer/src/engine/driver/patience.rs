//! A start rides out errors that may pass.
//!
//! **Faults that may pass.** A coordinator or leader that is not there yet, or moves (`BrokerErrorKind::Transient`; so is each
//! code that nobody knows), ends no pipeline that runs: a look-up is asked again until there is an answer. A start asks again for
//! `start_budget`, each question anew (`driver/patience`), and the error at its end names the budget. Brokers that never answered
//! are waited for once, for `connect_timeout`; a topic may be unknown for two seconds, since brokers hear of a new one a moment
//! after its maker.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::error::Error;

/// How long a topic may be unknown: brokers hear of a new one a moment after it was made.
const NEW_TOPIC: Duration = Duration::from_secs(2);

/// How long after an answer that may pass is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// Asks until there is an answer, or an error that does not pass, or until the budget is used up.
///
/// `reached` says that brokers have answered before. Where none ever did, `ask` has waited for them long enough.
pub(super) fn ride_out<T>(
    budget: Duration,
    reached: bool,
    ask: impl Fn() -> Result<T, Error>,
) -> Result<T, Error> {
    let began = Instant::now();
    let mut told = false;
    loop {
        let error = match ask() {
            Err(error @ (Error::NotReady(_) | Error::UnknownTopic(_))) => error,
            Err(error @ Error::Unreachable(_)) if reached => error,
            Err(Error::Store(error)) if error.is_transient() => Error::Store(error),
            result => return result,
        };
        let budget = if matches!(error, Error::UnknownTopic(_)) { budget.min(NEW_TOPIC) } else { budget };
        if began.elapsed() >= budget {
            return Err(given_up(error, budget));
        }
        if !told {
            told = true;
            tracing::warn!(%error, ?budget, "brokers or store are not ready for a start; asking again");
        }
        thread::sleep(AGAIN);
    }
}

fn given_up(error: Error, budget: Duration) -> Error {
    let budget = humantime::format_duration(budget);
    let add = |text| {
        format!(
            "{text}; the start has asked again for {budget} (`start_budget`) and gives up: look at the brokers' logs, or raise the \
             budget"
        )
    };
    match error {
        Error::NotReady(text) => Error::NotReady(add(text)),
        Error::Unreachable(text) => Error::Unreachable(add(text)),
        other => other,
    }
}
