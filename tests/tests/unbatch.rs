//! A batch that is taken apart: each row goes on as the record that it came from.
#![allow(clippy::needless_pass_by_value, reason = "a stage takes what flows in")]

mod common;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use common::{Door, Seen, failed_record, settings, status, until, until_committed};
use healer::{
    Codec, CodecContext, CodecError, Decode, Error, Link, RecordErrorKind, SeekTo, Stream,
    prelude::*,
    testing::{EmbeddedKafka, InMemory, Received, TestRecord, batch},
};
use tokio::sync::Barrier;

fn order(n: i32, partition: i32) -> TestRecord {
    TestRecord::new()
        .key(format!("k{n}"))
        .value(n.to_string())
        .header("trace", Some(format!("t{n}")))
        .timestamp(1_700_000_000_000 + i64::from(n))
        .partition(partition)
}

fn orders(count: i32) -> Vec<TestRecord> {
    (0..count).map(|n| order(n, n % 2)).collect()
}

fn memory(count: i32) -> InMemory {
    InMemory::new("o", 2, orders(count))
}

/// Key, header, time and value, by value.
fn written(records: &[Received]) -> Vec<(String, String, Option<i64>, String)> {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"none")).into_owned();
    let one = |record: &Received| {
        let trace = text(record.headers.get("trace"));
        (text(record.key.as_deref()), trace, record.timestamp, record.text().unwrap().to_owned())
    };
    let mut all: Vec<_> = records.iter().map(one).collect();
    all.sort_by_key(|(.., value)| value.parse::<i32>().unwrap());
    all
}

fn wanted(numbers: impl IntoIterator<Item = i32>) -> Vec<(String, String, Option<i64>, String)> {
    let one =
        |n: i32| (format!("k{n}"), format!("t{n}"), Some(1_700_000_000_000 + i64::from(n)), n.to_string());
    numbers.into_iter().map(one).collect()
}

fn faults(app: App) -> Vec<String> {
    match memory(1).run_once(app) {
        Err(Error::Build(error)) => error.faults,
        other => panic!("it is no pipeline that is refused: {other:?}"),
    }
}

#[stage(batch)]
fn same(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.map(|row| row)
}

#[stage(batch)]
#[allow(clippy::unused_async)] // it runs as a task
async fn read(rows: &Batch<String>) {
    assert!(!rows.is_empty());
}

#[stage]
fn checked(row: String, ctx: &Context) -> Result<String, String> {
    assert_eq!(ctx.key(), Some(format!("k{row}").as_bytes()));
    if row.ends_with('3') { Err(format!("{row} is bad")) } else { Ok(row) }
}

fn apart<T: Send + 'static>(rows: Stream<impl Link<Out = Batch<T>>>) -> Stream<impl Link<Out = T>> {
    rows.unbatch().named("each")
}

#[test]
fn each_row_goes_on_with_its_own_key_headers_and_time() {
    let plain = || pipeline! { name "x"; kafka::text("o") => batch(4) => unbatch() => kafka::to_text("out") => heal; };
    let worked = || pipeline! { name "x"; kafka::text("o") => batch(4) => same => read => unbatch() => kafka::to_text("out") => heal; };
    let by_hand = || {
        let rows = kafka::text("o").stream("o").batch(4).then(same::stage());
        App::new("x").chain(apart(rows).then(kafka::to_text("out")).heal())
    };
    for app in [plain(), worked(), by_hand()] {
        let memory = memory(11);
        assert_eq!(memory.run_once(app).unwrap().healed, 11);
        assert_eq!(written(&memory.sent("out")), wanted(0..11));
    }
}

#[test]
fn rows_that_cannot_be_cloned_are_moved_on() {
    struct Once(String);
    let app = pipeline! {
        name "x";
        kafka::text("o") => map(Once) => batch(3) => unbatch() => map(|once: Once| once.0) => kafka::to_text("out") => heal;
    };
    let memory = memory(7);
    assert_eq!(memory.run_once(app).unwrap().healed, 7);
    assert_eq!(written(&memory.sent("out")), wanted(0..7));
}

