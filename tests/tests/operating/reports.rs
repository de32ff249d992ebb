//! The report of a failure is enough to make it happen once more.

use healer::reports::{FailureReport, Outcome};
use healer::testing::{ReplayError, replay};
use healer::{Error, RecordErrorKind};
use serde_json::json;

use super::common::Door;
use super::lines::{emit_id, place, that_say};
use super::orders::{self, BROKEN, CARD, Kind, Order, weigh};
use super::whole::{PANICS, Whole, count, note};

fn panicked(whole: &Whole) -> &FailureReport {
    let all: Vec<_> = whole.reports.iter().filter(|report| report.kind.as_deref() == Some("panic")).collect();
    let [one] = all[..] else { panic!("one order panicked: {all:?}") };
    one
}

#[test]
fn the_order_at_which_a_stage_panicked_has_a_report_that_says_all() {
    let Some(whole) = Whole::seen() else { return };
    let report = panicked(whole);
    let (partition, offset) = PANICS;
    assert_eq!(
        (&*report.pipeline, &*report.stage, &*report.path),
        ("orders", "weigh", "orders.validate.charge.weigh")
    );
    assert_eq!((&*report.topic, report.partition, report.offset), (&*whole.shop.orders, partition, offset));
    assert_eq!((report.outcome, report.attempt), (Outcome::Failed, 1));
    let validated = that_say(&whole.lines, "validated");
    let of_order = validated.into_iter().find(|line| place(line) == (i64::from(partition), offset));
    assert_eq!(report.emit_id.to_string(), emit_id(of_order.expect("it was logged")));

    let stored = whole.shop.kafka.read_all(&whole.shop.orders).unwrap();
    let stored = stored.into_iter().find(|stored| (stored.partition, stored.offset) == PANICS).unwrap();
    let raw = report.record.as_ref().expect("the record as it came in");
    assert_eq!((&raw.key, &raw.value), (&stored.key, &stored.value));
    assert_eq!((&raw.headers, report.timestamp), (&stored.headers, stored.timestamp));
    assert_eq!(raw.headers, [("tenant".to_owned(), Some(b"acme".to_vec()))]);
    let input = json!({ "kind": "panics", "note": note(partition, offset), "card": CARD });
    assert_eq!(report.input.as_ref(), Some(&input));

    assert!(report.error.first().is_some_and(|error| error.contains(BROKEN)), "{:?}", report.error);
    let panic = report.panic.as_ref().expect("a panic");
    assert_eq!(panic.message, BROKEN);
    let place = panic.location.as_deref().expect("its place");
    assert!(place.contains("operating/orders.rs:"), "{place}");
    let backtrace = panic.backtrace.as_deref().expect("its backtrace");
    assert!(backtrace.contains("operating::orders::weigh"), "{backtrace}");
}

#[test]
fn orders_that_became_dead_letters_are_reported_with_their_last_attempt_and_without_the_stage_s_input() {
    let Some(whole) = Whole::seen() else { return };
    let of_charge: Vec<_> =
        whole.reports.iter().filter(|report| report.path == "orders.validate.charge").collect();
    assert_eq!(i64::try_from(of_charge.len()), Ok(count(Kind::Bad)));
    assert_eq!(whole.reports.len(), of_charge.len() + 1, "and nothing else is reported");
    for report in of_charge {
        assert_eq!((report.kind.as_deref(), report.attempt), (Some("error"), 3), "{report:?}");
        assert_eq!(report.error, ["the order was not charged", "the bank refuses"]);
        let raw = report.record.as_ref().expect("the record as it came in");
        let order: Order = serde_json::from_slice(raw.value.as_ref().unwrap()).unwrap();
        assert_eq!((order.kind, order.note), (Kind::Bad, note(report.partition, report.offset)));
        assert!(report.input.is_none() && report.panic.is_none(), "{report:?}");
    }
}

#[test]
fn a_replay_of_the_stage_fails_as_it_did() {
    let Some(whole) = Whole::seen() else { return };
    let report = panicked(whole);
    match replay(report, weigh::stage()).run() {
        Err(ReplayError::Failed(Error::Record(error))) => {
            assert_eq!(error.kind, RecordErrorKind::Panic(BROKEN.to_owned()));
            assert_eq!((&error.stage, &error.topic), (&report.path, &report.topic));
            assert_eq!((error.partition, error.offset), PANICS);
        }
        other => panic!("it did not fail: {other:?}"),
    }
}

#[test]
fn a_replay_of_the_pipeline_fails_at_the_same_node_whatever_its_policy_makes_of_it() {
    let Some(whole) = Whole::seen() else { return };
    let fails = |report: &FailureReport| {
        let app = orders::orders(&whole.shop.orders, &whole.shop.shipped).with(Door::default());
        match replay(report, app).run() {
            Err(ReplayError::Failed(Error::Record(failed))) => assert_eq!(failed.stage, report.path),
            other => panic!("{other:?}"),
        }
    };
    fails(panicked(whole));
    fails(whole.reports.iter().find(|report| report.kind.as_deref() == Some("error")).unwrap());
}
