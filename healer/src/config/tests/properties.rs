use super::{built, complete, one, refused};
use crate::config::{ConfigBuilder, Protocol, WrongKind, features::Features};

const NONE: Features = Features { ssl: false, gssapi: false, zstd: false };
const ALL: Features = Features { ssl: true, gssapi: true, zstd: true };

#[test]
fn the_consumer_gets_the_defaults_and_what_healer_owns() {
    let consumer = built(complete().group("g")).consumer_properties();
    let expected = [
        ("auto.offset.reset", "error"),
        ("bootstrap.servers", "localhost:9092"),
        ("client.id", "healer"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.partition.eof", "false"),
        ("fetch.queue.backoff.ms", "10"),
        ("group.id", "g"),
        ("group.protocol", "classic"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("queued.max.messages.kbytes", "4096"),
    ];
    assert!(consumer.iter().map(|(name, value)| (&**name, &**value)).eq(expected), "{consumer:?}");
}

#[test]
fn the_producer_gets_the_defaults_and_what_healer_owns() {
    let producer = built(complete().group("g")).producer_properties();
    let expected = [
        ("acks", "all"),
        ("bootstrap.servers", "localhost:9092"),
        ("client.id", "healer"),
        ("enable.idempotence", "true"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
    ];
    assert!(producer.iter().map(|(name, value)| (&**name, &**value)).eq(expected), "{producer:?}");
}

#[test]
fn the_consumer_protocol_leaves_the_assignor_to_the_broker() {
    let config = built(complete().protocol(Protocol::Consumer).set("group.remote.assignor", "range"));
    let consumer = config.consumer_properties();
    assert_eq!(consumer["group.protocol"], "consumer");
    assert_eq!(consumer["group.remote.assignor"], "range");
    assert!(!consumer.contains_key("partition.assignment.strategy"));
}

#[test]
fn a_users_value_replaces_a_default_under_each_of_its_names() {
    let config = built(complete().set("queue.buffering.max.ms", "50").set("fetch.queue.backoff.ms", "20"));
    let producer = config.producer_properties();
    assert_eq!(producer["queue.buffering.max.ms"], "50");
    assert!(!producer.contains_key("linger.ms"), "the client would take whichever it sees last");
    assert_eq!(config.consumer_properties()["fetch.queue.backoff.ms"], "20");
}

#[test]
fn a_property_goes_to_the_clients_that_take_it() {
    let consumer = [
        "fetch.min.bytes",
        "isolation.level",
        "group.instance.id",
        "max.partition.fetch.bytes",
        "check.crcs",
    ];
    let producer = ["batch.size", "compression.type", "delivery.timeout.ms", "topic.request.timeout.ms"];
    let both = ["client.rack", "socket.timeout.ms", "topic.metadata.refresh.interval.ms", "not.known.here"];
    let all = || consumer.iter().chain(&producer).chain(&both);
    let config = built(all().fold(complete(), |builder, name| builder.set(*name, "1")));
    let (to_consumer, to_producer) = (config.consumer_properties(), config.producer_properties());
    for name in all() {
        assert_eq!(to_consumer.contains_key(*name), !producer.contains(name), "{name} and the consumer");
        assert_eq!(to_producer.contains_key(*name), !consumer.contains(name), "{name} and the producer");
    }
}

#[test]
fn properties_that_healer_owns_are_refused_with_what_to_use_instead() {
    for (name, instead) in [
        ("bootstrap.servers", "`brokers`"),
        ("metadata.broker.list", "`brokers`"),
        ("group.id", "`group`"),
        ("group.protocol", "`protocol`"),
        ("partition.assignment.strategy", "`cooperative-sticky`"),
        ("enable.auto.commit", "`commit_interval`"),
        ("auto.commit.enable", "`commit_interval`"),
        ("auto.commit.interval.ms", "`commit_interval`"),
        ("enable.auto.offset.store", "`commit_interval`"),
        ("auto.offset.reset", "`start`"),
        ("topic.auto.offset.reset", "`out_of_range`"),
        ("enable.partition.eof", "`run_until_end`"),
        ("enable.idempotence", "idempotent"),
        ("acks", "`acks=all`"),
        ("topic.acks", "`acks=all`"),
        ("request.required.acks", "`acks=all`"),
        ("partitioner", "`murmur2_random`"),
        ("delivery.report.only.error", "acknowledgement"),
        ("transactional.id", "transactions"),
        ("rebalance_cb", "hooks"),
        ("dr_msg_cb", "hooks"),
        ("ssl_key", "ssl.*.pem"),
    ] {
        let wrong = one(complete().set(name, "1"));
        assert_eq!((wrong.kind(), wrong.key()), (WrongKind::Owned, name));
        assert!(wrong.what_is_allowed().contains(instead), "{wrong}");
    }
    assert_eq!(one(complete().from_vars([("HEALER_KAFKA_DR_MSG_CB", "x")])).kind(), WrongKind::Owned);
}

#[test]
fn what_the_broker_decides_in_the_consumer_protocol_names_the_brokers_setting() {
    for (name, setting) in [
        ("session.timeout.ms", "group.consumer.session.timeout.ms"),
        ("heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms"),
        ("partition.assignment.strategy", "group.consumer.assignors"),
    ] {
        let wrong = one(complete().protocol(Protocol::Consumer).set(name, "6000"));
        assert!(wrong.what_is_allowed().contains(setting), "{wrong}");
    }
    built(complete().set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "2000"));
    assert_eq!(one(complete().set("group.remote.assignor", "range")).kind(), WrongKind::Conflict);
}

#[test]
fn a_property_that_needs_a_cargo_feature_names_it_and_is_accepted_with_it() {
    for (name, value, feature) in [
        ("security.protocol", "SSL", "ssl"),
        ("ssl.ca.location", "/ca.pem", "ssl"),
        ("enable.ssl.certificate.verification", "false", "ssl"),
        ("sasl.mechanisms", "SCRAM-SHA-512", "ssl"),
        ("sasl.mechanism", "OAUTHBEARER", "ssl"),
        ("sasl.mechanism", "GSSAPI", "gssapi"),
        ("sasl.kerberos.service.name", "kafka", "gssapi"),
        ("compression.type", "zstd", "zstd"),
        ("topic.compression.codec", "zstd", "zstd"),
    ] {
        let builder = complete().set(name, value);
        let Err(error) = builder.clone().build_for(NONE) else { panic!("{name} was accepted") };
        let wrong = &error.wrong()[0];
        assert_eq!(wrong.kind(), WrongKind::NeedsFeature(feature), "{wrong}");
        assert!(wrong.to_string().contains(&format!("`{feature}`")), "{wrong}");
        assert_eq!(wrong.to_string().contains("`ssl-vendored`"), feature == "ssl", "{wrong}");
        assert!(builder.build_for(ALL).is_ok(), "{name}");
    }
    let plain: ConfigBuilder = complete()
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "PLAIN")
        .set("compression.type", "lz4");
    assert!(plain.build_for(NONE).is_ok());
}

#[test]
fn sasl_without_a_mechanism_is_kerberos_and_says_so() {
    let builder = complete().set("security.protocol", "sasl_plaintext");
    let Err(error) = builder.clone().build_for(NONE) else { panic!("accepted") };
    assert!(error.to_string().contains("`sasl.mechanisms` is not set"), "{error}");
    assert!(builder.build_for(ALL).is_ok());
}

#[test]
fn two_names_of_one_property_with_two_values_are_refused() {
    let wrong = one(complete().set("linger.ms", "1").set("queue.buffering.max.ms", "2"));
    assert_eq!(wrong.kind(), WrongKind::Conflict);
    assert!(wrong.to_string().contains("linger.ms"), "{wrong}");
    built(complete().set("linger.ms", "1").set("queue.buffering.max.ms", "1"));
}

#[test]
fn numbers_that_promises_depend_on_are_checked_before_the_start() {
    for (name, value) in [
        ("max.poll.interval.ms", "soon"),
        ("max.poll.interval.ms", "1499"),
        ("session.timeout.ms", "-1"),
        ("max.in.flight", "6"),
        ("retries", "0"),
    ] {
        let wrong = one(complete().set(name, value));
        assert_eq!((wrong.key(), wrong.value()), (name, Some(value)));
        assert!(wrong.what_is_allowed().contains("from 1"), "{wrong}");
    }
    let wrong = one(complete().set("max.poll.interval.ms", "10000"));
    assert!(wrong.to_string().contains("(10000) is below `session.timeout.ms` (45000)"), "{wrong}");
    built(complete().protocol(Protocol::Consumer).set("max.poll.interval.ms", "10000"));
}

#[test]
fn names_and_values_that_no_client_takes_are_refused() {
    for name in ["", "client id", "client.id=x", "client.id\n", "clíent"] {
        assert_eq!(refused(complete().set(name, "x")).wrong()[0].kind(), WrongKind::Invalid, "{name:?}");
    }
    assert_eq!(one(complete().set("client.id", "a\0b")).kind(), WrongKind::Invalid);
}
