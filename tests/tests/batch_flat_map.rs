//! Rows that are made of rows, and lists that lose errors: nothing that was not done is healed or skipped.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_async,
    reason = "stages and their functions take values and may be async"
)]

mod common;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use common::{Seen, failed_record, settings};
use healer::{
    OnError, RecordError, RecordErrorKind,
    prelude::*,
    testing::{self, EmbeddedKafka, InMemory, TestRecord},
};

type Saved = Result<u64, String>;

fn save(line: String) -> Saved {
    let number: u64 = line.parse().map_err(|_| format!("{line} is no number"))?;
    if number % 2 == 1 { Err(format!("{number} can't be saved")) } else { Ok(number) }
}

/// A list that the user of the pipeline chooses.
trait Split: Send + Sync + 'static {
    type Items: IntoIterator<Item = u64, IntoIter: Send> + Send + 'static;
    fn split(line: String) -> Self::Items;
}

/// Loses errors.
struct Strict;

impl Split for Strict {
    type Items = Saved;
    fn split(line: String) -> Saved {
        save(line)
    }
}

/// Says that errors are to be skipped.
struct Lenient;

impl Split for Lenient {
    type Items = Option<u64>;
    fn split(line: String) -> Option<u64> {
        save(line).ok()
    }
}

fn chosen<S: Split>(rows: BatchMut<'_, String>) -> BatchMut<'_, u64> {
    rows.flat_map("nothing", S::split)
}

#[stage(batch)]
fn each<'b, S: Split>(rows: BatchMut<'b, String>, #[state] called: &Arc<Seen<String>>) -> BatchMut<'b, u64> {
    rows.flat_map("nothing", |line| {
        called.add(line.clone());
        S::split(line)
    })
}

#[stage(batch, split, on_error = skip)]
async fn each_or_skipped<S: Split>(rows: BatchMut<'_, String>) -> BatchMut<'_, u64> {
    rows.flat_map("nothing", S::split)
}

fn numbers() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 1).unwrap();
    kafka.produce("o", (0..6).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
    kafka
}

/// Runs a pipeline that fails, and shows that it committed nothing.
async fn keeps_all_pending(app: App) -> Arc<RecordError> {
    let kafka = numbers();
    let config = settings(kafka.brokers(), "g").build().unwrap();
    let error = failed_record(app.run_until_end(config).await);
    let committed = kafka.committed("g", "o").unwrap();
    assert!(committed.values().all(|offset| *offset == 0), "{committed:?} though {error}");
    assert_eq!(error.rows.iter().map(healer::RowRange::count).sum::<u64>(), 6, "{error}");
    assert!(error.to_string().ends_with("none of its offsets is committed"), "{error}");
    error
}

#[tokio::test]
async fn results_for_lists_fail_the_batch_before_anything_is_done() {
    let called = Arc::<Seen<String>>::default();
    let app = pipeline! { name "x"; kafka::text("o") => batch(6, within = "20s") => each::<Strict> => heal; };
    let error = keeps_all_pending(app.with(Arc::clone(&called))).await;
    assert_eq!((&error.kind, called.all()), (&RecordErrorKind::Stage, Vec::new()), "{error}");
    assert!(error.to_string().contains("`try_map`") && error.to_string().contains("`Err`"), "{error}");
}

#[tokio::test]
async fn results_for_lists_are_no_fault_of_a_row_whatever_the_policy_says() {
    let app = pipeline! {
        name "x";
        kafka::text("o") => batch(6, within = "20s") => each_or_skipped::<Strict> => heal;
    };
    keeps_all_pending(app.on_error(OnError::Skip)).await;
}

#[test]
fn an_option_for_a_list_is_one_row_or_none() {
    let called = Arc::<Seen<String>>::default();
    let app = pipeline! { name "x"; kafka::text("o") => batch(6) => each::<Lenient> => heal; }.with(called);
    let records = (0..6).map(|n| TestRecord::new().value(n.to_string()));
    let report = InMemory::new("o", 1, records).run_once(app).unwrap();
    assert_eq!((report.healed, report.skipped.get("nothing").copied()), (3, Some(3)), "{report:?}");
}