#[test]
fn a_row_that_fails_below_becomes_a_letter_of_its_record_alone() {
    let app = pipeline! {
        name "x";
        kafka::text("o") => batch(6) => same => unbatch() => checked => kafka::to_text("out") => heal;
    };
    let memory = memory(24);
    let report = memory.run_once(app.on_error(OnError::dead_letter("dead"))).unwrap();
    assert_eq!((report.healed, report.dead_lettered), (21, 3));
    let good = (0..24).filter(|n| n % 10 != 3);
    assert_eq!(written(&memory.sent("out")), wanted(good));
    let letters = memory.sent("dead");
    let of: Vec<_> =
        letters.iter().map(|letter| letter.headers.get("healer-offset").map(<[u8]>::to_vec)).collect();
    assert_eq!(of, [Some(b"1".to_vec()), Some(b"6".to_vec()), Some(b"11".to_vec())]);
    assert_eq!(letters[1].key.as_deref(), Some(b"k13".as_slice()));
    assert_eq!(letters[1].text().unwrap(), "13");
}

#[stage(on_error = skip)]
#[allow(clippy::unused_async)] // it runs as a task
async fn checked_later(row: String, ctx: &Context) -> Result<String, String> {
    checked(row, ctx)
}

#[test]
fn a_stage_below_has_a_policy_of_its_own_and_one_below_a_batch_has_none() {
    let app = || kafka::text("o").stream("o").batch(6);
    let memory = memory(14);
    let apart = App::new("x").chain(app().unbatch().then(checked_later::stage()).heal());
    let report = memory.run_once(apart).unwrap();
    assert_eq!((report.healed, report.skipped["failed"]), (12, 2));

    let joined = |rows: Batch<String>| rows.iter().map(|(_, row)| row.clone()).collect::<String>();
    let reduced = App::new("x").chain(app().map(joined).then(checked_later::stage()).heal());
    assert!(faults(reduced)[0].contains("`on_error` can only be `stop`"));
    let again = App::new("x").chain(app().unbatch().batch(2).map(joined).then(checked_later::stage()).heal());
    assert!(faults(again)[0].contains("`on_error` can only be `stop`"));
}

/// Stays at one row until the door is open.
#[stage(parallel = 64, order = none)]
async fn stuck(row: String, #[state] door: &Arc<Door>) -> String {
    if row == "4" {
        door.pass().await;
    }
    row
}

#[tokio::test]
async fn commits_move_row_by_row_and_a_restart_begins_with_the_row_that_is_not_done() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 2).unwrap();
    kafka.produce("o", orders(10)).unwrap();
    let config = || settings(kafka.brokers(), "g").build().unwrap();
    let door = Arc::new(Door::default());
    let app = || pipeline! { name "x"; kafka::text("o") => batch(10, within = "20s") => unbatch() => stuck => heal; };
    let handle = app().with(Arc::clone(&door)).start(config()).await.unwrap();
    // Record 4 is the third of its partition: the other nine of its batch are done.
    until_committed(&handle, &BTreeMap::from([(0, 2), (1, 5)])).await;
    door.open();
    until_committed(&handle, &BTreeMap::from([(0, 5), (1, 5)])).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test]
async fn a_row_that_stops_the_pipeline_is_named_alone_and_rows_before_it_are_committed() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 2).unwrap();
    kafka.produce("o", orders(10)).unwrap();
    let app = pipeline! { name "x"; kafka::text("o") => batch(10, within = "20s") => unbatch() => checked => heal; };
    let result = app.run_until_end(settings(kafka.brokers(), "g").build().unwrap()).await;
    let error = failed_record(result);
    assert_eq!(
        error.to_string(),
        "record o[1]@1 failed at `o.batch.unbatch.checked`: 3 is bad; its offset is not committed"
    );
    assert_eq!(kafka.committed("g", "o").unwrap(), BTreeMap::from([(0, 5), (1, 1)]));
}

#[stage(on_error = dead_letter("dead"))]
fn of_one_way(row: String) -> Result<String, String> {
    if row == "5" { Err("5 is bad here".to_owned()) } else { Ok(row) }
}

#[test]
fn a_batch_that_branched_is_done_row_by_row_when_both_ways_are() {
    let app = pipeline! {
        name "x";
        all = kafka::text("o") => batch(4) => same;
        all => unbatch() as "left" => kafka::to_text("left") => heal;
        all => filter(|rows| rows.len() > 1) => unbatch() as "right" => of_one_way => kafka::to_text("right") => heal;
    };
    let memory = memory(8);
    let report = memory.run_once(app).unwrap();
    assert_eq!((report.healed, report.dead_lettered), (7, 1));
    assert_eq!(written(&memory.sent("left")), wanted(0..8));
    assert_eq!(written(&memory.sent("right")), wanted((0..8).filter(|n| *n != 5)));
    assert_eq!(memory.sent("dead").len(), 1);
}

