//! Reports on their way from a pipeline to its reporter.

use std::{
    sync::{Arc, Barrier, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{
    super::{FailureReport, FailureReporter, Reports, queue::Room},
    sample,
};
use crate::{error::BoxError, observe::Complaints};

const LONG: Duration = Duration::from_secs(30);

fn numbered(attempt: u32) -> FailureReport {
    let mut report = sample();
    report.attempt = attempt;
    report
}

/// Says when it is called, and goes on when somebody comes to the gate.
fn gated() -> (Arc<dyn FailureReporter>, Arc<Barrier>, mpsc::Receiver<u32>) {
    let gate = Arc::new(Barrier::new(2));
    let (calls, called) = mpsc::channel();
    let at = Arc::clone(&gate);
    let reporter = move |report: &FailureReport| -> Result<(), BoxError> {
        calls.send(report.attempt)?;
        at.wait();
        Ok(())
    };
    (Arc::new(reporter), gate, called)
}

#[test]
fn reports_come_to_the_reporter_in_order_and_on_a_thread_of_their_own() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let reporter = move |report: &FailureReport| -> Result<(), BoxError> {
        let thread = thread::current().name().map(str::to_owned);
        kept.lock().expect("nobody panicked").push((report.attempt, thread));
        Ok(())
    };
    let reports = Reports::new(Some(Arc::new(reporter)));
    assert!(reports.is_on());
    (1..=3).for_each(|attempt| reports.send(numbered(attempt)));
    reports.finish(LONG);
    assert_eq!(reports.counts(), (3, 0));
    let name = || Some("healer-reports".to_owned());
    assert_eq!(*seen.lock().expect("nobody panicked"), [(1, name()), (2, name()), (3, name())]);
}

#[test]
fn a_reporter_may_be_shared() {
    fn give(reporter: &impl FailureReporter) {
        reporter.report(&sample()).expect("it is taken");
    }

    let (calls, called) = mpsc::channel();
    let closure = move |report: &FailureReport| -> Result<(), BoxError> { Ok(calls.send(report.attempt)?) };
    let shared = Arc::new(closure);
    give(&shared);
    let dynamic: Arc<dyn FailureReporter> = shared;
    give(&dynamic);
    assert_eq!(called.try_iter().count(), 2);
}

#[test]
fn without_a_reporter_nothing_is_done() {
    let reports = Reports::new(None);
    assert!(!reports.is_on());
    reports.send(sample());
    reports.finish(LONG);
    assert_eq!(reports.counts(), (0, 0));
}

// The reporter waits for this very thread: were it to wait as well, the test would not end.
#[test]
fn a_full_queue_drops_and_counts_and_never_blocks() {
    let (reporter, gate, called) = gated();
    let reports = Reports::with_room(reporter, Room { reports: 2, bytes: usize::MAX });
    reports.send(numbered(1));
    assert_eq!(called.recv_timeout(LONG), Ok(1));
    (2..=5).for_each(|attempt| reports.send(numbered(attempt)));
    assert_eq!(reports.counts(), (0, 2));
    for _ in 0..3 {
        gate.wait();
    }
    reports.finish(LONG);
    assert_eq!(reports.counts(), (3, 2));
    assert_eq!(called.try_iter().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn reports_that_are_too_large_together_are_dropped_as_well() {
    let (reporter, gate, called) = gated();
    let bytes = sample().weight() * 2;
    let reports = Reports::with_room(reporter, Room { reports: 100, bytes });
    let mut large = sample();
    large.error.push("x".repeat(bytes));
    reports.send(large);
    assert_eq!(reports.counts(), (0, 1));
    reports.send(numbered(1));
    assert_eq!(called.recv_timeout(LONG), Ok(1));
    // The report that the reporter has counts.
    reports.send(numbered(2));
    reports.send(numbered(3));
    assert_eq!(reports.counts(), (0, 2));
    for _ in 0..2 {
        gate.wait();
    }
    reports.finish(LONG);
    assert_eq!(reports.counts(), (2, 2));
}

#[test]
fn a_reporter_that_fails_or_panics_is_called_again() {
    let reporter = |report: &FailureReport| -> Result<(), BoxError> {
        match report.attempt {
            1 => panic!("no disk"),
            2 => Err("no space".into()),
            _ => Ok(()),
        }
    };
    let reports = Reports::new(Some(Arc::new(reporter)));
    (1..=4).for_each(|attempt| reports.send(numbered(attempt)));
    reports.finish(LONG);
    assert_eq!(reports.counts(), (2, 2));
}

#[test]
fn the_end_waits_for_a_stuck_reporter_within_its_budget_only() {
    let (reporter, gate, called) = gated();
    let reports = Reports::new(Some(reporter));
    (1..=3).for_each(|attempt| reports.send(numbered(attempt)));
    assert_eq!(called.recv_timeout(LONG), Ok(1));
    let began = Instant::now();
    reports.finish(Duration::from_millis(50));
    assert!(began.elapsed() >= Duration::from_millis(50) && began.elapsed() < LONG);
    // Reports that waited are dropped, and so are later ones; the report that the reporter has may still be taken.
    assert_eq!(reports.counts(), (0, 2));
    reports.send(numbered(4));
    assert_eq!(reports.counts(), (0, 3));
    gate.wait();
    reports.finish(LONG);
    assert_eq!(reports.counts(), (1, 3));
    // Its thread has ended, with the last that held the other end.
    drop(reports);
    assert_eq!(called.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn what_waits_is_written_also_where_nobody_waits_for_it() {
    let (calls, called) = mpsc::channel();
    let reporter = move |report: &FailureReport| -> Result<(), BoxError> { Ok(calls.send(report.attempt)?) };
    let reports = Reports::new(Some(Arc::new(reporter)));
    (1..=3).for_each(|attempt| reports.send(numbered(attempt)));
    drop(reports);
    assert_eq!(called.iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn one_complaint_a_second_says_how_many_there_were() {
    let mut complaints = Complaints::default();
    let now = Instant::now();
    assert_eq!(complaints.add(1, now), Some(1));
    assert_eq!(complaints.add(1, now + Duration::from_millis(1)), None);
    assert_eq!(complaints.add(1, now + Duration::from_millis(999)), None);
    assert_eq!(complaints.add(1, now + Duration::from_secs(1)), Some(3));
    assert_eq!(complaints.rest(), None);
    assert_eq!(complaints.add(1, now + Duration::from_millis(1_500)), None);
    assert_eq!(complaints.rest(), Some(1));
}
