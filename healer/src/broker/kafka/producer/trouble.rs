//! Why records wait: the state of the brokers by librdkafka's statistics.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::broker::kafka::client_errors::lock;

/// How long a broker that throttled is a reason: the next answer may come so late.
const THROTTLED: Duration = Duration::from_mins(1);

/// The last statistics of a client.
#[derive(Default)]
pub(super) struct Statistics(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    throttled: Option<(Instant, String)>,
    away: Away,
}

/// Brokers that are not connected.
#[derive(Default)]
enum Away {
    #[default]
    None,
    One(String),
    All,
}

#[derive(Deserialize)]
struct All {
    brokers: BTreeMap<String, Broker>,
}

#[derive(Deserialize)]
struct Broker {
    /// Negative for an address that the client began with and has no broker's number of.
    nodeid: i64,
    state: String,
    throttle: Window,
}

#[derive(Deserialize)]
struct Window {
    /// Milliseconds.
    max: i64,
}

impl Broker {
    fn is_up(&self) -> bool {
        matches!(&*self.state, "UP" | "UPDATE")
    }
}

impl Statistics {
    pub(super) fn keep(&self, statistics: &[u8]) {
        let Ok(All { brokers }) = serde_json::from_slice(statistics) else { return };
        let mut seen = lock(&self.0);
        let slowest = brokers.iter().max_by_key(|(_, broker)| broker.throttle.max);
        if let Some((name, broker)) = slowest.filter(|(_, broker)| broker.throttle.max > 0) {
            let text =
                format!("broker {name} throttles this client, by {} ms a request", broker.throttle.max);
            seen.throttled = Some((Instant::now(), text));
        }
        seen.away = if brokers.values().any(Broker::is_up) {
            let mut away = brokers.iter().filter(|(_, broker)| broker.nodeid >= 0 && !broker.is_up());
            away.next().map_or(Away::None, |(name, _)| Away::One(name.clone()))
        } else {
            Away::All
        };
    }

    /// The fault of the brokers; `said` gives the client's last words.
    pub(super) fn trouble(&self, said: impl Fn() -> Option<String>) -> Option<String> {
        let seen = lock(&self.0);
        let fact = match &seen.away {
            Away::All => "no broker is connected".to_owned(),
            Away::One(name) => format!("broker {name} is not connected"),
            Away::None => {
                let (at, text) = seen.throttled.as_ref()?;
                return (at.elapsed() < THROTTLED).then(|| text.clone());
            }
        };
        Some(said().map_or_else(|| fact.clone(), |said| format!("{fact}: {said}")))
    }
}
