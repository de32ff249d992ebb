//! The topics that there are: a request that waits for brokers to come up, but not for ones that refuse us.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientContext, client::Client, error::KafkaError, metadata::Metadata, types::RDKafkaErrorCode,
};

use super::{codes, errors, lists, voice::Voice};
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
    voice: &Voice,
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
                voice.answered(began);
                return Ok(metadata);
            }
            Err(error) => error,
        };
        listen();
        let silent = error.rdkafka_error_code().is_some_and(codes::is_silence);
        if !silent || slice == left || voice.refusal().is_some() {
            return Err(describe(topic, wait, &error, voice));
        }
    }
}

fn describe(topic: Option<&str>, wait: Duration, error: &KafkaError, voice: &Voice) -> BrokerError {
    let what = match topic {
        Some(topic) => format!("asking for topic {topic:?}, within {wait:.1?},"),
        None => format!("asking for all topics, within {wait:.1?},"),
    };
    errors::failed(&what, error, voice)
}

/// The partitions of a topic as its metadata has them.
pub(super) fn partitions(metadata: &Metadata, topic: &str, voice: &Voice) -> Result<Vec<i32>, BrokerError> {
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Err(missing(topic, voice));
    };
    match found.error().map(RDKafkaErrorCode::from) {
        // A topic that was created a moment ago has partitions, and leaders soon.
        None | Some(RDKafkaErrorCode::LeaderNotAvailable) => {}
        Some(code) if codes::kind(code) == BrokerErrorKind::UnknownTopic => {
            return Err(missing(topic, voice));
        }
        Some(code) => {
            return Err(errors::failed_with(&format!("reading about topic {topic:?}"), code, voice));
        }
    }
    let mut ids: Vec<i32> = found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect();
    if ids.is_empty() {
        return Err(errors::failed_with(
            &format!("reading about topic {topic:?}"),
            RDKafkaErrorCode::LeaderNotAvailable,
            voice,
        ));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn missing(topic: &str, voice: &Voice) -> BrokerError {
    BrokerError {
        kind: BrokerErrorKind::UnknownTopic,
        text: format!(
            "topic {topic:?} does not exist ({}); create the topic, or correct its name",
            voice.place()
        ),
    }
}
