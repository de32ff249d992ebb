//! Records: which are lent, when, and which survive pauses.

use super::*;

#[test]
fn nothing_is_delivered_before_assign_and_then_from_the_offset_that_was_given() {
    let kafka = kafka(&[("t", 2)]);
    put(&kafka, "t", 0, 0..10);
    put(&kafka, "t", 1, 100..110);
    let mut broker = member(&kafka, []);
    broker.subscribe(&named("t")).unwrap();
    let mut seen = drive(&mut broker, "the assignment", |seen| seen.assigned().is_some());
    assert_eq!(seen.assigned().map(<[_]>::len), Some(2));
    for _ in 0..6 {
        step(&mut broker, &mut seen);
    }
    assert!(seen.records.is_empty(), "{:?}", seen.records);
    assert!(broker.positions().is_empty());

    broker.assign(&at(&[tp("t", 0), tp("t", 1)], 4)).unwrap();
    let seen = drive(&mut broker, "12 records", |seen| seen.records.len() >= 12);
    for (slot, first) in [(100, 0), (101, 100)] {
        let got: Vec<_> = seen.records.iter().filter(|r| r.slot == slot).collect();
        assert_eq!(got.iter().map(|r| r.offset).collect::<Vec<_>>(), (4..10).collect::<Vec<_>>());
        for record in got {
            let value = record.offset + first;
            assert_eq!(record.value, Some(value.to_string().into_bytes()));
            assert_eq!(record.key, Some(format!("k{value}").into_bytes()));
            assert!(record.timestamp.is_some_and(|millis| millis > 1_600_000_000_000));
        }
    }
    let mut positions = broker.positions();
    positions.sort_unstable();
    assert_eq!(positions, [(100, 10), (101, 10)]);
    broker.close(WAIT);
}

#[test]
fn a_chunk_never_holds_more_than_was_asked_for() {
    let kafka = kafka(&[("t", 1)]);
    put(&kafka, "t", 0, 0..100);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let mut chunks = Vec::new();
    let end = Instant::now() + WAIT;
    while chunks.iter().sum::<usize>() < 100 && Instant::now() < end {
        broker.source().poll(7, TICK, &mut |records| chunks.push(records.len()));
    }
    assert_eq!(chunks.iter().sum::<usize>(), 100);
    assert!(chunks.iter().all(|len| (1..=7).contains(len)), "{chunks:?}");
    broker.close(WAIT);
}

#[test]
fn tombstones_empty_values_and_headers_come_as_they_were_sent() {
    let kafka = kafka(&[("t", 1)]);
    let mut headers = Headers::new();
    headers.push("a", Some(b"1".as_slice()));
    headers.push("a", None::<&[u8]>);
    headers.push("b", Some(b"".as_slice()));
    headers.push("", Some([0xff, 0xfe].as_slice()));
    let record = |key: Option<&[u8]>, value: Option<&[u8]>, headers: &Headers| MockRecord {
        partition: 0,
        key: key.map(<[u8]>::to_vec),
        value: value.map(<[u8]>::to_vec),
        headers: headers.clone(),
        timestamp: Some(1_234_567_890_123),
    };
    let none = Headers::new();
    let sent = [
        record(Some(b"k"), None, &none),
        record(None, Some(b""), &none),
        record(Some(b""), Some(b"v"), &headers),
        record(None, None, &none),
    ];
    kafka.send("t", sent).unwrap();
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let seen = drive(&mut broker, "4 records", |seen| seen.records.len() >= 4);
    let got: Vec<_> = seen.records.iter().map(|r| (r.key.as_deref(), r.value.as_deref())).collect();
    let (k, empty) = (Some(b"k".as_slice()), Some(b"".as_slice()));
    assert_eq!(got, [(k, None), (None, empty), (empty, Some(b"v".as_slice())), (None, None)]);
    assert_eq!(seen.records[2].headers, headers);
    assert_eq!(seen.records[0].headers, none);
    assert!(seen.records.iter().all(|r| r.timestamp == Some(1_234_567_890_123)));
    broker.close(WAIT);
}

