//! Assignments: joining, sharing, giving back.

use super::*;

/// A second member takes its share, and gets records only after the first one has let go.
fn share(first: &mut KafkaBroker, second: &mut KafkaBroker, kafka: &MockKafka) {
    put(kafka, "t", 0, 0..10);
    put(kafka, "t", 1, 0..10);
    assert_eq!(join(first, "t", 0).len(), 2);
    drive(first, "20 records", |seen| seen.records.len() >= 20);

    second.subscribe(&named("t")).unwrap();
    let mut early = Seen::default();
    let seen = drive(first, "the revoke", |seen| {
        step(second, &mut early);
        seen.revoked().is_some()
    });
    let revoked = seen.revoked().unwrap_or_default().to_vec();
    // Nothing moves on until the first member says so.
    let mut quiet = Seen::default();
    for _ in 0..6 {
        step(first, &mut quiet);
        step(second, &mut early);
    }
    assert_eq!(early.assigned(), None, "the second member got partitions that the first one holds");
    assert!(early.records.is_empty());

    first.unassign(&revoked).unwrap();
    let mut after = Seen::default();
    let seen = drive(second, "the second member's share", |seen| {
        step(first, &mut after);
        answer_all(first, &mut after);
        seen.assigned().is_some()
    });
    let share = seen.assigned().unwrap_or_default().to_vec();
    assert!(share.iter().all(|p| revoked.contains(p)), "{share:?} of {revoked:?}");
    second.assign(&at(&share, 5)).unwrap();
    let seen = drive(second, "its records", |seen| {
        step(first, &mut after);
        seen.records.len() >= 5 * share.len()
    });
    assert!(seen.records.iter().all(|r| r.offset >= 5));
}

/// Takes the assigned partitions, from far enough behind to see nothing twice.
fn answer_all(broker: &mut KafkaBroker, seen: &mut Seen) {
    for event in seen.events.drain(..) {
        if let Event::Assigned(partitions) = event {
            broker.assign(&at(&partitions, 10)).unwrap();
        }
    }
}

#[test]
fn a_share_moves_to_another_member_only_after_unassign_with_the_consumer_protocol() {
    let kafka = kafka(&[("t", 2)]);
    let (mut first, mut second) = (member(&kafka, []), member(&kafka, []));
    share(&mut first, &mut second, &kafka);
    first.close(WAIT);
    second.close(WAIT);
}

#[test]
fn a_share_moves_to_another_member_only_after_unassign_with_the_classic_protocol() {
    let classic =
        [("group.protocol", "classic"), ("session.timeout.ms", "3000"), ("heartbeat.interval.ms", "100")];
    let kafka = kafka(&[("t", 2)]);
    let (mut first, mut second) = (member(&kafka, classic), member(&kafka, classic));
    share(&mut first, &mut second, &kafka);
    first.close(WAIT);
    second.close(WAIT);
}

/// A ghost would keep the partition until its session is over, which is longer than anything here is waited for.
#[test]
fn a_member_that_goes_before_the_group_has_let_it_in_leaves_no_ghost() {
    let kafka = kafka(&[("t", 1)]);
    let answers_after = |delay| {
        kafka.with_cluster(|cluster| cluster.broker_round_trip_time(1, delay)).unwrap();
    };
    let mut first = member(&kafka, []);
    // It knows the coordinator, and asks to be let in at once.
    first.remote().committed(&[tp("t", 0)], WAIT).unwrap();
    answers_after(Duration::from_millis(500));
    first.subscribe(&named("t")).unwrap();
    // Both are answered by the thread that asks, one after the other: between them it has asked.
    first.positions();
    first.positions();
    first.close(WAIT);
    answers_after(Duration::ZERO);

    let mut second = member(&kafka, []);
    assert_eq!(join(&mut second, "t", 0), [tp("t", 0)]);
    second.close(WAIT);
}

#[test]
fn the_eager_protocol_takes_all_and_gives_all() {
    let eager = [
        ("group.protocol", "classic"),
        ("partition.assignment.strategy", "range"),
        ("session.timeout.ms", "3000"),
        ("heartbeat.interval.ms", "100"),
    ];
    let kafka = kafka(&[("t", 2)]);
    let (mut first, mut second) = (member(&kafka, eager), member(&kafka, eager));
    share(&mut first, &mut second, &kafka);
    first.close(WAIT);
    second.close(WAIT);
}