#[test]
#[should_panic(expected = "`Err`")]
fn a_test_of_the_function_is_told_as_well() {
    let rows = ["1", "2"].map(str::to_owned);
    drop(testing::batch_mut(rows).run(chosen::<Strict>));
}

/// Two rows of each.
fn doubled(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.flat_map("none", |row| [row.clone(), row])
}

fn every_second() -> impl FnMut(&String) -> bool {
    let mut second = false;
    move |_| {
        second = !second;
        second
    }
}

/// Gives one side of a route alone, after a panic that it caught: of each row one copy is gone.
fn one_side(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    let kept = RefCell::new(None);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let yes = |rows| {
            kept.replace(Some(rows));
            panic!("caught")
        };
        rows.route(every_second(), yes, |no| no)
    }));
    unwound.unwrap_or_else(|_| kept.take().unwrap())
}

/// The same with the other side.
fn other_side(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    let kept = RefCell::new(None);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let no = |rows| {
            kept.replace(Some(rows));
            panic!("caught")
        };
        rows.route(every_second(), |yes| yes, no)
    }));
    unwound.unwrap_or_else(|_| kept.take().unwrap())
}

#[stage(batch)]
fn unwound(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    one_side(doubled(rows))
}

#[stage(batch)]
async fn unwound_later(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    one_side(doubled(rows))
}

/// Each side loses as much as the other.
#[stage(batch)]
fn both_sides(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    doubled(rows).route(|row| row.as_str() < "3", one_side, other_side)
}

/// Rows that lost a copy are doubled again, so there are as many copies as before.
#[stage(batch)]
fn as_many(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    doubled(one_side(doubled(rows)))
}

#[tokio::test]
async fn a_copy_of_a_row_that_did_not_come_back_keeps_all_pending() {
    let apps = [
        pipeline! { name "x"; kafka::text("o") => batch(6, within = "20s") => unwound => heal; },
        pipeline! { name "x"; kafka::text("o") => batch(6, within = "20s") => unwound_later => heal; },
        pipeline! { name "x"; kafka::text("o") => batch(6, within = "20s") => both_sides => heal; },
        pipeline! { name "x"; kafka::text("o") => batch(6, within = "20s") => as_many => heal; },
    ];
    for app in apps {
        let error = keeps_all_pending(app).await;
        assert_eq!(error.kind, RecordErrorKind::Lost, "{error}");
    }
}

#[test]
#[should_panic(expected = "did not come back")]
fn a_test_of_the_function_is_told_of_a_copy_that_is_gone() {
    let rows = ["1", "2"].map(str::to_owned);
    drop(testing::batch_mut(rows).run(|rows| one_side(doubled(rows))));
}

/// Copies may be routed, skipped, joined into one and copied again.
#[stage(batch)]
fn there_and_back<'b>(rows: BatchMut<'b, String>, #[state] seen: &Arc<Mutex<usize>>) -> BatchMut<'b, String> {
    let rows = doubled(doubled(rows));
    let rows = rows.route(
        every_second(),
        |yes| yes.filter("some", |row| row != "1").reduce(|rows| rows.concat()),
        |no| no.flat_map("none", |row| if row == "2" { Vec::new() } else { vec![row; 3] }),
    );
    *seen.lock().unwrap() = rows.len();
    doubled(rows)
}

#[test]
fn copies_that_all_come_back_are_healed() {
    let app = pipeline! { name "x"; kafka::text("o") => batch(6) => there_and_back => heal; };
    let seen = Arc::<Mutex<usize>>::default();
    let records = (0..6).map(|n| TestRecord::new().value(n.to_string()));
    let report = InMemory::new("o", 1, records).run_once(app.with(Arc::clone(&seen))).unwrap();
    assert_eq!((report.records, *seen.lock().unwrap()), (6, 1 + 5 * 2 * 3), "{report:?}");
}
