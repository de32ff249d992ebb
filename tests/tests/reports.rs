//! Reports of records that are given up, at every kind of stage; a stage can be run again with such a report.
#![allow(clippy::needless_pass_by_value, clippy::unused_async)] // the test needs stages of all kinds

use std::{
    error::Error as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use healer::{
    App, OnError,
    prelude::*,
    reports::{FailureReport, Outcome, RowReport},
    testing::{InMemory, ReplayError, TestRecord, replay},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    id: u64,
    cents: i64,
}

/// Two are well, the one between them is not.
fn orders() -> InMemory {
    let order = |id: u64, cents: i64| {
        let value = json!({ "id": id, "cents": cents }).to_string();
        TestRecord::new()
            .key(format!("k{id}"))
            .value(value)
            .header("trace", Some("a1"))
            .timestamp(1_700_000_000_000)
    };
    InMemory::new("orders", 1, [order(0, 10), order(1, -1), order(2, 30)])
}

fn check(order: &Order) -> Result<i64, String> {
    if order.cents < 0 { Err(format!("order {} is negative", order.id)) } else { Ok(order.cents) }
}

#[stage(on_error = skip)]
fn skips(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(retry(2), on_error = dead_letter("dead"))]
async fn buries(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(parallel = 4, on_error = dead_letter("dead", quarantine = key))]
async fn shuts_out(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(batch, split, on_error = dead_letter("dead"))]
fn splits(rows: &Batch<Order>) -> Result<(), String> {
    rows.iter().try_for_each(|(_, order)| check(order).map(drop))
}

#[stage]
fn of_text(line: String) -> usize {
    line.len()
}

#[stage(report)]
fn by_value(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(report)]
fn lent(order: &Order) -> Result<i64, String> {
    check(order)
}

#[stage(report)]
async fn waits(order: Order) -> Result<i64, String> {
    tokio::task::yield_now().await;
    check(&order)
}

#[stage(report, parallel = 4)]
async fn beside(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(report, blocking)]
fn blocks(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(report, retry(3, backoff = "1ms"))]
fn again(order: &Order) -> Result<i64, String> {
    check(order)
}

#[stage(report, retry(3, backoff = "1ms"))]
async fn waits_again(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(report, flat)]
fn many(order: Order) -> Result<Vec<i64>, String> {
    Ok(vec![check(&order)?; 2])
}

#[stage(report, flat)]
async fn waits_for_many(order: Order) -> Result<Vec<i64>, String> {
    Ok(vec![check(&order)?; 2])
}

#[stage(report)]
fn panics(order: Order) -> i64 {
    check(&order).expect("all are well")
}

#[stage(report, timeout = "10ms", on_error = skip)]
async fn hangs(order: Order) -> i64 {
    if order.cents < 0 {
        std::future::pending::<()>().await;
    }
    order.cents
}

#[stage(report = all, skip = "dear")]
fn told(order: Order) -> Option<i64> {
    (order.cents < 20).then_some(order.cents)
}

#[stage]
fn silent(order: Order) -> Result<i64, String> {
    check(&order)
}

#[stage(batch, split, report)]
fn read(rows: &Batch<Order>) -> Result<(), String> {
    rows.iter().try_for_each(|(_, order)| check(order).map(drop))
}

#[stage(batch, report)]
fn whole(rows: &Batch<Order>) -> Result<(), String> {
    rows.iter().try_for_each(|(_, order)| check(order).map(drop))
}

#[stage(batch, report = all)]
fn counted(rows: &Batch<Order>) -> Result<(), String> {
    rows.iter().try_for_each(|(_, order)| check(order).map(drop))
}

#[stage(batch, report = all)]
async fn taken(rows: BatchMut<'_, Order>) -> Result<BatchMut<'_, i64>, String> {
    rows.filter("dear", |order| order.cents < 20).try_map(|order| check(&order))
}

#[stage(batch)]
fn silent_batch(rows: BatchMut<'_, Order>) -> Result<BatchMut<'_, i64>, String> {
    rows.try_map(|order| check(&order))
}

/// The keys of those that are well, and how many came together.
#[stage(batch)]
fn mended(rows: BatchMut<'_, Order>) -> BatchMut<'_, String> {
    let all = rows.len();
    let keys: Vec<_> = rows
        .iter()
        .map(|(ctx, _)| String::from_utf8_lossy(ctx.key().unwrap_or_default()).into_owned())
        .collect();
    rows.filter("negative", |order| order.cents >= 0).map(|order| {
        format!("{} of {all}", keys.get(usize::try_from(order.id).unwrap()).map_or("", String::as_str))
    })
}

#[stage(batch)]
fn places(rows: BatchMut<'_, Order>) -> BatchMut<'_, String> {
    let mut places: std::collections::VecDeque<_> = rows
        .iter()
        .map(|(ctx, _)| format!("{}[{}]@{}", ctx.topic(), ctx.partition(), ctx.offset()))
        .collect();
    rows.map(|_| places.pop_front().unwrap_or_default())
}

/// The reports that the reporter got.
type Told = Arc<Mutex<Vec<FailureReport>>>;

fn run(app: App) -> Vec<FailureReport> {
    let told = Told::default();
    let teller = Arc::clone(&told);
    let reporter = move |report: &FailureReport| {
        // As it comes back from the disk.
        teller.lock().unwrap().push(FailureReport::from_json(&report.to_json())?);
        Ok(())
    };
    // The end of the pipeline is of no interest: a batch that fails stops it.
    drop(orders().run(app.on_error(OnError::Skip).report_failures(reporter), 3));
    std::mem::take(&mut *told.lock().unwrap())
}

/// A pipeline whose second record fails at the stage of that name.
macro_rules! of_one {
    ($stage:ident) => {{
        let app = App::new("shop")
            .chain(kafka::json::<Order>("orders").stream("orders").then($stage::stage()).heal());
        let mut told = run(app);
        assert_eq!(told.len(), 1, "{told:?}");
        let report = told.remove(0);
        assert_eq!(
            (&*report.stage, &*report.path),
            (stringify!($stage), concat!("orders.", stringify!($stage)))
        );
        report
    }};
}

fn about_the_second(report: &FailureReport) {
    assert_eq!((report.pipeline.as_str(), report.outcome), ("shop", Outcome::Failed));
    assert_eq!((report.topic.as_str(), report.partition, report.offset), ("orders", 0, 1));
    assert_eq!(report.timestamp, Some(1_700_000_000_000));
    let record = report.record.as_ref().expect("the record as it came in");
    assert_eq!(record.key.as_deref(), Some(b"k1".as_slice()));
    assert_eq!(record.value.as_deref(), Some(br#"{"cents":-1,"id":1}"#.as_slice()));
    assert_eq!(record.headers, [("trace".to_owned(), Some(b"a1".to_vec()))]);
}

#[test]
fn what_went_in_is_in_the_report_whatever_kind_the_stage_is() {
    let reports = [
        of_one!(by_value),
        of_one!(lent),
        of_one!(waits),
        of_one!(beside),
        of_one!(blocks),
        of_one!(again),
        of_one!(waits_again),
        of_one!(many),
        of_one!(waits_for_many),
    ];
    for report in reports {
        about_the_second(&report);
        assert_eq!(report.input, Some(json!({ "id": 1, "cents": -1 })), "{}", report.stage);
        assert_eq!(report.kind.as_deref(), Some("error"), "{}", report.stage);
        assert_eq!(report.error, ["order 1 is negative"], "{}", report.stage);
        let attempts = if report.stage.ends_with("again") { 3 } else { 1 };
        assert_eq!(report.attempt, attempts, "{}", report.stage);
    }
}

#[test]
fn a_panic_says_where_it_was() {
    let report = of_one!(panics);
    about_the_second(&report);
    assert_eq!(report.input, Some(json!({ "id": 1, "cents": -1 })));
    assert_eq!(report.kind.as_deref(), Some("panic"));
    let panic = report.panic.expect("it panicked");
    assert!(panic.message.starts_with("all are well"), "{}", panic.message);
    assert!(panic.location.is_some_and(|at| at.contains("reports.rs:")));
    assert!(panic.backtrace.is_some_and(|trace| trace.contains("reports::panics")));
}

#[test]
fn a_call_that_is_given_up_where_it_waits_leaves_what_went_in() {
    let report = of_one!(hangs);
    about_the_second(&report);
    assert_eq!(report.kind.as_deref(), Some("timeout"));
    assert_eq!(report.input, Some(json!({ "id": 1, "cents": -1 })));
}

#[test]
fn without_the_word_there_is_the_record_alone() {
    let report = of_one!(silent);
    about_the_second(&report);
    assert_eq!(report.input, None);
}

#[test]
fn calls_that_finish_are_reported_where_all_are() {
    let app =
        App::new("shop").chain(kafka::json::<Order>("orders").stream("orders").then(told::stage()).heal());
    let reports = run(app);
    let offsets: Vec<_> = reports.iter().map(|report| (report.offset, report.outcome)).collect();
    assert_eq!(offsets, [(0, Outcome::Finished), (1, Outcome::Finished), (2, Outcome::Finished)]);
    assert_eq!(reports[2].input, Some(json!({ "id": 2, "cents": 30 })));
}

#[test]
fn a_batch_is_reported_with_its_rows_and_a_row_that_fails_alone_as_a_record() {
    let source = || kafka::json::<Order>("orders").stream("orders").batch(3);
    let mut alone = run(App::new("shop").chain(source().then(read::stage()).heal()));
    assert_eq!(alone.len(), 1, "{alone:?}");
    let row = alone.remove(0);
    about_the_second(&row);
    assert_eq!(row.input, Some(json!([{ "id": 1, "cents": -1 }])));
    let mut together = run(App::new("shop").chain(source().then(whole::stage()).heal()));
    assert_eq!(together.len(), 1, "{together:?}");
    let batch = together.remove(0);
    assert_eq!(batch.rows.iter().map(|row| row.offset).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(batch.record, None);
    assert_ne!(batch.emit_id, batch.rows[0].emit_id);
    let raw = batch.rows[1].record.as_ref().unwrap();
    assert_eq!(raw.value.as_deref(), Some(br#"{"cents":-1,"id":1}"#.as_slice()));
    assert_eq!((raw.key.as_deref(), raw.headers[0].0.as_str()), (Some(b"k1".as_slice()), "trace"));
    assert_eq!(batch.rows[1].timestamp, Some(1_700_000_000_000));
    assert_eq!(batch.input.as_ref().and_then(|rows| rows.as_array()).map(Vec::len), Some(3));
}

#[test]
fn a_batch_of_a_stage_that_reports_no_input_has_the_records_of_its_rows() {
    let source = kafka::json::<Order>("orders").stream("orders").batch(3);
    let reports = run(App::new("shop").chain(source.then(silent_batch::stage()).heal()));
    let [batch] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((batch.outcome, batch.input.as_ref()), (Outcome::Failed, None));
    let offsets = |row: &RowReport| (row.offset, row.record.as_ref().is_some_and(|raw| raw.value.is_some()));
    assert_eq!(batch.rows.iter().map(offsets).collect::<Vec<_>>(), [(0, true), (1, true), (2, true)]);
}

#[test]
fn batches_that_finish_are_reported_where_all_are() {
    let source = || kafka::json::<Order>("orders").stream("orders").filter(|order| order.cents > 0).batch(2);
    let two = json!([{ "id": 0, "cents": 10 }, { "id": 2, "cents": 30 }]);
    for app in [
        App::new("shop").chain(source().then(counted::stage()).heal()),
        App::new("shop").chain(source().then(taken::stage()).heal()),
    ] {
        let reports = run(app);
        let [batch] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((batch.outcome, batch.input.as_ref()), (Outcome::Finished, Some(&two)));
        assert_eq!(batch.rows.iter().map(|row| row.offset).collect::<Vec<_>>(), [0, 2]);
        assert!(batch.record.is_none() && batch.rows.iter().all(|row| row.record.is_some()));
    }
}

#[test]
fn a_batch_is_run_again_as_it_was() {
    let source = || kafka::json::<Order>("orders").stream("orders").batch(3);
    let mut together = run(App::new("shop").chain(source().then(whole::stage()).heal()));
    let batch = together.remove(0);

    let error = replay(&batch, whole::stage()).run().unwrap_err();
    let ReplayError::Failed(healer::Error::Record(failed)) = &error else { panic!("{error}") };
    assert_eq!(failed.stage.as_str(), "orders.batch.whole");
    assert_eq!(failed.source().map(ToString::to_string).as_deref(), Some("order 1 is negative"));

    // Another stage, which is mended, gets all rows in one call, each with where it was.
    let given = replay(&batch, mended::stage()).run().unwrap();
    let [rows] = given.as_slice() else { panic!("{}", given.len()) };
    let seen: Vec<_> = rows.iter().map(|(ctx, told)| (ctx.offset(), ctx.emit_id(), told.as_str())).collect();
    let ids: Vec<_> = batch.rows.iter().map(|row| row.emit_id).collect();
    assert_eq!(seen, [(0, ids[0], "k0 of 3"), (2, ids[2], "k2 of 3")]);

    // The whole pipeline, with the records as they came in.
    let app = || App::new("shop").chain(source().then(whole::stage()).heal());
    let error = replay(&batch, app()).run().unwrap_err();
    assert!(error.to_string().contains("failed at `orders.batch.whole`"), "{error}");
    let app = App::new("shop").chain(source().then(mended::stage()).heal());
    let report = replay(&batch, app).run().unwrap();
    assert_eq!((report.healed, report.skipped["negative"]), (2, 1));

    // A row that failed alone.
    let mut alone = run(App::new("shop").chain(source().then(read::stage()).heal()));
    let row = alone.remove(0);
    let error = replay(&row, read::stage()).run().unwrap_err();
    assert!(error.to_string().contains("orders[0]@1 failed at `orders.batch.read`"), "{error}");
    assert_eq!(replay(&row, mended::stage()).run().unwrap().len(), 0);
}

#[test]
fn rows_of_several_topics_and_partitions_are_run_again_where_they_were() {
    let source = || kafka::json::<Order>(["orders", "returns"]).stream("orders").batch(3);
    let one = kafka::json::<Order>("orders").stream("orders").batch(3);
    let mut batch = run(App::new("shop").chain(one.then(whole::stage()).heal())).remove(0);
    batch.rows[1].topic = "returns".to_owned();
    batch.rows[1].offset = 1_000_000_000_000;
    batch.rows[2].partition = 7;
    let told = replay(&batch, places::stage()).run().unwrap();
    let places: Vec<_> = told[0].iter().map(|(_, place)| place.clone()).collect();
    assert_eq!(places, ["orders[0]@0", "returns[0]@1000000000000", "orders[7]@2"]);
    let report = replay(&batch, App::new("shop").chain(source().then(mended::stage()).heal())).run().unwrap();
    assert_eq!((report.healed, report.skipped["negative"]), (2, 1));
}

#[test]
fn a_report_that_was_emptied_by_hand_holds_up_no_replay() {
    let source = kafka::json::<Order>("orders").stream("orders").batch(3);
    let mut batch = run(App::new("shop").chain(source.then(whole::stage()).heal())).remove(0);
    batch.input = Some(json!([]));
    let error = replay(&batch, whole::stage()).run().unwrap_err();
    assert!(error.to_string().contains("orders[0]@0 failed at `orders.batch.whole`"), "{error}");
    // More values than rows.
    batch.input = Some(json!([{ "id": 0, "cents": 1 }, { "id": 1, "cents": 1 }]));
    batch.rows.truncate(1);
    let given = replay(&batch, mended::stage()).run().unwrap();
    assert_eq!(given[0].iter().map(|(ctx, _)| ctx.offset()).collect::<Vec<_>>(), [0, 0]);
    batch.rows[0].record = None;
    let app =
        App::new("shop").chain(kafka::json::<Order>("orders").stream("orders").then(silent::stage()).heal());
    let no_record = replay(&batch, app).run().unwrap_err();
    assert!(matches!(no_record, ReplayError::NoRecord { .. }), "{no_record}");
}

#[test]
fn a_failure_from_production_is_a_test_in_two_lines() {
    let report = of_one!(waits_again);
    let error = replay(&report, waits_again::stage()).run().unwrap_err();
    let ReplayError::Failed(healer::Error::Record(failed)) = &error else { panic!("{error}") };
    assert_eq!((failed.stage.as_str(), failed.offset, failed.attempts), ("orders.waits_again", 1, 3));
    assert_eq!(failed.source().map(ToString::to_string).as_deref(), Some("order 1 is negative"));

    // The replay also fails where the policy skipped the record.
    let error = replay(&of_one!(hangs), hangs::stage()).run().unwrap_err();
    assert!(error.to_string().contains("not done after 10ms"), "{error}");

    // Another stage of the same input, which is mended.
    assert_eq!(replay(&report, told::stage()).run().unwrap(), [-1]);
    assert_eq!(replay(&of_one!(many), told::stage()).run().unwrap(), [-1]);
}

#[test]
fn a_whole_pipeline_is_run_with_the_record_as_it_came_in() {
    let report = of_one!(silent);
    let no_input = replay(&report, silent::stage()).run().unwrap_err();
    assert!(matches!(no_input, ReplayError::NoInput { .. }), "{no_input}");
    let app = || {
        App::new("shop").chain(kafka::json::<Order>("orders").stream("orders").then(silent::stage()).heal())
    };
    let error = replay(&report, app()).run().unwrap_err();
    assert!(error.to_string().contains("orders[0]@1 failed at `orders.silent`"), "{error}");
}

#[test]
fn a_record_that_fails_again_is_an_error_whatever_the_policy_makes_of_it() {
    let source = || kafka::json::<Order>("orders").stream("orders");
    let report = of_one!(silent);
    let fails = |app: App| {
        let error = replay(&report, app).run().unwrap_err();
        assert!(matches!(error, ReplayError::Failed(healer::Error::Record(_))), "{error}");
        error.to_string()
    };
    let app = || App::new("shop").chain(source().then(silent::stage()).heal());
    for policy in [OnError::Skip, OnError::dead_letter("dead")] {
        let error = fails(app().on_error(policy));
        assert!(error.contains("orders[0]@1 failed at `orders.silent`"), "{error}");
    }
    // Of the stage itself, in tasks, of single rows of a batch, and with a quarantine.
    for (app, stage) in [
        (App::new("shop").chain(source().then(skips::stage()).heal()), "skips"),
        (App::new("shop").chain(source().then(buries::stage()).heal()), "buries"),
        (App::new("shop").chain(source().then(shuts_out::stage()).heal()), "shuts_out"),
        (App::new("shop").chain(source().batch(2).then(splits::stage()).heal()), "batch.splits"),
    ] {
        let error = fails(app);
        assert!(error.contains(&format!("failed at `orders.{stage}`")), "{error}");
    }
    // A record that can't be read.
    let mut unreadable = report.clone();
    unreadable.record.as_mut().unwrap().value = Some(b"no order".to_vec());
    let source = kafka::json::<Order>("orders").on_error(OnError::dead_letter("dead"));
    let app = App::new("shop").chain(source.stream("orders").heal());
    let error = replay(&unreadable, app).run().unwrap_err();
    assert!(error.to_string().contains("orders[0]@1"), "{error}");
}

#[test]
fn a_stage_that_the_report_is_not_of_is_told_from_it() {
    let report = of_one!(by_value);
    let error = replay(&report, of_text::stage()).run().unwrap_err();
    let ReplayError::OtherInput { of, given, .. } = &error else { panic!("{error}") };
    assert_eq!((of.as_str(), *given), ("orders.by_value", "of_text"));
    let text = error.to_string();
    assert!(
        text.contains("the report is of orders.by_value") && text.contains("no input of `of_text`"),
        "{text}"
    );
    assert!(text.contains("takes `alloc::string::String`"), "{text}");
    // A batch for one record, and one record for a batch.
    let error = replay(&report, whole::stage()).run().unwrap_err();
    assert!(matches!(&error, ReplayError::OtherInput { given: "whole", .. }), "{error}");
    let source = kafka::json::<Order>("orders").stream("orders").batch(3);
    let batch = run(App::new("shop").chain(source.then(whole::stage()).heal())).remove(0);
    let error = replay(&batch, by_value::stage()).run().unwrap_err();
    let ReplayError::OtherInput { of, given: "by_value", .. } = &error else { panic!("{error}") };
    assert_eq!(of, "orders.batch.whole");
}

#[test]
fn a_pipeline_that_does_not_read_the_records_topic_is_told_from_the_reports() {
    let report = of_one!(silent);
    let other = App::new("other").chain(kafka::json::<Order>("order").stream("orders").heal());
    let error = replay(&report, other).run().unwrap_err();
    let ReplayError::OtherPipeline { of, .. } = &error else { panic!("{error}") };
    assert_eq!(of, "orders.silent");
    assert!(error.to_string().contains("reads topic `orders`; it reads `order`"), "{error}");
}

#[test]
fn a_reporter_that_hangs_holds_up_nothing() {
    let reporter = |_: &FailureReport| {
        std::thread::sleep(Duration::from_mins(1));
        Ok(())
    };
    let began = std::time::Instant::now();
    let app =
        App::new("shop").chain(kafka::json::<Order>("orders").stream("orders").then(silent::stage()).heal());
    let report = orders().run(app.on_error(OnError::Skip).report_failures(reporter), 3_000).unwrap();
    assert_eq!((report.healed, report.skipped["failed"]), (2_000, 1_000));
    assert!(began.elapsed() < Duration::from_secs(30), "the pipeline waited for its reporter");
}