#[test]
fn what_a_pause_throws_away_comes_again_after_resume() {
    let kafka = kafka(&[("t", 2)]);
    put(&kafka, "t", 0, 0..2_000);
    put(&kafka, "t", 1, 0..50);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let mut seen = drive(&mut broker, "first records", |seen| seen.records.iter().any(|r| r.slot == 100));
    broker.pause(&[tp("t", 0)]).unwrap();
    let until = seen.records.iter().filter(|r| r.slot == 100).count();
    for _ in 0..6 {
        step(&mut broker, &mut seen);
    }
    let zero: Vec<_> = seen.records.iter().filter(|r| r.slot == 100).collect();
    assert_eq!(zero.len(), until, "a paused partition delivers nothing");
    assert_eq!(seen.records.iter().filter(|r| r.slot == 101).count(), 50, "the other one runs on");
    broker.resume(&[tp("t", 0)]).unwrap();
    let more = drive(&mut broker, "the rest", |more| until + more.records.len() >= 2_000);
    let mut offsets: Vec<_> = seen.records.iter().chain(&more.records).filter(|r| r.slot == 100).collect();
    offsets.sort_by_key(|r| r.offset);
    assert_eq!(offsets.iter().map(|r| r.offset).collect::<Vec<_>>(), (0..2_000).collect::<Vec<_>>());
    broker.close(WAIT);
}

#[test]
fn a_partition_that_was_paused_when_it_went_runs_when_it_comes_back() {
    let kafka = kafka(&[("t", 1)]);
    put(&kafka, "t", 0, 0..5);
    let mut broker = member(&kafka, []);
    let partitions = join(&mut broker, "t", 0);
    drive(&mut broker, "records", |seen| seen.records.len() >= 5);
    broker.pause(&partitions).unwrap();
    broker.unassign(&partitions).unwrap();
    broker.assign(&at(&partitions, 2)).unwrap();
    let seen = drive(&mut broker, "records again", |seen| seen.records.len() >= 3);
    assert_eq!(seen.records[0].offset, 2);
    broker.close(WAIT);
}

#[test]
fn pausing_what_is_not_assigned_is_no_error() {
    let kafka = kafka(&[("t", 1)]);
    let mut broker = member(&kafka, []);
    broker.pause(&[tp("t", 0), tp("other", 3)]).unwrap();
    broker.resume(&[tp("t", 0)]).unwrap();
    broker.close(WAIT);
}

#[test]
fn an_offset_beyond_the_end_is_an_event_and_no_jump() {
    let kafka = kafka(&[("t", 1)]);
    put(&kafka, "t", 0, 0..5);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 99);
    let out = |seen: &Seen| seen.events.iter().any(|event| matches!(event, Event::OutOfRange(_)));
    let seen = drive(&mut broker, "out of range", out);
    assert!(seen.records.is_empty());
    broker.close(WAIT);
}

#[test]
fn a_partition_whose_offset_does_not_exist_goes_on_where_it_is_sought_to() {
    let kafka = kafka(&[("t", 2)]);
    put(&kafka, "t", 0, 0..5);
    put(&kafka, "t", 1, 0..5);
    let mut broker = member(&kafka, []);
    let partitions = join(&mut broker, "t", 99);
    let out =
        |seen: &Seen| seen.events.iter().filter(|event| matches!(event, Event::OutOfRange(_))).count() == 2;
    drive(&mut broker, "out of range", out);
    for (assignment, from) in at(&partitions, 0).iter_mut().zip([2, 3]) {
        assignment.offset = from;
        broker.seek(assignment).unwrap();
    }
    let seen = drive(&mut broker, "5 records", |seen| seen.records.len() >= 5);
    for (slot, offsets) in [(100, vec![2, 3, 4]), (101, vec![3, 4])] {
        let of_slot = seen.records.iter().filter(|record| record.slot == slot);
        assert_eq!(of_slot.map(|record| record.offset).collect::<Vec<_>>(), offsets);
    }
    broker.close(WAIT);
}
