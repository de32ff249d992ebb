//! librdkafka's words besides its return values: log lines, and errors that explain why a later request fails.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{config::RDKafkaLogLevel, error::KafkaError, types::RDKafkaErrorCode};

use super::codes;
use crate::broker::Outage;

/// How long the same broker stays quiet after it was complained about.
const REPEAT: Duration = Duration::from_secs(5);
/// How many kinds of past errors are kept for the text of the next failure.
const KEPT: usize = 16;
/// How long a past error explains a failure.
const FRESH: Duration = Duration::from_mins(1);
/// How many brokers are told apart when complaints are thinned out.
const MOST_BROKERS: usize = 64;

/// The name under which librdkafka's own lines appear.
const TARGET: &str = "healer::librdkafka";

/// An error that librdkafka reported on its own account.
#[derive(Clone, Debug)]
pub(super) struct RecentError {
    pub(super) code: RDKafkaErrorCode,
    pub(super) text: String,
    at: Instant,
}

/// The ear of one client, and where that client was sent.
#[derive(Debug)]
pub(super) struct ClientErrors {
    brokers: String,
    group: Option<String>,
    heard: Mutex<VecDeque<RecentError>>,
    spoken: Mutex<HashMap<String, Instant>>,
    /// Since when no broker answers, and the error text of that moment.
    out: Mutex<Option<(Instant, String)>>,
}

impl ClientErrors {
    pub(super) fn new(brokers: impl Into<String>, group: Option<&str>) -> Self {
        Self {
            brokers: brokers.into(),
            group: group.map(str::to_owned),
            heard: Mutex::default(),
            spoken: Mutex::default(),
            out: Mutex::default(),
        }
    }

    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Where a request went, for error texts.
    pub(super) fn place(&self) -> String {
        match &self.group {
            Some(group) => format!("brokers {}, group {group:?}", self.brokers),
            None => format!("brokers {}", self.brokers),
        }
    }

    /// Keeps an error for the text of the next failure.
    pub(super) fn error(&self, error: &KafkaError, reason: &str) {
        match error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown) {
            // It says less than why they are; a producer's records tell by themselves.
            RDKafkaErrorCode::AllBrokersDown if self.group.is_none() => {}
            RDKafkaErrorCode::AllBrokersDown => self.lose(reason),
            code => self.hear(code, reason),
        }
    }

    /// No broker is there any more.
    fn lose(&self, reason: &str) {
        let mut out = lock(&self.out);
        if out.is_none() {
            let why = self.last().map_or_else(|| reason.to_owned(), |heard| heard.text);
            tracing::warn!(brokers = self.brokers, "no broker answers: {why}; the client goes on trying");
            *out = Some((Instant::now(), why));
        }
    }

    /// A broker answered a question that was asked at `began`. Errors heard before explain nothing any more.
    pub(super) fn answered(&self, began: Instant) {
        let mut out = lock(&self.out);
        if let Some((since, _)) = *out {
            // The answer to an earlier question may have waited for its thread while the broker went.
            if began < since {
                return;
            }
            *out = None;
            tracing::info!(brokers = self.brokers, outage = ?since.elapsed(), "a broker answers again");
        }
        lock(&self.heard).clear();
    }

    pub(super) fn is_out(&self) -> bool {
        lock(&self.out).is_some()
    }

    pub(super) fn outage(&self) -> Option<Outage> {
        let out = lock(&self.out);
        let (since, why) = out.as_ref()?;
        let reason = self.last().map_or_else(|| why.clone(), |heard| heard.text);
        Some(Outage { lasting: since.elapsed(), reason })
    }

    /// Hands a line of librdkafka's own log to `tracing`.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
        let failed = facility == "FAIL";
        if failed {
            // Why a connection failed is only logged; the error that arrives says that all brokers are down.
            let words = line.strip_prefix("[thrd:").and_then(|line| line.split_once("]: "));
            self.hear(RDKafkaErrorCode::BrokerTransportFailure, words.map_or(line, |(_, words)| words));
        }
        match level {
            Emerg | Alert | Critical => tracing::error!(target: TARGET, facility, "{line}"),
            // Quoted by the error that follows, and that not over and over.
            Error if failed => tracing::debug!(target: TARGET, facility, "{line}"),
            Error | Warning => tracing::warn!(target: TARGET, facility, "{line}"),
            Notice | Info => tracing::info!(target: TARGET, facility, "{line}"),
            Debug => tracing::debug!(target: TARGET, facility, "{line}"),
        }
    }

    fn hear(&self, code: RDKafkaErrorCode, words: &str) {
        let mut heard = lock(&self.heard);
        heard.retain(|heard| heard.code != code);
        if heard.len() == KEPT {
            heard.pop_front();
        }
        heard.push_back(RecentError { code, text: words.to_owned(), at: Instant::now() });
    }

    /// The words that came with the last error of this code.
    pub(super) fn reason(&self, code: RDKafkaErrorCode) -> Option<String> {
        let heard = lock(&self.heard);
        heard.iter().rev().find(|h| h.code == code && h.at.elapsed() < FRESH).map(|h| h.text.clone())
    }

    /// The last refusal of our credentials, if there was one lately.
    pub(super) fn refusal(&self) -> Option<RecentError> {
        let heard = lock(&self.heard);
        heard.iter().rev().find(|h| codes::is_refusal(h.code) && h.at.elapsed() < FRESH).cloned()
    }

    /// The last word on why no broker answers.
    pub(super) fn last(&self) -> Option<RecentError> {
        lock(&self.heard).iter().rev().find(|h| h.at.elapsed() < FRESH).cloned()
    }

    /// Whether a complaint is worth a line: the same broker is quoted once in a few seconds.
    pub(super) fn is_news(&self, text: &str) -> bool {
        // librdkafka begins such texts with the broker's name: "127.0.0.1:9092/1: Connect to …".
        let speaker = text.split_once(": ").map_or(text, |(speaker, _)| speaker);
        let now = Instant::now();
        let mut spoken = lock(&self.spoken);
        if spoken.get(speaker).is_some_and(|last| now.duration_since(*last) < REPEAT) {
            return false;
        }
        if spoken.len() == MOST_BROKERS {
            spoken.clear();
        }
        spoken.insert(speaker.to_owned(), now);
        true
    }
}

/// The level of librdkafka's lines. It is warnings at least: the texts of our errors are made of them.
pub(super) fn log_level() -> RDKafkaLogLevel {
    if tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        RDKafkaLogLevel::Debug
    } else if tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        RDKafkaLogLevel::Info
    } else {
        RDKafkaLogLevel::Warning
    }
}

/// Nothing here can be left half changed, so a poisoned lock is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
