//! Requests: questions to the broker, and its answers.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::broker::{BrokerErrorKind, Commit, CommitErrorKind, Committed, Watermarks};

fn commit(partition: i32, offset: i64, metadata: &str) -> Commit {
    Commit { partition: tp("t", partition), offset, metadata: metadata.into() }
}

#[test]
fn commits_are_read_back_with_their_metadata_in_the_order_asked() {
    let kafka = kafka(&[("t", 3)]);
    put(&kafka, "t", 0, 0..10);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let remote = broker.remote();
    remote.commit(&[commit(0, 7, "map"), commit(2, 0, "")]).unwrap();
    let committed = remote.committed(&[tp("t", 2), tp("t", 1), tp("t", 0)], WAIT).unwrap();
    let entry = |offset, metadata: &str| Some(Committed { offset, metadata: Ok(metadata.into()) });
    assert_eq!(committed, [entry(0, ""), None, entry(7, "map")]);
    assert_eq!(kafka.committed("g", "t").unwrap(), BTreeMap::from([(0, 7), (2, 0)]));
    remote.commit(&[]).unwrap();
    assert!(remote.committed(&[], WAIT).unwrap().is_empty());
    broker.close(WAIT);
}

#[test]
fn watermarks_and_times_are_told() {
    let kafka = kafka(&[("t", 2)]);
    put(&kafka, "t", 0, 0..10);
    let broker = member(&kafka, []);
    let remote = broker.remote();
    assert_eq!(remote.watermarks_of(&tp("t", 0), WAIT).unwrap(), Watermarks::all_stable(0, 10));
    assert_eq!(remote.watermarks_of(&tp("t", 1), WAIT).unwrap(), Watermarks::all_stable(0, 0));
    // The mock has no time index and says that no record is young enough: the end.
    let offsets = remote.offsets_at(&[tp("t", 1), tp("t", 0)], 1, WAIT).unwrap();
    assert_eq!(offsets, [0, 10]);
    broker.close(WAIT);
}

#[test]
fn topics_are_found_by_name_and_pattern_and_a_missing_one_is_named() {
    let kafka = kafka(&[("a-1", 2), ("a-2", 1), ("b", 1), ("__internal", 1)]);
    let broker = member(&kafka, []);
    let remote = broker.remote();
    let named = |names: &[&str]| vec![Topics::Named(names.iter().map(|name| arc(name)).collect())];
    let pattern = |pattern: &str| vec![Topics::Pattern(arc(pattern))];
    assert_eq!(
        remote.partitions(&named(&["b", "a-1"]), WAIT).unwrap(),
        [tp("a-1", 0), tp("a-1", 1), tp("b", 0)]
    );
    assert_eq!(remote.partitions(&pattern("^a-.*"), WAIT).unwrap().len(), 3);
    assert_eq!(remote.partitions(&pattern("^.*"), WAIT).unwrap().len(), 4, "internal topics are left out");
    assert_eq!(remote.partitions(&pattern("^__int.*"), WAIT).unwrap(), [tp("__internal", 0)]);
    assert!(remote.partitions(&pattern("^z.*"), WAIT).unwrap().is_empty());

    let start = Instant::now();
    let error = remote.partitions(&named(&["b", "missing"]), WAIT).unwrap_err();
    assert_eq!(error.kind, BrokerErrorKind::UnknownTopic);
    assert!(error.text.contains("\"missing\" does not exist"), "{error}");
    assert!(error.text.contains("create the topic"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
    // Asking did not create it.
    assert!(remote.partitions(&named(&["missing"]), WAIT).is_err());

    let error = remote.partitions(&pattern("^("), WAIT).unwrap_err();
    assert_eq!(error.kind, BrokerErrorKind::Configuration);
    let error = remote.partitions(&named(&["a\0b"]), WAIT).unwrap_err();
    assert_eq!(error.kind, BrokerErrorKind::Configuration);
    broker.close(WAIT);
}

#[test]
fn a_closed_client_answers_no_more() {
    let kafka = kafka(&[("t", 1)]);
    let broker = member(&kafka, []);
    let remote = broker.remote();
    broker.close(WAIT);
    assert!(remote.watermarks_of(&tp("t", 0), WAIT).unwrap_err().text.contains("closed"));
    assert!(remote.commit(&[commit(0, 1, "")]).unwrap_err().text.contains("closed"));
}

#[test]
fn a_refused_commit_says_what_it_means_for_the_partition() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED as RIGHTS,
        RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION as GENERATION,
        RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE as TOO_LARGE,
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS as REBALANCE, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID as UNKNOWN,
    };
    let kafka = kafka(&[("t", 1)]);
    let broker = member(&kafka, []);
    let remote = broker.remote();
    let cases = [
        (TOO_LARGE, CommitErrorKind::Fatal, "offset.metadata.max.bytes"),
        (RIGHTS, CommitErrorKind::Fatal, "ACLs"),
        (REBALANCE, CommitErrorKind::Rebalancing, "rebalance is over"),
        (GENERATION, CommitErrorKind::Rebalancing, "new generation"),
        (UNKNOWN, CommitErrorKind::Fenced, "count as lost"),
    ];
    for (code, kind, words) in cases {
        let inject = |cluster: &rdkafka::mocking::MockCluster<'_, _>| {
            cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[code]);
            Ok(())
        };
        kafka.with_cluster(inject).unwrap();
        let error = remote.commit(&[commit(0, 3, "")]).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.text.contains("offset 3 of t[0]") && error.text.contains("group \"g\""), "{error}");
        assert!(error.text.contains(words), "{error}");
    }
    remote.commit(&[commit(0, 3, "")]).unwrap();
    broker.close(WAIT);
}