/// Waits for three others.
#[stage(parallel = 8)]
async fn together(row: String, #[state] four: &Barrier) -> String {
    four.wait().await;
    row
}

#[test]
fn below_it_calls_of_several_keys_run_at_once() {
    let app = pipeline! { name "x"; kafka::text("o") => batch(8) => unbatch() => together => heal; };
    assert_eq!(memory(8).run_once(app.with(Barrier::new(4))).unwrap().healed, 8);
}

#[test]
fn below_it_records_without_a_key_are_one_row_of_their_partition_and_not_of_all() {
    let lines = (0..8).map(|n| TestRecord::new().value(n.to_string()).partition(n % 2));
    let memory = InMemory::new("o", 2, lines);
    let app = pipeline! { name "x"; kafka::text("o") => batch(8) => unbatch() => together => heal; };
    assert_eq!(memory.run_once(app.with(Barrier::new(2))).unwrap().healed, 8);
}

/// Waits for another one.
#[stage]
async fn beside(row: String, #[state] two: &Barrier) -> String {
    two.wait().await;
    row
}

#[test]
fn below_it_partitions_run_side_by_side_and_each_in_its_order() {
    let app = pipeline! {
        name "x";
        kafka::text("o") => batch(8) => same => unbatch() => beside => kafka::to_text("out") => heal;
    };
    let memory = memory(8);
    assert_eq!(memory.run_once(app.with(Barrier::new(2))).unwrap().healed, 8);
    for remainder in [0, 1] {
        let sent = memory.sent("out");
        let numbers = sent.iter().map(|record| record.text().unwrap().parse::<i32>().unwrap());
        let own: Vec<_> = numbers.filter(|n| n % 2 == remainder).collect();
        assert!(own.is_sorted(), "{own:?}");
    }
}

/// Holds up the records of partition 0.
#[stage]
async fn stuck_at_0(row: String, ctx: &Context, #[state] door: &Arc<Door>) -> String {
    if ctx.partition() == 0 {
        door.pass().await;
    }
    row
}

#[tokio::test]
async fn below_it_a_partition_that_is_held_up_holds_up_no_other() {
    const EACH: i32 = 300;
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 2).unwrap();
    kafka.produce("o", orders(2 * EACH)).unwrap();
    let door = Arc::new(Door::default());
    let app = pipeline! { name "x"; kafka::text("o") => batch(50, within = "100ms") => unbatch() => stuck_at_0 => heal; };
    let app = app.with(Arc::clone(&door));
    let handle = app.start(settings(kafka.brokers(), "g").build().unwrap()).await.unwrap();
    let committed = |partition| status(&handle, partition).and_then(|status| status.committed);
    until("all of partition 1 is committed", || committed(1) == Some(i64::from(EACH))).await;
    assert!(committed(0).is_none_or(|offset| offset == 0));
    door.open();
    until_committed(&handle, &BTreeMap::from([(0, i64::from(EACH)), (1, i64::from(EACH))])).await;
    handle.stop();
    handle.join().await.unwrap();
}

/// One call at a time, of all partitions together.
#[stage(parallel = 1)]
async fn one_stuck_at_0(row: String, ctx: &Context, #[state] door: &Arc<Door>) -> String {
    stuck_at_0(row, ctx, door).await
}

#[tokio::test]
async fn below_it_the_calls_of_a_generation_that_is_over_end_and_hold_up_no_other() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 2).unwrap();
    let to =
        |partition: i32| TestRecord::new().value("v").key(format!("of {partition}")).partition(partition);
    kafka.produce("o", [to(0)]).unwrap();
    let app = pipeline! { name "x"; kafka::text("o") => batch(50, within = "10ms") => unbatch() => one_stuck_at_0 => heal; };
    let app = app.with(Arc::new(Door::default()));
    let handle = app.start(settings(kafka.brokers(), "g").build().unwrap()).await.unwrap();
    let blocked =
        |partition| status(&handle, partition).and_then(|status| status.blocked).map(|blocked| blocked.stage);
    let is_below = |partition| blocked(partition).is_some_and(|stage| stage.contains("one_stuck_at_0"));
    until("the call is stuck", || is_below(0)).await;
    kafka.produce("o", (0..3).map(|_| to(1))).unwrap();
    until("others wait for it", || is_below(1)).await;
    // The record is passed over, and no further batch comes.
    assert_eq!(handle.seek("o", 0, SeekTo::Latest).await.unwrap(), 1);
    until_committed(&handle, &BTreeMap::from([(0, 1), (1, 3)])).await;
    handle.stop();
    handle.join().await.unwrap();
}

