//! Reports of failures.

use std::{
    fmt, io,
    panic::{UnwindSafe, catch_unwind},
    sync::Arc,
};

use super::super::{Draft, Outcome, catch_backtraces};
use crate::{
    Context, Headers,
    context::Original,
    error::{Cause, catch, last_panic},
    observe::{self, Here},
    record::Millis,
    topology::Called,
};

#[derive(Debug, thiserror::Error)]
#[error("the order can't be charged")]
struct Refused(#[source] io::Error);

#[derive(Debug)]
struct Rude;

impl fmt::Display for Rude {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

impl std::error::Error for Rude {}

fn context() -> Context {
    Context::reusable(Arc::from("orders"), 3)
}

fn here() -> Here {
    Here {
        topic: Some(observe::topic("orders")),
        partition: 3,
        offset: 41,
        timestamp: Millis::NONE,
        batch: None,
    }
}

/// Catches the panic of this closure.
fn caught(panics: impl FnOnce() + UnwindSafe) {
    catch_unwind(panics).expect_err("it panics");
}

#[test]
fn a_failed_attempt_says_what_where_and_why() {
    let mut headers = Headers::new();
    headers.push("trace", Some("a1"));
    let mut context = context();
    context.keep_original(Original::new(None, Some(b"seven"), headers));
    context.next_attempt();
    let cause = Cause::Stage(Box::new(Refused(io::Error::other("no money"))));
    let report = Draft::failed("shop", &Called::at("orders.charge"), &cause, &context).finish();
    assert_eq!(
        (report.pipeline.as_str(), report.stage.as_str(), report.path.as_str()),
        ("shop", "charge", "orders.charge")
    );
    assert_eq!((report.outcome, report.kind.as_deref()), (Outcome::Failed, Some("error")));
    assert_eq!(report.error, ["the order can't be charged", "no money"]);
    assert_eq!((report.topic.as_str(), report.partition, report.attempt), ("orders", 3, 2));
    assert_eq!(report.emit_id, context.emit_id());
    assert_eq!(report.healer, env!("CARGO_PKG_VERSION"));
    let record = report.record.expect("it was kept");
    assert_eq!((record.key, record.value), (None, Some(b"seven".to_vec())));
    assert_eq!(record.headers, [("trace".to_owned(), Some(b"a1".to_vec()))]);
}

#[test]
fn a_call_that_finished_has_no_error() {
    let report = Draft::finished("shop", &Called::at("orders.charge"), &context()).finish();
    assert_eq!((report.outcome, report.kind), (Outcome::Finished, None));
    assert!(report.error.is_empty() && report.panic.is_none() && report.record.is_none());
}

#[test]
fn an_error_that_panics_when_asked_is_reported_as_such() {
    let report =
        Draft::failed("shop", &Called::at("orders"), &Cause::Decode(Box::new(Rude)), &context()).finish();
    assert_eq!(report.error, ["an error whose `Display` or `source` panics"]);
    assert_eq!(report.kind.as_deref(), Some("decode"));
}

#[test]
fn an_endless_error_is_cut() {
    let cause = Cause::Stage("ü".repeat(100_000).into());
    let report = Draft::failed("shop", &Called::at("orders"), &cause, &context()).finish();
    let [error] = report.error.as_slice() else { panic!("{} errors", report.error.len()) };
    assert!(error.len() < 65 * 1_024 && error.ends_with("ü…"), "{} bytes", error.len());
}

// All of it in one test: a hook is of the whole process.
#[test]
fn where_a_panic_was_is_known_within_a_record_only() {
    catch_backtraces();
    catch_backtraces();
    caught(|| panic!("outside"));
    assert!(last_panic("outside").is_none());

    let inside = observe::enter(here(), 0);
    let panicked = catch(|| -> () { panic!("within {}", 41) }).expect_err("it panics");
    drop(inside);
    let cause = Cause::Panic(panicked);
    let report = Draft::failed("shop", &Called::at("orders"), &cause, &context()).finish();
    let panic = report.panic.expect("it panicked");
    assert_eq!(panic.message, "within 41");
    let location = panic.location.expect("the hook saw it");
    assert!(location.contains("draft.rs:"), "{location}");
    let backtrace = panic.backtrace.expect("the hook saw it");
    assert!(backtrace.contains("reports::tests::draft"), "{backtrace}");

    // It is told once, and not for another panic that was caught.
    assert!(last_panic("within 41").is_none());
    let inside = observe::enter(here(), 0);
    caught(|| panic!("this"));
    drop(inside);
    assert!(last_panic("that").is_none());
}
