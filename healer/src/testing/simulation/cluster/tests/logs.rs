//! Logs with gaps, ends that move, and topics that go.

use super::*;
use crate::{
    broker::{Committed, Watermarks},
    record::Headers,
};

fn offsets(member: &mut Member) -> Vec<i64> {
    member.seen().into_iter().map(|(_, offset)| offset).collect()
}

fn marks(member: &Member) -> Watermarks {
    member.broker.remote().watermarks_of(&tp(0), SECOND).unwrap()
}

#[test]
fn gaps_are_not_delivered_and_positions_go_past_them_with_what_follows() {
    let cluster = cluster(1);
    put(&cluster, 0, 6);
    cluster.compact("t", 0, |offset, _| offset == 1 || offset >= 4);
    let mut member = alone(&cluster, Protocol::Consumer);
    assert_eq!(offsets(&mut member), [0, 2, 3, 5], "the last record stays");
    assert_eq!(member.broker.positions(), [(0, 6)]);
    cluster.aborted("t", 0, 3);
    assert_eq!(marks(&member), Watermarks::all_stable(0, 10));
    member.run();
    assert!(member.seen().is_empty());
    assert_eq!(member.broker.positions(), [(0, 10)], "past the marker");
    put(&cluster, 0, 1);
    cluster.marker("t", 0);
    member.run();
    assert_eq!(offsets(&mut member), [10]);
    assert_eq!(member.broker.positions(), [(0, 12)]);
}

#[test]
fn a_position_is_told_only_after_something_was_consumed() {
    let cluster = cluster(1);
    let mut member = alone(&cluster, Protocol::Cooperative);
    assert!(member.broker.positions().is_empty());
    put(&cluster, 0, 1);
    member.run();
    assert_eq!(member.broker.positions(), [(0, 1)]);
    member.broker.seek(&Assignment { partition: tp(0), slot: 0, offset: 0 }).unwrap();
    assert!(member.broker.positions().is_empty());
    member.run();
    assert_eq!(offsets(&mut member), [0, 0]);
}

#[test]
fn an_offset_out_of_range_stops_its_partition_alone_until_it_is_sought() {
    let cluster = cluster(2);
    put(&cluster, 0, 10);
    cluster.delete_records("t", 0, 4);
    let mut member = alone(&cluster, Protocol::Consumer);
    put(&cluster, 1, 3);
    pass(&mut [&mut member], 3);
    assert_eq!(member.told(), ["out of range"; 0], "told once, at the start");
    assert_eq!(member.seen(), [(1, 0), (1, 1), (1, 2)]);
    assert_eq!(marks(&member), Watermarks::all_stable(4, 10));
    member.broker.seek(&Assignment { partition: tp(0), slot: 0, offset: 4 }).unwrap();
    member.run();
    assert_eq!(offsets(&mut member), [4, 5, 6, 7, 8, 9]);
}

#[test]
fn what_was_prefetched_comes_though_it_is_deleted_and_then_the_position_is_out_of_range() {
    let cluster = cluster(1);
    put(&cluster, 0, 100);
    let mut member = alone(&cluster, Protocol::Consumer);
    member.seen();
    put(&cluster, 0, 200);
    let mut taken = Vec::new();
    member.broker.source().poll(10, SECOND, &mut |records| taken.extend(records.iter().map(|r| r.offset)));
    assert_eq!(taken, (100..110).collect::<Vec<_>>());
    cluster.delete_records("t", 0, 290);
    member.run();
    assert_eq!(offsets(&mut member), (110..164).collect::<Vec<_>>(), "64 were fetched at once");
    assert_eq!(member.told(), ["out of range"]);
}

#[test]
fn a_pause_throws_away_what_was_prefetched_and_resume_fetches_it_again() {
    let cluster = cluster(2);
    put(&cluster, 0, 20);
    let mut member = alone(&cluster, Protocol::Consumer);
    member.seen();
    put(&cluster, 0, 40);
    member.broker.source().poll(5, SECOND, &mut |records| assert_eq!(records.len(), 5));
    member.broker.pause(&[tp(0)]).unwrap();
    cluster.compact("t", 0, |offset, _| offset < 50);
    put(&cluster, 1, 1);
    member.run();
    assert_eq!(member.seen(), [(1, 0)], "the other one runs on");
    member.broker.resume(&[tp(0)]).unwrap();
    member.run();
    assert_eq!(offsets(&mut member), (50..60).collect::<Vec<_>>());
    member.broker.pause(&[tp(0)]).unwrap();
    member.broker.unassign(&[tp(0)]).unwrap();
    member.assign(vec![tp(0)]);
    put(&cluster, 0, 1);
    member.run();
    assert_eq!(offsets(&mut member), [60], "an assignment ends the pause");
}

