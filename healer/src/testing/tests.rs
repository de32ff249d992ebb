use super::{partitioner::partition_of, *};
use crate::{
    broker::{OutRecord, Producer, kafka::KafkaProducer},
    record::Headers,
};

fn pair(key: &str, value: &str) -> (Option<String>, Option<String>) {
    (Some(key.into()), Some(value.into()))
}

#[test]
fn what_goes_in_comes_out() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 3).unwrap();
    kafka.produce("t", (0..300).map(|n| pair(&format!("k{n}"), &n.to_string()))).unwrap();
    let special = [
        TestRecord::new()
            .key("k")
            .partition(1)
            .header("a", Some("1"))
            .header("a", None::<&str>)
            .timestamp(1_000),
        TestRecord::new().value("").partition(1),
    ];
    kafka.produce("t", special.clone()).unwrap();

    let records = kafka.records("t").unwrap();
    assert_eq!(records.len(), 302);
    let ends = kafka.end_offsets("t").unwrap();
    assert_eq!(ends.len(), 3);
    assert_eq!(ends.values().sum::<i64>(), 302);
    for record in records.iter().filter(|r| r.key.as_deref().is_some_and(|key| key.len() > 1)) {
        assert_eq!(record.partition, partition_of(record.key.as_deref().unwrap(), 3));
    }
    let last: Vec<_> = records.iter().filter(|r| r.partition == 1).collect();
    let [.., tombstone, empty] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!((tombstone.value.as_deref(), tombstone.timestamp), (None, Some(1_000)));
    assert_eq!(tombstone.headers, special[0].headers);
    assert_eq!((empty.key.as_deref(), empty.value.as_deref()), (None, Some(b"".as_slice())));
    assert_eq!(kafka.lag("g", "t").unwrap(), 302);
}

#[test]
fn records_without_a_key_go_round() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 4).unwrap();
    kafka.produce("t", (0..8).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
    assert!(kafka.end_offsets("t").unwrap().values().all(|end| *end == 2));
}

#[test]
fn more_than_the_mock_keeps_is_refused_and_nothing_of_it_is_sent() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 2).unwrap();
    let large = |n: usize| (0..n).map(|_| TestRecord::new().value(vec![b'x'; 500_000]).partition(1));
    kafka.produce("t", large(8)).unwrap();
    let error = kafka.produce("t", large(4)).unwrap_err();
    assert!(matches!(&error, EmbeddedError::Full { partition: 1, records: 12, .. }), "{error:?}");
    assert!(error.to_string().contains("more partitions"), "{error}");
    kafka.produce("t", large(2)).unwrap();
    assert_eq!(kafka.records("t").unwrap().len(), 10);

    let many = (0..100_001).map(|_| TestRecord::new().partition(0));
    assert!(matches!(kafka.produce("t", many), Err(EmbeddedError::Full { partition: 0, .. })));
    assert_eq!(kafka.end_offsets("t").unwrap()[&0], 0);
}

#[test]
fn records_that_others_pushed_out_are_reported() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 1).unwrap();
    let properties = [("bootstrap.servers".to_owned(), kafka.brokers().to_owned())].into();
    let producer = KafkaProducer::connect(&properties).unwrap();
    let headers = Headers::new();
    let value = vec![0; 900_000];
    let record = OutRecord { topic: "t", key: None, value: Some(&value), headers: &headers, timestamp: None };
    for _ in 0..8 {
        drop(producer.send(&record).unwrap());
        producer.flush(std::time::Duration::from_secs(10));
    }
    let error = kafka.records("t").unwrap_err();
    assert!(matches!(error, EmbeddedError::Dropped { partition: 0, first: 1.., .. }), "{error}");
    assert!(
        error.to_string().contains("keeps of a partition. To hold more, create the topic with more"),
        "{error}"
    );
    // The next `produce` gives the error as well.
    let error = kafka.produce("t", [pair("k", "v")]).unwrap_err();
    assert!(matches!(error, EmbeddedError::Dropped { partition: 0, .. }), "{error}");
}

#[test]
fn a_producer_that_compresses_gets_more_in() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 1).unwrap();
    let properties = [("bootstrap.servers", kafka.brokers()), ("compression.type", "lz4")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()));
    let producer = KafkaProducer::connect(&properties.into()).unwrap();
    let headers = Headers::new();
    let value = vec![0; 900_000];
    let record = OutRecord { topic: "t", key: None, value: Some(&value), headers: &headers, timestamp: None };
    for _ in 0..8 {
        drop(producer.send(&record).unwrap());
        producer.flush(std::time::Duration::from_secs(10));
    }
    assert_eq!(kafka.records("t").unwrap().len(), 8);
}

#[test]
fn what_is_not_there_is_named() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 2).unwrap();
    assert!(matches!(kafka.create_topic("t", 2), Err(EmbeddedError::Failed(_))));
    let missing =
        |error: EmbeddedError| matches!(&error, EmbeddedError::UnknownTopic { topic } if topic == "nope");
    assert!(missing(kafka.produce("nope", [pair("k", "v")]).unwrap_err()));
    assert!(missing(kafka.records("nope").unwrap_err()));
    assert!(missing(kafka.end_offsets("nope").unwrap_err()));
    assert!(missing(kafka.committed("g", "nope").unwrap_err()));
    let error = kafka.produce("t", [TestRecord::new().partition(2)]).unwrap_err();
    assert_eq!(error.to_string(), "topic \"t\" has 2 partitions, there is no partition 2");
}

#[tokio::test]
async fn it_can_be_used_inside_a_runtime_and_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    let kafka = EmbeddedKafka::start().unwrap();
    shared(&kafka);
    kafka.create_topic("t", 1).unwrap();
    kafka.produce("t", [pair("k", "v")]).unwrap();
    assert_eq!(kafka.records("t").unwrap().len(), 1);
}

/// The partitions that librdkafka's `murmur2_random` chooses are those of our own copy.
#[tokio::test]
async fn keys_go_where_real_producers_send_them() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 7).unwrap();
    let properties = [("bootstrap.servers".to_owned(), kafka.brokers().to_owned())].into();
    let producer = KafkaProducer::connect(&properties).unwrap();
    let headers = Headers::new();
    for length in 0..40_usize {
        let key = "a-key-of-any-length-ä-with-more-than-ascii".as_bytes()[..length].to_vec();
        let record =
            OutRecord { topic: "t", key: Some(&key), value: None, headers: &headers, timestamp: None };
        producer.send(&record).unwrap().await.unwrap();
    }
    let records = kafka.records("t").unwrap();
    assert_eq!(records.len(), 40);
    for record in records {
        assert_eq!(
            record.partition,
            partition_of(record.key.as_deref().unwrap_or_default(), 7),
            "{record:?}"
        );
    }
}
