//! Starts: where, and which claims they believe.

use healer_store::Run;

use super::*;

fn partition() -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: 0 }
}

fn known(committed: Option<i64>) -> Known {
    Known {
        committed,
        watermarks: Watermarks::all_stable(10, 20),
        wanted: Some(15),
        millis: Some(1_000),
        snapshot: None,
        metadata: None,
    }
}

fn start(committed: Option<i64>, policy: StartPolicy) -> Result<Start, StartError> {
    decide(&partition(), known(committed), policy, OutOfRange::Error)
}

#[test]
fn a_committed_offset_wins_over_every_policy() {
    for policy in [StartPolicy::Earliest, StartPolicy::Latest, StartPolicy::Time, StartPolicy::Error] {
        let start = start(Some(12), policy).expect("in range");
        assert_eq!((start.offset, start.commit), (12, false));
    }
}

#[test]
fn a_new_group_starts_where_the_policy_says_and_commits_what_was_chosen() {
    let of = |policy| start(None, policy).map(|start| (start.offset, start.commit));
    assert_eq!(of(StartPolicy::Earliest), Ok((10, false)));
    assert_eq!(of(StartPolicy::Latest), Ok((15, true)));
    assert_eq!(of(StartPolicy::Time), Ok((15, true)));
    assert!(matches!(of(StartPolicy::Error), Err(StartError::NoOffset { .. })));
}

#[test]
fn latest_is_where_the_end_was_and_the_first_record_of_what_came_to_be_since() {
    for (wanted, offset) in [(Some(20), 20), (Some(3), 10), (Some(21), 10), (None, 10)] {
        let known = Known { wanted, ..known(None) };
        let start = decide(&partition(), known, StartPolicy::Latest, OutOfRange::Error).expect("it is there");
        assert_eq!((start.offset, start.commit), (offset, true), "{wanted:?}");
    }
}

#[test]
fn a_start_by_time_skips_what_is_older_of_all_that_is_there() {
    let older = |policy| start(None, policy).expect("it is there").older;
    assert_eq!(older(StartPolicy::Time), Some(Older { than: 1_000, below: 20 }));
    assert_eq!(older(StartPolicy::Latest), None);
    assert_eq!(start(Some(12), StartPolicy::Time).expect("in range").older, None);
}

#[test]
fn an_offset_that_does_not_exist_is_an_error_unless_the_user_chose_otherwise() {
    for committed in [9, 21] {
        assert!(matches!(start(Some(committed), StartPolicy::Earliest), Err(StartError::OutOfRange { .. })));
        let with = |out_of_range| {
            let start = decide(&partition(), known(Some(committed)), StartPolicy::Earliest, out_of_range);
            start.map(|start| (start.offset, start.commit, start.committed, start.gone_from))
        };
        let gone = (committed == 9).then_some(9);
        assert_eq!(with(OutOfRange::Earliest), Ok((10, true, None, gone)));
        assert_eq!(with(OutOfRange::Latest), Ok((20, true, None, gone)));
    }
    assert!(start(Some(20), StartPolicy::Earliest).is_ok(), "the end itself is in range");
}

const LINEAGE: u64 = 77;

fn said(claim: Option<DoneAbove>) -> Said {
    Said { lineage: LINEAGE, claim }
}

#[test]
fn a_snapshot_of_another_frontier_proves_nothing() {
    let snapshot = |frontier| PartitionSnapshot {
        topic: "t".to_owned(),
        partition: 0,
        lineage: LINEAGE,
        frontier,
        position: 19,
        done_above: vec![Run { first: 14, end: 16 }],
        fingerprint: Some(7),
        leader_epoch: None,
    };
    let claim = |frontier| {
        let known =
            Known { snapshot: Some(snapshot(frontier)), metadata: Some(said(None)), ..known(Some(12)) };
        decide(&partition(), known, StartPolicy::Earliest, OutOfRange::Error).expect("in range").claim
    };
    assert!(claim(12).is_some());
    assert!(claim(11).is_none());
    assert!(claim(13).is_none());
}

fn claim(frontier: i64, fingerprint: u64, end: i64) -> DoneAbove {
    DoneAbove { frontier, fingerprint, leader_epoch: None, runs: vec![Run { first: 14, end }] }
}

