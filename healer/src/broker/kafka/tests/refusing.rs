//! A producer and the records that a broker does not take: which fail, which are sent again, in which order.

use futures_util::future::join_all;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::broker::{BrokerErrorKind, OutRecord, Producer, SendError};

/// As pipelines send. The mock looks at no sequence numbers: a record that a real broker would refuse behind a gap is not on its
/// way.
fn endless<const N: usize>(kafka: &MockKafka, more: [(&str, &str); N]) -> KafkaProducer {
    let mut all = properties(kafka.brokers(), [("max.in.flight", "1"), ("linger.ms", "20")]);
    all.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
    KafkaProducer::endless(&all).expect("the producer is made")
}

/// The next requests to write are answered like this.
fn refuse(kafka: &MockKafka, errors: &[RDKafkaRespErr]) {
    let inject = |cluster: &rdkafka::mocking::MockCluster<'_, _>| {
        cluster.request_errors(RDKafkaApiKey::Produce, errors);
        Ok(())
    };
    kafka.with_cluster(inject).expect("the mock is there");
}

fn send(producer: &KafkaProducer, topic: &str, value: &str) -> Result<crate::broker::Delivery, SendError> {
    let mut headers = Headers::new();
    headers.push("n", Some(value.to_owned()));
    let timestamp = value.parse().ok().map(time);
    let value = Some(value.as_bytes());
    producer.send(&OutRecord { topic, key: Some(b"k"), value, headers: &headers, timestamp })
}

/// The time of a number.
fn time(n: u32) -> i64 {
    1_000 + i64::from(n)
}

/// Sends numbers and waits for all of them.
async fn send_all(producer: &KafkaProducer, numbers: std::ops::Range<u32>) {
    let deliveries: Vec<_> =
        numbers.map(|n| send(producer, "t", &n.to_string()).expect("it is on its way")).collect();
    for (n, result) in join_all(deliveries).await.into_iter().enumerate() {
        result.unwrap_or_else(|error| panic!("the record at {n} failed: {error}"));
    }
}

/// All that was written, with its header and its time.
fn written(kafka: &MockKafka) -> Vec<u32> {
    let number = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).parse().unwrap();
    let received = kafka.read("t").unwrap();
    received
        .iter()
        .map(|record| {
            let value = number(record.value.as_deref());
            assert_eq!(number(record.headers.get("n")), value, "its header is another record's");
            assert_eq!(record.timestamp, Some(time(value)), "its time is another one");
            value
        })
        .collect()
}

#[tokio::test]
async fn records_that_are_refused_together_are_sent_once_in_their_order() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    };
    for error in [
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
    ] {
        let kafka = kafka(&[("t", 1)]);
        let producer = endless(&kafka, [("batch.num.messages", "10")]);
        send_all(&producer, 0..5).await;
        refuse(&kafka, &[error]);
        send_all(&producer, 5..105).await;
        // Records of later lines go on behind them.
        send_all(&producer, 105..110).await;
        assert_eq!(written(&kafka), (0..110).collect::<Vec<_>>(), "{error:?}");
    }
}

#[tokio::test]
async fn a_record_that_is_refused_alone_fails_and_the_others_go_on() {
    let kafka = kafka(&[("t", 1)]);
    let producer = endless(&kafka, []);
    let too_large = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    // Together, and then the first one alone.
    refuse(&kafka, &[too_large, too_large]);
    let deliveries: Vec<_> = (0..5).map(|n| send(&producer, "t", &n.to_string()).unwrap()).collect();
    let results = join_all(deliveries).await;
    let Err(SendError::Failed(error)) = &results[0] else { panic!("the first one was acknowledged") };
    assert_eq!(error.kind, BrokerErrorKind::TooLarge);
    assert!(error.text.contains("max.message.bytes"), "{error}");
    assert!(results[1..].iter().all(Result::is_ok), "{results:?}");
    assert_eq!(written(&kafka), [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_may_pass_is_waited_for() {
    use RDKafkaRespErr as E;
    let passing = [
        E::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        E::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        E::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        E::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        E::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        E::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        E::RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
        // librdkafka gives these up, and with them everything behind.
        E::RD_KAFKA_RESP_ERR_UNKNOWN,
        E::RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
        E::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        E::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
    ];
    for error in passing {
        let kafka = kafka(&[("t", 1)]);
        let producer =
            endless(&kafka, [("batch.num.messages", "10"), ("message.timeout.ms", "100"), ("retries", "1")]);
        send_all(&producer, 0..5).await;
        refuse(&kafka, &[error, error, error]);
        send_all(&producer, 5..50).await;
        assert_eq!(written(&kafka), (0..50).collect::<Vec<_>>(), "{error:?}");
    }
}

#[tokio::test]
async fn a_record_waits_for_a_broker_longer_than_its_time_out() {
    let kafka = kafka(&[("t", 1)]);
    let producer = endless(&kafka, [("delivery.timeout.ms", "200"), ("statistics.interval.ms", "50")]);
    send_all(&producer, 0..1).await;
    kafka.set_down(true).unwrap();
    let mut delivery = send(&producer, "t", "1").unwrap();
    let end = Instant::now() + WAIT;
    // It says why, and goes on waiting.
    while !producer.trouble().is_some_and(|why| why.contains("no broker is connected")) {
        assert!(Instant::now() < end, "{:?}", producer.trouble());
        let waited = tokio::time::timeout(TICK, &mut delivery).await;
        assert!(waited.is_err(), "{waited:?}");
    }
    let waited = tokio::time::timeout(Duration::from_secs(1), &mut delivery).await;
    assert!(waited.is_err(), "{waited:?}");
    kafka.set_down(false).unwrap();
    delivery.await.unwrap();
    assert_eq!(written(&kafka), [0, 1]);
}

#[tokio::test]
async fn a_producer_that_is_closed_tells_all_who_wait() {
    let kafka = kafka(&[("t", 1)]);
    let producer = endless(&kafka, []);
    send_all(&producer, 0..1).await;
    kafka.set_down(true).unwrap();
    let delivery = send(&producer, "t", "1").unwrap();
    let start = Instant::now();
    drop(producer);
    let Err(SendError::Failed(error)) = delivery.await else { panic!("nobody acknowledged it") };
    assert!(error.text.contains("closed"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_at_once() {
    let kafka = kafka(&[("t", 1)]);
    let producer = endless(&kafka, []);
    refuse(&kafka, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    let Err(SendError::Failed(error)) = send(&producer, "t", "1").unwrap().await else {
        panic!("it went through")
    };
    assert_eq!(error.kind, BrokerErrorKind::NotAuthorized);
}

#[test]
fn names_that_no_topic_has_are_refused_without_asking() {
    let kafka = kafka(&[("t", 1)]);
    let producer = endless(&kafka, []);
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "a\0", "é", "a/b", &long] {
        let Err(SendError::Failed(error)) = send(&producer, name, "1") else { panic!("{name:?} was taken") };
        assert_eq!(error.kind, BrokerErrorKind::Rejected, "{error}");
        assert!(error.text.len() < 400, "{error}");
    }
}
