//! Records on their way, and how their deliveries end.

use futures_util::{FutureExt, task::noop_waker_ref};

use super::*;
use crate::{
    broker::{Delivery, OutRecord, Producer, SendError},
    record::Headers,
};

fn send(producer: &SimProducer, key: &str) -> Result<Delivery, SendError> {
    let headers = Headers::new();
    let key = Some(key.as_bytes());
    producer.send(&OutRecord { topic: "t", key, value: key, headers: &headers, timestamp: None })
}

fn keys(cluster: &Cluster) -> Vec<String> {
    let key = |record: &Arc<Record>| String::from_utf8(record.key.clone().unwrap_or_default()).unwrap();
    cluster.log("t", 0, |log| log.records().map(|(_, record)| key(record)).collect()).unwrap()
}

#[test]
fn a_delivery_ends_with_the_acknowledgement_and_wakes_its_task() {
    let cluster = cluster(1);
    let producer = cluster.producer();
    let (mut a, mut b) = (send(&producer, "a").unwrap(), send(&producer, "b").unwrap());
    assert!((&mut a).now_or_never().is_none());
    let (woken, waker) = counting();
    assert!(a.poll_unpin(&mut std::task::Context::from_waker(&waker)).is_pending());
    assert!(keys(&cluster).is_empty(), "nothing is written before");
    assert_eq!(cluster.acknowledge(1), 1);
    assert_eq!(woken.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert!(matches!(a.now_or_never(), Some(Ok(()))));
    assert!((&mut b).now_or_never().is_none());
    assert_eq!((keys(&cluster), cluster.in_flight()), (vec!["a".to_owned()], 1));
    producer.flush(SECOND);
    assert!(matches!(b.now_or_never(), Some(Ok(()))));
    assert_eq!(keys(&cluster), ["a", "b"]);
}

fn counting() -> (Arc<std::sync::atomic::AtomicUsize>, std::task::Waker) {
    struct Count(Arc<std::sync::atomic::AtomicUsize>);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let count = Arc::default();
    (Arc::clone(&count), Arc::new(Count(count)).into())
}

#[test]
fn a_failed_send_may_have_arrived() {
    let cluster = cluster(1);
    let producer = cluster.producer();
    let (a, b) = (send(&producer, "a").unwrap(), send(&producer, "b").unwrap());
    cluster.fail_sends(1, false);
    cluster.fail_sends(1, true);
    for delivery in [a, b] {
        let Some(Err(SendError::Failed(error))) = delivery.now_or_never() else { panic!("it must fail") };
        assert_eq!(error.kind, BrokerErrorKind::Unreachable);
    }
    assert_eq!(keys(&cluster), ["b"]);
}

#[test]
fn a_producer_is_full_until_something_is_acknowledged() {
    let cluster = cluster(1);
    cluster.tune(|settings| settings.queue = 2);
    let (producer, other) = (cluster.producer(), cluster.producer());
    let _kept = [send(&producer, "a").unwrap(), send(&producer, "b").unwrap()];
    assert!(matches!(send(&producer, "c"), Err(SendError::Full)));
    assert!(send(&other, "c").is_ok());
    cluster.acknowledge(1);
    assert!(send(&producer, "d").is_ok());
}

#[test]
fn nothing_is_acknowledged_while_the_cluster_is_down() {
    let cluster = cluster(1);
    let producer = cluster.producer();
    let mut sent = send(&producer, "a").unwrap();
    cluster.down(true);
    producer.flush(SECOND);
    assert_eq!((cluster.acknowledge(1), cluster.acknowledge_any()), (0, false));
    assert_eq!(producer.check_topic("t", SECOND).unwrap_err().kind, BrokerErrorKind::Unreachable);
    cluster.down(false);
    assert!((&mut sent).now_or_never().is_none());
    assert!(cluster.acknowledge_any());
    assert!(matches!(
        sent.poll_unpin(&mut std::task::Context::from_waker(noop_waker_ref())),
        std::task::Poll::Ready(Ok(()))
    ));
}

#[test]
fn acknowledgements_in_any_order_keep_the_order_of_a_key() {
    let cluster = cluster(1);
    let producer = cluster.producer();
    let names = ["a", "b", "a", "b", "a"];
    let _kept: Vec<_> = names.iter().map(|key| send(&producer, key).unwrap()).collect();
    let mut serials = Vec::new();
    while cluster.acknowledge_any() {}
    cluster.log("t", 0, |log| serials.extend(log.records().map(|(_, record)| record.serial)));
    assert_eq!(serials.len(), 5);
    assert!(serials.is_sorted());
}

#[test]
fn of_a_crashed_producer_some_records_arrive_in_order() {
    let mut counts = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let cluster = Cluster::new(seed, Settings::default());
        cluster.create_topic("t", 1);
        let (producer, other) = (cluster.producer(), cluster.producer());
        for key in ["a", "b", "c"] {
            drop((send(&producer, key).unwrap(), send(&other, "x").unwrap()));
        }
        cluster.crash_producer(producer.id());
        let keys = keys(&cluster);
        assert_eq!(keys, ["a", "b", "c"][..keys.len()]);
        assert_eq!(cluster.in_flight(), 3, "those of the other one");
        counts.insert(keys.len());
    }
    assert_eq!(counts.len(), 4, "none, some or all");
}

#[test]
fn a_topic_that_is_missing_is_an_error() {
    let cluster = Cluster::new(1, Settings::default());
    let producer = cluster.producer();
    assert_eq!(producer.check_topic("t", SECOND).unwrap_err().kind, BrokerErrorKind::UnknownTopic);
    let sent = send(&producer, "a").unwrap();
    cluster.acknowledge(1);
    let Some(Err(SendError::Failed(error))) = sent.now_or_never() else { panic!("it must fail") };
    assert_eq!(error.kind, BrokerErrorKind::UnknownTopic);
}