#[test]
fn a_pattern_takes_all_topics_that_match() {
    let kafka = kafka(&[("flights-a", 1), ("flights-b", 2), ("other", 1)]);
    let mut broker = member(&kafka, []);
    broker.subscribe(&[Topics::Pattern(arc("^flights-.*"))]).unwrap();
    let seen =
        drive(&mut broker, "the assignment", |seen| seen.assigned().is_some_and(|list| list.len() == 3));
    let mut partitions = seen.assigned().unwrap_or_default().to_vec();
    partitions.sort();
    assert_eq!(partitions, [tp("flights-a", 0), tp("flights-b", 0), tp("flights-b", 1)]);
    broker.close(WAIT);
}

#[test]
fn a_member_that_leaves_with_a_rebalance_unanswered_leaves_at_once() {
    let kafka = kafka(&[("t", 2)]);
    let mut broker = member(&kafka, []);
    broker.subscribe(&named("t")).unwrap();
    drive(&mut broker, "the assignment", |seen| seen.assigned().is_some());
    let start = Instant::now();
    broker.close(WAIT);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());

    let (mut first, mut second) = (member(&kafka, []), member(&kafka, []));
    join(&mut first, "t", 0);
    second.subscribe(&named("t")).unwrap();
    let mut other = Seen::default();
    drive(&mut first, "the revoke", |seen| {
        step(&mut second, &mut other);
        seen.revoked().is_some()
    });
    let start = Instant::now();
    first.close(WAIT);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // And the other one inherits everything.
    let mut got = 0;
    drive(&mut second, "the inheritance", |seen| {
        got = seen.events.iter().map(|e| if let Event::Assigned(list) = e { list.len() } else { 0 }).sum();
        got == 2
    });
    second.close(WAIT);
}

/// A paused partition stays so while a rebalance takes another one away.
fn stays_paused(more: &[(&str, &str)]) {
    let kafka = kafka(&[("t", 2)]);
    let connect = || {
        let mut all = properties(kafka.brokers(), [("group.id", "g"), ("group.protocol", "consumer")]);
        all.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        KafkaBroker::connect(&all).expect("the consumer is made")
    };
    let (mut first, mut second) = (connect(), connect());
    join(&mut first, "t", 0);
    first.pause(&[tp("t", 0), tp("t", 1)]).unwrap();
    second.subscribe(&named("t")).unwrap();
    let mut other = Seen::default();
    let seen = drive(&mut first, "the revoke", |seen| {
        step(&mut second, &mut other);
        seen.revoked().is_some()
    });
    let revoked = seen.revoked().unwrap_or_default().to_vec();
    first.unassign(&revoked).unwrap();
    let kept = i32::from(revoked == [tp("t", 0)]);
    let mut after = Seen::default();
    let seen = drive(&mut second, "the second member's share", |seen| {
        step(&mut first, &mut after);
        answer_all(&mut first, &mut after);
        seen.assigned().is_some()
    });
    second.assign(&at(seen.assigned().unwrap_or_default(), 0)).unwrap();
    put(&kafka, "t", 0, 0..5);
    put(&kafka, "t", 1, 0..5);
    // The records of the other member prove that there was time to fetch.
    drive(&mut second, "its records", |seen| {
        step(&mut first, &mut after);
        seen.records.len() == 5
    });
    (0..10).for_each(|_| step(&mut first, &mut after));
    assert!(after.records.is_empty(), "{:?}", after.records);
    first.resume(&[tp("t", kept)]).unwrap();
    drive(&mut first, "its records, once it resumed", |seen| seen.records.len() == 5);
    first.close(WAIT);
    second.close(WAIT);
}

#[test]
fn a_paused_partition_stays_paused_through_a_rebalance_that_leaves_it_with_the_consumer_protocol() {
    stays_paused(&[]);
}

#[test]
fn a_paused_partition_stays_paused_through_a_rebalance_that_leaves_it_with_the_classic_protocol() {
    stays_paused(&[
        ("group.protocol", "classic"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("session.timeout.ms", "3000"),
        ("heartbeat.interval.ms", "100"),
    ]);
}
