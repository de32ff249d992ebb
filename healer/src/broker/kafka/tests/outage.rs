//! Brokers that go and come back.

use super::*;
use crate::broker::{Commit, CommitErrorKind};

#[test]
fn an_outage_is_told_with_its_reason_and_is_over_for_an_idle_member_as_well() {
    for pattern in [false, true] {
        let kafka = kafka(&[("t", 1)]);
        let mut broker = member(&kafka, []);
        let remote = broker.remote();
        if pattern {
            broker.subscribe(&[Topics::Pattern(arc("^t.*"))]).unwrap();
            let seen = drive(&mut broker, "the assignment", |seen| seen.assigned().is_some());
            broker.assign(&at(seen.assigned().unwrap_or_default(), 0)).unwrap();
        } else {
            join(&mut broker, "t", 0);
        }
        for _ in 0..2 {
            assert_eq!(remote.outage(), None);
            kafka.set_down(true).unwrap();
            drive(&mut broker, "the outage", |_| remote.outage().is_some());
            let refused = |_: &Seen| remote.outage().is_some_and(|outage| outage.reason.contains("refused"));
            drive(&mut broker, "its reason", refused);
            kafka.set_down(false).unwrap();
            // Nothing is written, committed or asked.
            let seen = drive(&mut broker, "its end", |_| remote.outage().is_none());
            assert!(seen.records.is_empty());
        }
        broker.close(WAIT);
        assert_eq!(remote.outage(), None, "a client that is closed misses nobody");
    }
}

#[test]
fn a_member_reads_and_commits_on_after_an_outage() {
    let kafka = kafka(&[("t", 1)]);
    put(&kafka, "t", 0, 0..3);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    drive(&mut broker, "3 records", |seen| seen.records.len() == 3);
    let remote = broker.remote();
    kafka.set_down(true).unwrap();
    drive(&mut broker, "the outage", |_| remote.outage().is_some());
    let waiting = Arc::clone(&remote);
    let commit = std::thread::spawn(move || {
        waiting.commit(&[Commit { partition: tp("t", 0), offset: 3, metadata: String::new() }])
    });
    let mut seen = Seen::default();
    (0..10).for_each(|_| step(&mut broker, &mut seen));
    kafka.set_down(false).unwrap();
    let end = Instant::now() + WAIT;
    while !commit.is_finished() {
        assert!(Instant::now() < end, "the commit did not end");
        step(&mut broker, &mut seen);
    }
    // The client itself may hold a request until the broker is back.
    if let Err(error) = commit.join().unwrap() {
        assert_eq!(error.kind, CommitErrorKind::Retriable, "{error}");
    }
    put(&kafka, "t", 0, 3..5);
    drive(&mut broker, "the next records", |more| seen.records.len() + more.records.len() == 2);
    remote.commit(&[Commit { partition: tp("t", 0), offset: 5, metadata: String::new() }]).unwrap();
    assert_eq!(kafka.committed("g", "t").unwrap(), BTreeMap::from([(0, 5)]));
    broker.close(WAIT);
}

/// The processor time that this thread has used.
#[cfg(target_os = "linux")]
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux");
    // Fields 14 and 15, counted behind the name, in hundredths of a second.
    let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11);
    let mut next = || fields.next().and_then(|field| field.parse::<u64>().ok()).expect("a number");
    Duration::from_millis(10 * (next() + next()))
}

#[cfg(target_os = "linux")]
#[test]
fn polling_during_an_outage_rests_for_as_long_as_it_may() {
    let kafka = kafka(&[("t", 1)]);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let remote = broker.remote();
    kafka.set_down(true).unwrap();
    drive(&mut broker, "the outage", |_| remote.outage().is_some());
    let before = cpu();
    let mut seen = Seen::default();
    (0..40).for_each(|_| step(&mut broker, &mut seen));
    let used = cpu().saturating_sub(before);
    // Of two seconds of waiting; a busy loop would use all of them.
    assert!(used < Duration::from_millis(500), "{used:?}");
    broker.close(WAIT);
}
