//! The client properties that healer sets itself: a user's value would break a promise (a commit that nobody
//! counted, an acknowledgement that never comes), so each is refused with the setting to use instead.

use super::{Protocol, names::canonical};

/// The property (by its canonical name) and its replacement.
const OWNED: [(&str, &str); 19] = [
    ("metadata.broker.list", "the setting `brokers` (HEALER_BROKERS)"),
    ("group.id", "the setting `group` (HEALER_GROUP)"),
    ("group.protocol", "the setting `protocol` (HEALER_PROTOCOL)"),
    ("group.protocol.type", "nothing, it is always `consumer`"),
    (
        "auto.commit.enable",
        "the setting `commit_interval` (HEALER_COMMIT_INTERVAL); healer commits what is done",
    ),
    ("auto.commit.interval.ms", "the setting `commit_interval` (HEALER_COMMIT_INTERVAL)"),
    (
        "enable.auto.offset.store",
        "the setting `commit_interval` (HEALER_COMMIT_INTERVAL); healer commits what is done",
    ),
    ("auto.offset.reset", "the settings `start` (HEALER_START) and `out_of_range` (HEALER_OUT_OF_RANGE)"),
    ("enable.partition.eof", "`run_until_end`, which knows the end of every partition"),
    ("offset.store.method", "the setting `commit_interval`; offsets are kept by the broker"),
    ("offset.store.path", "the setting `store_path` (HEALER_STORE_PATH)"),
    ("offset.store.sync.interval.ms", "the setting `commit_interval` (HEALER_COMMIT_INTERVAL)"),
    ("enable.idempotence", "nothing, sinks are always idempotent"),
    ("request.required.acks", "nothing, a record counts as sent when all replicas have it (`acks=all`)"),
    ("partitioner", "nothing, it is `murmur2_random`, as Java producers place keys"),
    ("queuing.strategy", "nothing, records are sent in order (`fifo`)"),
    ("delivery.report.only.error", "nothing, a record is healed by its acknowledgement"),
    ("transactional.id", "nothing, this version has no transactions"),
    ("transaction.timeout.ms", "nothing, this version has no transactions"),
];

/// Names that take a function or a pointer, which text cannot be.
const POINTERS: [&str; 9] = [
    "default_topic_conf",
    "enabled_events",
    "interceptors",
    "msg_order_cmp",
    "opaque",
    "ssl_ca",
    "ssl_certificate",
    "ssl_engine_callback_data",
    "ssl_key",
];

/// The replacement of this property, where healer owns it.
pub(super) fn instead(name: &str, protocol: Protocol) -> Option<&'static str> {
    let name = canonical(name);
    // the environment spells `log_cb` as `log.cb`
    if name.rsplit(['_', '.']).next() == Some("cb") {
        return Some("healer's own hooks; callbacks of the client are healer's");
    }
    if POINTERS.iter().any(|pointer| *pointer == name || pointer.replace('_', ".") == name) {
        return Some(
            "nothing, this is no text; for certificates the properties `ssl.*.location` or `ssl.*.pem`",
        );
    }
    if name == "partition.assignment.strategy" {
        return Some(match protocol {
            Protocol::Classic => {
                "nothing, it is `cooperative-sticky`; or the setting `protocol` = `consumer`"
            }
            Protocol::Consumer => {
                "the broker's setting `group.consumer.assignors`, or the property `group.remote.assignor` \
                 to choose one of them"
            }
        });
    }
    OWNED.iter().find(|(owned, _)| *owned == name).map(|(_, instead)| *instead)
}

/// For a property that this group protocol does not have: the fault, and a replacement.
pub(super) fn of_other_protocol(name: &str, protocol: Protocol) -> Option<(&'static str, &'static str)> {
    match (protocol, name) {
        (Protocol::Consumer, "session.timeout.ms") => Some((
            "with the `consumer` protocol the broker decides",
            "the broker's setting `group.consumer.session.timeout.ms`, or the setting `protocol` = `classic`",
        )),
        (Protocol::Consumer, "heartbeat.interval.ms") => Some((
            "with the `consumer` protocol the broker decides",
            "the broker's setting `group.consumer.heartbeat.interval.ms`, or the setting `protocol` = `classic`",
        )),
        (Protocol::Classic, "group.remote.assignor") => Some((
            "the `classic` protocol has no assignor on the broker",
            "the setting `protocol` = `consumer` (HEALER_PROTOCOL)",
        )),
        _ => None,
    }
}