/// How many values were made, and how many are done.
#[derive(Default)]
struct Made {
    made: AtomicUsize,
    done: AtomicUsize,
}

#[stage(flat)]
fn many(_line: String, #[state] made: &Made) -> impl Iterator<Item = usize> {
    (0..2_000).inspect(|_| _ = made.made.fetch_add(1, Ordering::Relaxed))
}

/// Two batches of ten more are gathered and taken apart.
#[stage]
async fn one_of_many_batches(_: usize, #[state] made: &Made) -> Result<(), String> {
    tokio::task::yield_now().await;
    let waiting = made.made.load(Ordering::Relaxed) - made.done.fetch_add(1, Ordering::Relaxed);
    if waiting < 1_000 { Ok(()) } else { Err(format!("{waiting} values wait")) }
}

#[stage]
async fn one_of_many(_: usize, #[state] made: &Made) -> Result<(), String> {
    tokio::task::yield_now().await;
    let waiting = made.made.load(Ordering::Relaxed) - made.done.fetch_add(1, Ordering::Relaxed);
    // Two queues of 64, a batch of 10 being gathered and one that was taken apart, and the values at work.
    if waiting < 200 { Ok(()) } else { Err(format!("{waiting} values wait")) }
}

#[test]
fn values_wait_for_room_also_where_batches_of_batches_are_taken_apart() {
    let app = pipeline! {
        name "x";
        kafka::text("o") => many => batch(10) => batch(2) => unbatch() => unbatch() => one_of_many_batches => heal;
    };
    assert_eq!(memory(8).run_once(app.with(Made::default())).unwrap().healed, 8);
}

#[test]
fn values_of_which_a_record_gave_many_wait_for_room_below_it() {
    let app =
        pipeline! { name "x"; kafka::text("o") => many => batch(10) => unbatch() => one_of_many => heal; };
    let memory = InMemory::new("o", 1, ["a", "b", "c"]);
    assert_eq!(memory.run_once(app.with(Made::default())).unwrap().healed, 3);
}

#[stage(batch)]
fn thrice(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.flat_map("never", |row| [format!("{row}0"), format!("{row}1"), format!("{row}3")])
}

#[stage]
fn first_of_three(row: String) -> Result<String, String> {
    if row == "23" { Err("one of three".to_owned()) } else { Ok(row) }
}

#[test]
fn a_record_is_done_when_all_rows_that_were_made_of_it_are() {
    let app = || pipeline! { name "x"; kafka::text("o") => batch(4) => thrice => unbatch() => first_of_three => kafka::to_text("out") => heal; };
    let memory = memory(4);
    let error = failed_record(memory.run_once(app()));
    assert_eq!((error.partition, error.offset), (0, 1));
    let report = memory.run_once(app().on_error(OnError::dead_letter("dead"))).unwrap();
    assert_eq!((report.healed, report.dead_lettered), (3, 1));
    assert_eq!(memory.sent("out").len(), 11);
    let sent = memory.sent("out");
    assert!(
        sent.iter()
            .all(|row| row.key.as_ref().is_some_and(|key| key[1] == row.text().unwrap().as_bytes()[0]))
    );
}

#[stage(batch)]
fn total(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.reduce(|all| all.len().to_string())
}

#[test]
fn a_row_that_was_made_of_several_is_written_with_the_key_that_the_sink_says_and_no_other() {
    let totals = || kafka::text("o").stream("o").batch(3).then(total::stage()).unbatch();
    for count in [1, 6] {
        let memory = memory(count);
        let silent = App::new("x").chain(totals().then(kafka::to_text("out")).heal());
        let error = failed_record(memory.run_once(silent.on_error(OnError::Skip)));
        assert!(error.to_string().contains("`.keyless()`"), "{error}");
        assert!(memory.sent("out").is_empty());
    }
    let memory = memory(6);
    let keyless = App::new("x").chain(totals().then(kafka::to_text("out").keyless()).heal());
    assert_eq!(memory.run_once(keyless).unwrap().healed, 6);
    let sent = memory.sent("out");
    assert!(
        sent.iter().all(|record| record.key.is_none() && record.headers.get("trace").is_none()),
        "{sent:?}"
    );
    assert_eq!(sent.iter().filter_map(|record| record.timestamp).max(), Some(1_700_000_000_005));
    let keyed = kafka::to_text("out").key(|total: &String, ctx| {
        assert_eq!((ctx.key(), ctx.headers().get("trace")), (None, None));
        Some(total.clone().into_bytes())
    });
    memory.run_once(App::new("x").chain(totals().then(keyed).heal())).unwrap();
    assert!(memory.sent("out").iter().all(|record| record.key.as_deref() == Some(b"3".as_slice())));
}

