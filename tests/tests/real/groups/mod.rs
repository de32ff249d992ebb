//! Members that come, go and wait: which records each of them leaves undone, does twice, or holds up.

mod blocked;
mod revoke;
mod stops;

use std::collections::BTreeMap;

use healer_tests::kafka::RealKafka;

/// Everything that is in the topic is committed.
fn assert_all_committed(kafka: &RealKafka, group: &str, topic: &str) {
    let ends: BTreeMap<_, _> = kafka.end_offsets(topic).unwrap();
    assert_eq!(kafka.committed(group, topic).unwrap(), ends);
}