#[test]
fn after_a_truncation_the_same_offsets_hold_other_records() {
    for sees in [true, false] {
        let cluster = cluster(1);
        cluster.tune(|settings| settings.sees_truncation = sees);
        put(&cluster, 0, 10);
        let mut member = alone(&cluster, Protocol::Cooperative);
        member.seen();
        let serial = |offset| cluster.log("t", 0, |log| log.record(offset).map(|r| r.serial)).unwrap();
        let old = serial(5);
        cluster.truncate("t", 0, 5);
        assert_eq!(serial(5), None);
        put(&cluster, 0, 10);
        assert_ne!(serial(5), old);
        member.run();
        // A member that is not told goes on in the middle of the new records.
        let (told, seen) = if sees { (vec!["out of range"], 0) } else { (vec![], 5) };
        assert_eq!(
            (member.told(), member.seen().len()),
            (told.into_iter().map(String::from).collect(), seen)
        );
        member.commit(0, 8).unwrap();
        let entry = cluster.history(0).pop().unwrap();
        assert_eq!((entry.offset, entry.truncations), (8, 1));
    }
}

#[test]
fn a_topic_that_is_deleted_takes_its_commits_along() {
    for protocol in ALL {
        let cluster = cluster(1);
        put(&cluster, 0, 5);
        let mut member = alone(&cluster, protocol);
        member.commit(0, 5).unwrap();
        assert_eq!(cluster.committed(GROUP, "t", 0), Some((5, String::new())));
        let first = cluster.incarnation("t");
        cluster.delete_topic("t");
        assert_eq!(cluster.incarnation("t"), None);
        assert_eq!(member.refused(0, 5), CommitErrorKind::Fatal);
        pass(&mut [&mut member], 10);
        let told = member.told();
        assert!(told.contains(&"revoked [0]".to_owned()), "{protocol:?}: {told:?}");
        assert_eq!(told.contains(&"UnknownTopic".to_owned()), protocol != Protocol::Consumer, "{told:?}");
        cluster.create_topic("t", 1);
        put(&cluster, 0, 2);
        member.next.clear();
        member.seen();
        pass(&mut [&mut member], 10);
        assert_eq!(offsets(&mut member), [0, 1], "{protocol:?}");
        assert_eq!(cluster.committed(GROUP, "t", 0), None);
        assert_ne!(cluster.incarnation("t"), first);
    }
}

#[test]
fn a_classic_member_does_not_notice_that_a_topic_was_made_anew() {
    for protocol in ALL {
        let cluster = cluster(1);
        put(&cluster, 0, 5);
        let mut member = alone(&cluster, protocol);
        member.commit(0, 5).unwrap();
        cluster.recreate_topic("t", 1);
        put(&cluster, 0, 8);
        member.seen();
        member.next.clear();
        pass(&mut [&mut member], 10);
        if protocol == Protocol::Consumer {
            assert_eq!(member.told(), ["revoked [0]", "assigned", "assigned [0]"]);
            assert_eq!(offsets(&mut member), (0..8).collect::<Vec<_>>());
        } else {
            assert!(member.told().is_empty(), "{protocol:?}");
            assert_eq!(offsets(&mut member), [5, 6, 7], "{protocol:?}: it goes on at its offset");
        }
        let committed = member.broker.remote().committed(&[tp(0)], SECOND).unwrap();
        assert_eq!(committed, [None::<Committed>]);
    }
}

#[test]
fn times_and_partitions_are_found() {
    let cluster = cluster(2);
    for millis in [10, 20, 30] {
        cluster.produce("t", 0, None, None, millis);
    }
    let broker = cluster.member(GROUP, None, Protocol::Consumer);
    let remote = broker.remote();
    assert_eq!(remote.offsets_at(&[tp(0), tp(1)], 15, SECOND).unwrap(), [1, 0]);
    assert_eq!(remote.offsets_at(&[tp(0)], 31, SECOND).unwrap(), [3]);
    let named = |name: &str| vec![Topics::Named(vec![name.into()])];
    assert_eq!(remote.partitions(&named("t"), SECOND).unwrap(), [tp(0), tp(1)]);
    assert_eq!(remote.partitions(&[Topics::Pattern("^t".into())], SECOND).unwrap().len(), 2);
    assert_eq!(remote.partitions(&named("u"), SECOND).unwrap_err().kind, BrokerErrorKind::UnknownTopic);
    assert_eq!(remote.watermarks_of(&tp(2), SECOND).unwrap_err().kind, BrokerErrorKind::UnknownTopic);
}

#[test]
fn records_come_as_they_were_written() {
    let cluster = cluster(1);
    let mut headers = Headers::new();
    headers.push("a", Some(b"1".as_slice()));
    headers.push("a", None::<&[u8]>);
    cluster.produce_with("t", 0, None, Some(b""), headers.clone(), None);
    let mut member = Member::new(&cluster, Protocol::Consumer);
    cluster.advance(SECOND);
    let events = member.poll();
    member.answer(events);
    let mut seen = 0;
    member.broker.source().poll(1, SECOND, &mut |records| {
        let mut read = Headers::new();
        records[0].headers.read(&mut read);
        assert_eq!(
            (records[0].key, records[0].value, records[0].timestamp),
            (None, Some(b"".as_slice()), None)
        );
        assert_eq!(read, headers);
        seen += 1;
    });
    assert_eq!(seen, 1);
}
