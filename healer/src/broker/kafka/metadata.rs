//! The topics that there are: a request that waits for brokers to come up, but not for ones that refuse us.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientContext, client::Client, error::KafkaError, metadata::Metadata, types::RDKafkaErrorCode,
};

use super::{client_errors::ClientErrors, codes, errors, lists};
use crate::broker::{BrokerError, BrokerErrorKind};

/// The first try is short, so that a refusal is noticed early; the tries that follow double.
const FIRST_TRY: Duration = Duration::from_millis(500);
/// A duration that librdkafka's millisecond counters hold.
const LONGEST: Duration = Duration::from_hours(24);

/// A wait as librdkafka takes it: it would read a longer one as a negative number, which is "for ever".
pub(super) fn bounded(wait: Duration) -> Duration {
    wait.min(LONGEST)
}

/// The metadata of one topic, or of all.
///
/// `listen` gives the client a chance to say why nobody answers, between two tries.
pub(super) fn fetch<C: ClientContext>(
    client: &Client<C>,
    topic: Option<&str>,
    wait: Duration,
    client_errors: &ClientErrors,
    listen: impl Fn(),
) -> Result<Metadata, BrokerError> {
    if let Some(topic) = topic {
        lists::check_name(topic)?;
    }
    let end = Instant::now() + bounded(wait);
    let mut next = FIRST_TRY;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let slice = if left < next * 2 { left } else { next };
        next *= 2;
        let began = Instant::now();
        let error = match client.fetch_metadata(topic, slice) {
            Ok(metadata) => {
                client_errors.answered(began);
                return Ok(metadata);
            }
            Err(error) => error,
        };
        listen();
        let silent = error.rdkafka_error_code().is_some_and(codes::is_silence);
        if !silent || slice == left || client_errors.refusal().is_some() {
            return Err(describe(topic, wait, &error, client_errors));
        }
    }
}

fn describe(
    topic: Option<&str>,
    wait: Duration,
    error: &KafkaError,
    client_errors: &ClientErrors,
) -> BrokerError {
    let what = match topic {
        Some(topic) => format!("asking for topic {topic:?}, within {wait:.1?},"),
        None => format!("asking for all topics, within {wait:.1?},"),
    };
    errors::failed(&what, error, client_errors)
}

/// The partitions of a topic as its metadata has them.
pub(super) fn partitions(
    metadata: &Metadata,
    topic: &str,
    client_errors: &ClientErrors,
) -> Result<Vec<i32>, BrokerError> {
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Err(missing(topic, client_errors));
    };
    match found.error().map(RDKafkaErrorCode::from) {
        // A topic that was created a moment ago has partitions, and leaders soon.
        None | Some(RDKafkaErrorCode::LeaderNotAvailable) => {}
        Some(code) if codes::kind(code) == BrokerErrorKind::UnknownTopic => {
            return Err(missing(topic, client_errors));
        }
        Some(code) => {
            return Err(errors::failed_with(&format!("reading about topic {topic:?}"), code, client_errors));
        }
    }
    let mut ids: Vec<i32> = found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect();
    if ids.is_empty() {
        return Err(errors::failed_with(
            &format!("reading about topic {topic:?}"),
            RDKafkaErrorCode::LeaderNotAvailable,
            client_errors,
        ));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn missing(topic: &str, client_errors: &ClientErrors) -> BrokerError {
    BrokerError {
        kind: BrokerErrorKind::UnknownTopic,
        text: format!(
            "topic {topic:?} does not exist ({}); create the topic, or correct its name",
            client_errors.place()
        ),
    }
}
