//! Nobody there, wrong settings, and clients that must end in time all the same.

use super::*;
use crate::broker::{BrokerErrorKind, Commit, CommitErrorKind, OutRecord, Producer, SendError};

/// A port where nobody listens.
fn nobody() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    port.expect("a free port").to_string()
}

#[test]
fn no_broker_is_an_error_within_the_time_given() {
    let brokers = nobody();
    let broker = KafkaBroker::connect(&properties(&brokers, [("group.id", "g")])).unwrap();
    let wait = Duration::from_millis(1_500);
    for pattern in [false, true] {
        let topics = if pattern { vec![Topics::Pattern(arc("^t"))] } else { named("t") };
        let start = Instant::now();
        let error = broker.remote().partitions(&topics, wait).unwrap_err();
        assert!(start.elapsed() < wait + Duration::from_millis(700), "{:?}", start.elapsed());
        assert_eq!(error.kind, BrokerErrorKind::Unreachable, "{error}");
        assert!(error.text.contains("no broker answered") && error.text.contains(&brokers), "{error}");
        assert!(error.text.contains("refused") && error.text.contains("bootstrap.servers"), "{error}");
    }
    let start = Instant::now();
    broker.close(Duration::from_millis(300));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_member_whose_broker_went_away_ends_in_time() {
    let kafka = kafka(&[("t", 1)]);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    kafka.with_cluster(|cluster| cluster.broker_down(-1)).unwrap();
    let warned = |seen: &Seen| {
        let kind = |event: &Event| matches!(event, Event::Error(e) if e.kind == BrokerErrorKind::Transient);
        seen.events.iter().any(kind)
    };
    drive(&mut broker, "a transient error", warned);
    let start = Instant::now();
    broker.close(Duration::from_millis(300));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_producer_without_a_broker_says_so() {
    let brokers = nobody();
    let properties = properties(&brokers, [("message.timeout.ms", "1000")]);
    let producer = KafkaProducer::connect(&properties).unwrap();
    let error = producer.check_topic("t", Duration::from_millis(800)).unwrap_err();
    assert_eq!(error.kind, BrokerErrorKind::Unreachable);
    assert!(error.text.contains(&brokers), "{error}");
    let headers = Headers::new();
    let record = OutRecord { topic: "t", key: None, value: None, headers: &headers, timestamp: None };
    let Err(SendError::Failed(error)) = producer.send(&record).unwrap().await else {
        panic!("nobody acknowledged")
    };
    assert_eq!(error.kind, BrokerErrorKind::Unreachable, "{error}");
    let start = Instant::now();
    drop(producer);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_broker_that_does_not_know_us_is_told_apart_from_none_and_early() {
    // The mock knows no SASL, and librdkafka reports that as a failed authentication.
    let kafka = kafka(&[("t", 1)]);
    let sasl = [
        ("group.id", "g"),
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanisms", "PLAIN"),
        ("sasl.username", "alice"),
        ("sasl.password", "hunter2"),
    ];
    let broker = KafkaBroker::connect(&properties(kafka.brokers(), sasl)).unwrap();
    let start = Instant::now();
    let error = broker.remote().partitions(&named("t"), WAIT).unwrap_err();
    assert!(start.elapsed() < WAIT / 5, "{:?}", start.elapsed());
    assert_eq!(error.kind, BrokerErrorKind::NotAuthorized, "{error}");
    assert!(error.text.contains("authentication failed") && error.text.contains("sasl.password"), "{error}");
    assert!(!error.text.contains("hunter2"), "{error}");
    broker.close(WAIT);
    let producer = KafkaProducer::connect(&properties(kafka.brokers(), sasl)).unwrap();
    assert_eq!(producer.check_topic("t", WAIT).unwrap_err().kind, BrokerErrorKind::NotAuthorized);
}

#[test]
fn a_member_whose_instance_id_is_taken_is_of_no_more_use() {
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID};
    let kafka = kafka(&[("t", 1)]);
    let mut broker = member(&kafka, [("group.instance.id", "one")]);
    join(&mut broker, "t", 0);
    let inject = |cluster: &rdkafka::mocking::MockCluster<'_, _>| {
        cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID]);
        Ok(())
    };
    kafka.with_cluster(inject).unwrap();
    let commit = Commit { partition: tp("t", 0), offset: 0, metadata: String::new() };
    assert_eq!(broker.remote().commit(&[commit]).unwrap_err().kind, CommitErrorKind::Fatal);
    let fatal = |event: &Event| matches!(event, Event::Error(e) if e.kind == BrokerErrorKind::Fatal);
    drive(&mut broker, "a fatal error", |seen| seen.events.iter().any(fatal));
    let start = Instant::now();
    broker.close(Duration::from_secs(2));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

fn refused<const N: usize>(more: [(&str, &str); N]) -> String {
    let mut all = properties("127.0.0.1:1", [("group.id", "g")]);
    all.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let error = KafkaBroker::connect(&all).err().expect("it must be refused");
    assert_eq!(error.kind, BrokerErrorKind::Configuration);
    error.text
}

#[test]
fn wrong_properties_are_named_and_secrets_are_not() {
    assert!(refused([("fetch.min.byte", "1")]).contains("no property \"fetch.min.byte\""));
    let text = refused([("fetch.min.bytes", "many")]);
    assert!(text.contains("fetch.min.bytes = \"many\""), "{text}");
    assert!(refused([("group.id", "")]).contains("`group.id`"));
    let text = refused([("ssl.key.password", "hunter2"), ("debug", "hunter2")]);
    assert!(!text.contains("hunter2"), "{text}");
    let text = refused([("group.protocol", "consumer"), ("session.timeout.ms", "6000")]);
    assert!(text.contains("session.timeout.ms"), "{text}");
    let none = KafkaBroker::connect(&BTreeMap::from([("group.id".into(), "g".into())])).err().unwrap();
    assert!(none.text.contains("`bootstrap.servers`"), "{none}");
}

#[cfg(not(any(feature = "ssl", feature = "ssl-vendored")))]
#[test]
fn a_property_that_needs_a_feature_names_it() {
    let text = refused([("security.protocol", "ssl")]);
    assert!(text.contains("cargo feature `ssl`"), "{text}");
    let text = refused([("ssl.ca.location", "/x")]);
    assert!(text.contains("cargo feature `ssl`"), "{text}");
    let sasl =
        [("security.protocol", "sasl_plaintext"), ("sasl.username", "u"), ("sasl.password", "hunter2")];
    let text = refused([sasl[0], sasl[1], sasl[2], ("sasl.mechanisms", "SCRAM-SHA-256")]);
    assert!(text.contains("cargo feature `ssl`") && !text.contains("hunter2"), "{text}");
    #[cfg(not(feature = "gssapi"))]
    {
        let text = refused([sasl[0], ("sasl.mechanisms", "GSSAPI")]);
        assert!(text.contains("cargo feature `gssapi`"), "{text}");
    }
    #[cfg(not(feature = "zstd"))]
    {
        let properties = properties("127.0.0.1:1", [("compression.type", "zstd")]);
        let error = KafkaProducer::connect(&properties).err().unwrap();
        assert!(error.text.contains("cargo feature `zstd`"), "{error}");
    }
}
