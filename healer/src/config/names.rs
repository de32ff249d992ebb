//! librdkafka's property names (2.12.1, its CONFIGURATION.md): second names, and which client a
//! property is for. A name that is not here goes to both clients; whether it exists is for the client to say.

/// Second names of one property, and the name that stands for all.
const ALIASES: [(&str, &str); 13] = [
    ("bootstrap.servers", "metadata.broker.list"),
    ("max.in.flight", "max.in.flight.requests.per.connection"),
    ("sasl.mechanism", "sasl.mechanisms"),
    ("sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"),
    ("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("linger.ms", "queue.buffering.max.ms"),
    ("retries", "message.send.max.retries"),
    ("compression.type", "compression.codec"),
    ("acks", "request.required.acks"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("enable.auto.commit", "auto.commit.enable"),
    ("log.level", "log_level"),
];

const CONSUMER_ONLY: [&str; 9] = [
    "check.crcs",
    "consume.callback.max.messages",
    "coordinator.query.interval.ms",
    "heartbeat.interval.ms",
    "isolation.level",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "enable.partition.eof",
];
const CONSUMER_PREFIXES: [&str; 7] =
    ["group.", "fetch.", "queued.", "auto.", "enable.auto.", "offset.store.", "max.partition.fetch."];

const PRODUCER_ONLY: [&str; 13] = [
    "delivery.report.only.error",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "produce.offset.report",
    "queuing.strategy",
    "request.required.acks",
    "request.timeout.ms",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
    "transactional.id",
];
const PRODUCER_PREFIXES: [&str; 3] = ["queue.buffering.", "batch.", "compression."];

/// Which of healer's two clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Consumer,
    Producer,
}

/// The one name of a property that has several. librdkafka also takes `topic.` before the name of a topic's property.
pub(super) fn canonical(name: &str) -> &str {
    let bare = match name.strip_prefix("topic.") {
        // properties of their own, not of a topic
        Some(rest) if rest.starts_with("metadata.") || rest == "blacklist" => name,
        Some(rest) => rest,
        None => name,
    };
    ALIASES.iter().find(|(alias, _)| *alias == bare).map_or(bare, |(_, real)| real)
}

/// The client that alone takes this property; `None`: both do.
pub(super) fn side(name: &str) -> Option<Side> {
    let name = canonical(name);
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if CONSUMER_ONLY.contains(&name) || begins(&CONSUMER_PREFIXES) {
        Some(Side::Consumer)
    } else if PRODUCER_ONLY.contains(&name) || begins(&PRODUCER_PREFIXES) {
        Some(Side::Producer)
    } else {
        None
    }
}