#[stage(flat)]
fn each(rows: &Batch<String>) -> Vec<String> {
    rows.iter().map(|(_, row)| row.clone()).collect()
}

#[test]
fn a_sink_of_values_made_of_a_batch_says_their_key_or_is_refused_with_the_mend() {
    let batches = || kafka::text("o").stream("o").batch(3);
    let count = |rows: Batch<String>| rows.len().to_string();
    let sink = || kafka::to_text("out");
    let (port, both) = healer::union("both");
    let through_a_port = App::new("x")
        .chain(batches().map(count).to(&port))
        .chain(kafka::text("p").stream("p").to(&port))
        .chain(both.then(sink()).heal());
    let refused = [
        ("o.batch.map.out", App::new("x").chain(batches().map(count).then(sink()).heal())),
        ("o.batch.each.out", App::new("x").chain(batches().then(each::stage()).then(sink()).heal())),
        ("both.out", through_a_port),
        (
            "o.batch.unbatch.batch#2.map.out",
            App::new("x").chain(batches().unbatch().batch(2).map(count).then(sink()).heal()),
        ),
        (
            "o.batch.batch#2.unbatch.map.out",
            App::new("x").chain(batches().batch(2).unbatch().map(count).then(sink()).heal()),
        ),
        (
            "o.batch.map.out",
            App::new("x").chain(
                batches().fan_out(|all| all.unbatch().heal()).and(|all| all.map(count).then(sink()).heal()),
            ),
        ),
    ];
    for (path, app) in refused {
        let [fault] = &faults(app)[..] else { panic!("{path} has one fault") };
        assert!(fault.starts_with(&format!("`{path}` writes values that were made of a batch")), "{fault}");
        assert!(["`.key(", "`.keyless()`", "`unbatch()`"].iter().all(|mend| fault.contains(mend)), "{fault}");
    }
    let key = kafka::to_text("out").key(|_: &String, _| Some(b"k".to_vec()));
    let said = [
        App::new("x").chain(batches().then(each::stage()).then(key).heal()),
        App::new("x").chain(batches().map(count).then(sink().keyless()).heal()),
        App::new("x").chain(batches().unbatch().then(sink()).heal()),
        App::new("x").chain(batches().batch(2).unbatch().unbatch().then(sink()).heal()),
    ];
    for app in said {
        assert_eq!(memory(3).run_once(app).unwrap().healed, 3);
    }
}

/// Gives rows of no call as the value of its records.
struct Forged;

impl Codec for Forged {
    fn format(&self) -> &'static str {
        "forged"
    }
}

impl Decode<Batch<String>> for Forged {
    fn decode(&self, _: &[u8], _: &CodecContext<'_>) -> Result<Batch<String>, CodecError> {
        Ok(batch(["forged".to_owned(), "twice".to_owned()]))
    }
}

#[test]
fn rows_of_another_call_are_not_passed_on() {
    let seen = Arc::new(Seen::default());
    let app = App::new("x").chain(
        kafka::source(Forged, "o")
            .stream("o")
            .unbatch()
            .map({
                let seen = Arc::clone(&seen);
                move |row: String| seen.add(row)
            })
            .heal(),
    );
    let error = failed_record(memory(2).run_once(app.on_error(OnError::Skip)));
    assert_eq!((&error.kind, &*error.stage), (&RecordErrorKind::OtherBatch, "o.unbatch"), "{error}");
    assert_eq!(seen.len(), 0);
}

#[stage]
fn late_panic(row: String, #[state] calls: &Mutex<Vec<String>>) -> String {
    calls.lock().unwrap().push(row.clone());
    assert!(row != "4", "4 is too much");
    row
}

#[test]
fn a_panic_below_is_that_rows_and_no_later_row_of_its_partition_runs() {
    let app = pipeline! { name "x"; kafka::text("o") => batch(10) => unbatch() => late_panic => heal; };
    let calls = Arc::new(Mutex::new(Vec::<String>::new()));
    let error = failed_record(memory(10).run_once(app.with_arc(Arc::clone(&calls))));
    assert_eq!((error.partition, error.offset), (0, 2));
    let mut calls = calls.lock().unwrap().clone();
    calls.sort();
    assert_eq!(calls, ["0", "1", "2", "3", "4", "5", "7", "9"]);
}
