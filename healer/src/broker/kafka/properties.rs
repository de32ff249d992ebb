//! Client properties: those that the engine relies on, those that it prefers, and errors that name the key and never a secret.

use std::collections::BTreeMap;

use rdkafka::{
    ClientConfig, ClientContext, config::FromClientConfigAndContext, error::KafkaError, types::RDKafkaConfRes,
};

use super::client_errors;
use crate::broker::{BrokerError, BrokerErrorKind};

/// Set for every consumer, even against the user's own properties: the engine's promises stand on them.
const CONSUMER_FIXED: &[(&str, &str)] = &[
    // Offsets are committed by the engine alone, and explicitly.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // The engine says where to start; a client that jumps by itself loses records.
    ("auto.offset.reset", "error"),
    // Says a partition number without a topic; positions are asked for instead.
    ("enable.partition.eof", "false"),
];

/// Set for a consumer unless asked for otherwise.
const CONSUMER_PREFERRED: &[(&str, &str)] = &[
    // librdkafka's fetcher rests a second whenever its queue is full: a fifth of the speed.
    ("fetch.queue.backoff.ms", "10"),
    ("allow.auto.create.topics", "false"),
    ("client.id", "healer"),
];

/// Set for every producer, even against the user's own properties.
const PRODUCER_FIXED: &[(&str, &str)] = &[
    // An acknowledgement means that all replicas in sync have the record, once.
    ("acks", "all"),
    ("enable.idempotence", "true"),
    // Without it a delivery that succeeded would never be told.
    ("delivery.report.only.error", "false"),
];

/// Set for a producer unless asked for otherwise.
const PRODUCER_PREFERRED: &[(&str, &str)] = &[
    // The partition of a key is the one that Java clients choose.
    ("partitioner", "murmur2_random"),
    // A misspelt topic is an error, not a new topic.
    ("allow.auto.create.topics", "false"),
    // How large a record may be is for the broker to say, whose largest request this is; librdkafka's own bound (1 MB) is
    // below the default of brokers. Batches stay as small as `batch.size` says.
    ("message.max.bytes", "104857600"),
    ("client.id", "healer"),
];

/// Properties that only a consumer has; a producer would warn about each.
const CONSUMER_ONLY: &[&str] = &[
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "check.crcs",
    "coordinator.query.interval.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.protocol.type",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "isolation.level",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "session.timeout.ms",
];

/// Properties that only a producer has.
const PRODUCER_ONLY: &[&str] = &[
    "acks",
    "batch.num.messages",
    "batch.size",
    "compression.codec",
    "compression.level",
    "compression.type",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "linger.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "queuing.strategy",
    "request.required.acks",
    "request.timeout.ms",
    "retries",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
    "transactional.id",
];

/// All properties of a new consumer.
pub(super) fn consumer(asked: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut properties = merge(asked, PRODUCER_ONLY, CONSUMER_FIXED, CONSUMER_PREFERRED);
    // With the other protocol the assignor is the broker's, and naming one is an error.
    if properties.get("group.protocol").is_none_or(|protocol| protocol == "classic") {
        properties
            .entry("partition.assignment.strategy".into())
            .or_insert_with(|| "cooperative-sticky".into());
    }
    properties
}

/// All properties of a new producer.
pub(super) fn producer(asked: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut properties = merge(asked, CONSUMER_ONLY, PRODUCER_FIXED, PRODUCER_PREFERRED);
    properties.remove("request.required.acks"); // another name of `acks`
    properties
}

fn merge(
    asked: &BTreeMap<String, String>,
    foreign: &[&str],
    fixed: &[(&str, &str)],
    preferred: &[(&str, &str)],
) -> BTreeMap<String, String> {
    let mut properties = asked.clone();
    properties.retain(|key, _| !foreign.contains(&key.as_str()));
    for (key, value) in preferred {
        properties.entry((*key).into()).or_insert_with(|| (*value).into());
    }
    properties.extend(fixed.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    properties
}

/// The brokers that a client is sent to.
pub(super) fn brokers(properties: &BTreeMap<String, String>) -> Result<String, BrokerError> {
    ["bootstrap.servers", "metadata.broker.list", "test.mock.num.brokers"]
        .iter()
        .find_map(|key| properties.get(*key).filter(|value| !value.trim().is_empty()))
        .cloned()
        .ok_or_else(|| BrokerError {
            kind: BrokerErrorKind::Configuration,
            text: "`bootstrap.servers` is missing: name at least one broker as host:port".into(),
        })
}

/// Makes a client, or says which property it does not like.
pub(super) fn create<C, T>(properties: &BTreeMap<String, String>, context: C) -> Result<T, BrokerError>
where
    C: ClientContext,
    T: FromClientConfigAndContext<C>,
{
    let mut config: ClientConfig =
        properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    config.set_log_level(client_errors::log_level());
    config.create_with_context(context).map_err(|error| refused(&error, properties))
}

fn refused(error: &KafkaError, properties: &BTreeMap<String, String>) -> BrokerError {
    let text = match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, key, _) => {
            format!("the client has no property {key:?}: correct the name, or leave it out")
        }
        KafkaError::ClientConfig(_, why, key, value) => {
            let value = if is_secret(key) { "…" } else { value };
            let help = feature(why, key).unwrap_or("correct the value");
            format!("the client does not take {key} = {value:?}: {why}; {help}")
        }
        KafkaError::ClientCreation(why) => {
            let key = ["sasl.mechanisms", "sasl.mechanism"]
                .into_iter()
                .find(|key| properties.contains_key(*key))
                .unwrap_or_default();
            let help = feature(why, key).unwrap_or("correct the configuration");
            format!("the client cannot be made: {why}; {help}")
        }
        other => format!("the client cannot be made: {other}; correct the configuration"),
    };
    // librdkafka quotes wrong values, some of them from other properties.
    let text = properties
        .iter()
        .filter(|(key, value)| is_secret(key) && !value.is_empty())
        .fold(text, |text, (_, secret)| text.replace(secret.as_str(), "…"));
    BrokerError { kind: BrokerErrorKind::Configuration, text }
}

/// The cargo feature to enable where librdkafka was built without support for a property.
fn feature(why: &str, key: &str) -> Option<&'static str> {
    let lacking =
        ["build time", "recompile", "not supported", "No provider"].iter().any(|sign| why.contains(sign));
    if !lacking {
        return None;
    }
    if why.contains("zstd") {
        Some("enable the cargo feature `zstd` of `healer`")
    } else if why.contains("GSSAPI") || why.contains("libsasl2 not") || key.contains("kerberos") {
        Some("enable the cargo feature `gssapi` of `healer`")
    } else if why.contains("SSL") || why.contains("SCRAM") || key.starts_with("ssl.") {
        Some("enable the cargo feature `ssl` (or `ssl-vendored`) of `healer`")
    } else {
        None
    }
}

/// Whether a value must not appear in a text.
fn is_secret(key: &str) -> bool {
    ["password", "secret", "token", "key.pem", "oauthbearer.config", "jaas", "private"]
        .iter()
        .any(|sign| key.contains(sign))
}
