//! `InMemory` runs the whole engine, and each time alike.

use std::sync::{Arc, Mutex};

use super::*;
use crate::prelude::*;

/// The values that reached the last node, in order.
type Seen = Arc<Mutex<Vec<String>>>;

fn lines() -> InMemory {
    InMemory::new("t", 3, (0..7).map(|n| TestRecord::new().key(format!("k{}", n % 2)).value(n.to_string())))
}

fn noted(seen: &Seen) -> impl Fn(String) -> String + Send + Sync + 'static {
    let seen = Arc::clone(seen);
    move |line| {
        seen.lock().unwrap().push(line.clone());
        line
    }
}

fn app(seen: &Seen) -> App {
    App::new("app").chain(kafka::text("t").stream("t").map(noted(seen)).heal())
}

#[test]
fn all_records_go_round_and_are_committed() {
    for count in [0, 1, 2, 3, 1_000, 10_001] {
        let seen = Seen::default();
        let report = lines().run(app(&seen), count).unwrap();
        assert_eq!((report.records, report.healed), (count, count));
        assert_eq!(seen.lock().unwrap().len() as u64, count);
        let ends: i64 = report.partitions.iter().filter_map(|part| part.committed).sum();
        assert_eq!(ends.cast_unsigned(), count, "{:?}", report.partitions);
    }
}

#[test]
fn each_run_is_as_the_one_before() {
    let run = || {
        let seen = Seen::default();
        lines().run(app(&seen), 5_000).unwrap();
        Arc::into_inner(seen).unwrap().into_inner().unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_record_that_fails_ends_it() {
    let chain = kafka::json::<u8>("t").stream("t").heal();
    let sample = InMemory::new("t", 1, ["1", "2", "no number"]);
    let Err(Error::Record(error)) = sample.run(App::new("app").chain(chain), 100) else {
        panic!("it did not fail");
    };
    assert_eq!((error.partition, error.offset), (0, 2));
}

#[test]
fn sinks_are_acknowledged() {
    let chain = kafka::text("t").stream("t").then(kafka::to_text("out")).heal();
    assert_eq!(lines().run(App::new("app").chain(chain), 3_000).unwrap().healed, 3_000);
}

#[test]
fn batches_that_wait_for_company_are_waited_for() {
    let chain = kafka::text("t").stream("t").batch(64).map(|rows: Batch<String>| rows.len()).heal();
    assert_eq!(lines().run(App::new("app").chain(chain), 1_000).unwrap().healed, 1_000);
}
