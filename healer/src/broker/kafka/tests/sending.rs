//! The producer: acknowledgements, full queues, records that never fit.

use super::*;
use crate::broker::{BrokerErrorKind, OutRecord, Producer, SendError};

fn record<'a>(topic: &'a str, value: &'a [u8], headers: &'a Headers) -> OutRecord<'a> {
    OutRecord { topic, key: Some(b"k"), value: Some(value), headers, timestamp: Some(1_000) }
}

#[tokio::test]
async fn a_delivery_ends_with_the_acknowledgement() {
    let kafka = kafka(&[("t", 3)]);
    let producer = producer(&kafka, []);
    let mut headers = Headers::new();
    headers.push("h", Some(b"1".as_slice()));
    let deliveries: Vec<_> = (0..100).map(|_| producer.send(&record("t", b"v", &headers)).unwrap()).collect();
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let received = kafka.read("t").unwrap();
    assert_eq!(received.len(), 100);
    assert!(received.iter().all(|r| r.headers == headers && r.timestamp == Some(1_000)));
    assert!(received.iter().all(|r| r.partition == received[0].partition), "one key, one partition");
}

#[test]
fn a_full_queue_is_told_apart_from_a_failure_and_dropped_deliveries_do_not_block() {
    let kafka = kafka(&[("t", 1)]);
    let producer = producer(&kafka, [("queue.buffering.max.messages", "5"), ("linger.ms", "1000")]);
    let headers = Headers::new();
    let mut deliveries = Vec::new();
    let full = (0..10).find_map(|_| match producer.send(&record("t", b"v", &headers)) {
        Ok(delivery) => {
            deliveries.push(delivery);
            None
        }
        Err(error) => Some(error),
    });
    assert!(matches!(full, Some(SendError::Full)), "{full:?}");
    assert_eq!(deliveries.len(), 5);
    let start = Instant::now();
    drop(deliveries);
    assert!(start.elapsed() < TICK);
    producer.flush(WAIT);
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(kafka.read("t").unwrap().len(), 5);
}

#[test]
fn a_record_that_is_too_large_names_the_setting() {
    let kafka = kafka(&[("t", 1)]);
    let producer = producer(&kafka, [("message.max.bytes", "1000000")]);
    let value = vec![0; 2_000_000];
    let Err(SendError::Failed(error)) = producer.send(&record("t", &value, &Headers::new())) else {
        panic!("2 MB went through")
    };
    assert_eq!(error.kind, BrokerErrorKind::TooLarge);
    assert!(error.text.contains("message.max.bytes") && error.text.contains("\"t\""), "{error}");
}

#[tokio::test]
async fn a_missing_topic_is_told_and_not_created() {
    let kafka = kafka(&[("t", 1)]);
    let producer = producer(&kafka, [("message.timeout.ms", "2000")]);
    producer.check_topic("t", WAIT).unwrap();
    let error = producer.check_topic("nope", WAIT).unwrap_err();
    assert_eq!(error.kind, BrokerErrorKind::UnknownTopic);
    assert!(error.text.contains("\"nope\""), "{error}");
    let headers = Headers::new();
    let Err(SendError::Failed(error)) = (match producer.send(&record("nope", b"v", &headers)) {
        Ok(delivery) => delivery.await,
        Err(error) => Err(error),
    }) else {
        panic!("a record for no topic was acknowledged")
    };
    assert!(error.text.contains("nope"), "{error}");
    assert!(kafka.partitions("nope").is_err());
}

#[tokio::test]
async fn properties_of_consumers_are_left_out() {
    let kafka = kafka(&[("t", 1)]);
    let producer = producer(&kafka, [("group.id", "g"), ("group.protocol", "consumer"), ("acks", "0")]);
    producer.send(&record("t", b"v", &Headers::new())).unwrap().await.unwrap();
}