#[test]
fn the_store_is_believed_only_where_it_knows_all_that_the_commit_says_is_done() {
    let snapshot = |frontier, end| {
        let DoneAbove { frontier, fingerprint, runs, .. } = claim(frontier, 7, end);
        let fingerprint = Some(fingerprint);
        PartitionSnapshot {
            topic: "t".to_owned(),
            partition: 0,
            lineage: LINEAGE,
            frontier,
            position: 19,
            done_above: runs,
            fingerprint,
            leader_epoch: None,
        }
    };
    let taken = |snapshot, metadata| {
        let known = Known { snapshot, metadata: Some(said(metadata)), ..known(Some(12)) };
        let start = decide(&partition(), known, StartPolicy::Earliest, OutOfRange::Error);
        start.expect("in range").claim.map(|claim| (claim.fingerprint, claim.runs[0].end))
    };
    assert_eq!(taken(Some(snapshot(12, 16)), Some(claim(12, 8, 17))), Some((8, 17)));
    assert_eq!(taken(Some(snapshot(12, 18)), Some(claim(12, 8, 17))), Some((7, 18)));
    assert_eq!(taken(Some(snapshot(11, 18)), Some(claim(12, 8, 17))), Some((8, 17)));
    assert_eq!(taken(Some(snapshot(12, 16)), None), Some((7, 16)));
    // More in all, but not all that the group knows.
    let elsewhere = DoneAbove { runs: vec![Run { first: 18, end: 19 }], ..claim(12, 8, 17) };
    assert_eq!(taken(Some(snapshot(12, 18)), Some(elsewhere)), Some((8, 19)));
}

fn row(lineage: u64, frontier: i64, end: i64) -> PartitionSnapshot {
    PartitionSnapshot {
        topic: "t".to_owned(),
        partition: 0,
        lineage,
        frontier,
        position: 19,
        done_above: vec![Run { first: 14, end }],
        fingerprint: Some(7),
        leader_epoch: None,
    }
}

fn decided(snapshot: Option<PartitionSnapshot>, metadata: Option<Said>) -> Start {
    let known = Known { snapshot, metadata, ..known(Some(12)) };
    decide(&partition(), known, StartPolicy::Earliest, OutOfRange::Error).expect("in range")
}

#[test]
fn a_snapshot_of_another_lineage_proves_nothing_and_is_written_over() {
    let of = |lineage, metadata| {
        let start = decided(Some(row(lineage, 12, 16)), metadata);
        (start.claim.is_some(), start.is_stale, start.lineage, start.commit)
    };
    assert_eq!(of(LINEAGE, Some(said(None))), (true, false, Some(LINEAGE), false));
    assert_eq!(of(LINEAGE + 1, Some(said(None))), (false, true, Some(LINEAGE), false));
    // Where a tool or an earlier version has set the offset, the records in between are not known.
    assert_eq!(of(LINEAGE, None), (false, true, None, false));
    let start = decided(Some(row(LINEAGE, 11, 16)), Some(said(Some(claim(12, 8, 17)))));
    assert_eq!((start.claim.map(|claim| claim.fingerprint), start.is_stale), (Some(8), true));
    assert!(!decided(None, None).is_stale, "there is nothing to write over");
}

#[test]
fn what_no_commit_of_the_group_says_begins_a_lineage() {
    let snapshot = || Some(row(LINEAGE, 10, 16));
    let start = |committed, metadata, policy| {
        let known = Known { snapshot: snapshot(), metadata, ..known(committed) };
        decide(&partition(), known, policy, OutOfRange::Earliest).expect("it starts")
    };
    // A group that was deleted, or whose offset does not exist any more, comes to the same offset again.
    for (committed, policy) in
        [(None, StartPolicy::Earliest), (None, StartPolicy::Latest), (Some(9), StartPolicy::Earliest)]
    {
        let start = start(committed, Some(said(Some(claim(10, 8, 17)))), policy);
        assert_eq!((start.lineage, start.claim, start.is_stale), (None, None, true), "{committed:?}");
    }
}

#[test]
fn what_is_claimed_beyond_the_end_of_the_log_is_not_believed_and_ends_its_lineage() {
    for by_store in [true, false] {
        let start = |end| {
            let claimed = (!by_store).then(|| claim(12, 8, end));
            decided(by_store.then(|| row(LINEAGE, 12, end)), Some(said(claimed)))
        };
        let whole = start(20);
        assert_eq!((whole.claim.is_some(), whole.lineage, whole.commit), (true, Some(LINEAGE), false));
        let cut = start(21);
        assert_eq!((cut.claim, cut.lineage), (None, None));
        assert_eq!((cut.offset, cut.commit), (12, true), "or it would be believed when the log is longer");
    }
}
