//! A batch belongs to its call: rows of another one are refused, and an error says which records it is about.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex},
};

use common::{Seen, failed_record, settings};
use healer::{
    BuildError, Codec, CodecContext, CodecError, Config, Decode, Error, RecordErrorKind, Report,
    prelude::*,
    testing::{self, EmbeddedKafka, TestRecord},
};

type Kept = Arc<Mutex<Option<Batch<String>>>>;

/// The error of a build that is refused, without a broker.
fn refused<T>(built: Result<T, Error>) -> BuildError {
    match built {
        Err(Error::Build(error)) => error,
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("it is not refused"),
    }
}

fn config() -> Config {
    Config::builder().brokers("nowhere:9092").build().unwrap()
}

fn texts(rows: &Batch<String>) -> Vec<String> {
    rows.iter().map(|(_, row)| row.clone()).collect()
}

/// A batch stage that saves its rows, and fails at these values.
#[stage(batch)]
fn keep(
    rows: &Batch<String>,
    #[state] saved: &Arc<Seen<String>>,
    #[state] bad: &Vec<&'static str>,
) -> Result<(), String> {
    if let Some((_, row)) = rows.iter().find(|(_, row)| bad.contains(&row.as_str())) {
        return Err(format!("{row} can't be saved"));
    }
    for row in texts(rows) {
        saved.add(row);
    }
    Ok(())
}

type Orders = Batch<String>;

#[stage]
fn exchanged<T>(value: T) -> T {
    value
}

#[stage]
async fn kept_one(_line: String) -> Option<Orders> {
    None
}

#[stage(flat)]
fn one_by_one(rows: Batch<String>) -> Vec<Batch<String>> {
    vec![rows]
}

#[stage(parallel = 4)]
async fn with_its_length<T>(value: T) -> (usize, T) {
    (mem::size_of::<T>(), value)
}

#[test]
fn rows_that_a_closure_or_a_single_stage_passes_on_are_refused_with_the_mend() {
    let rows = || kafka::text("o").stream("o").batch(3);
    let kept = || Mutex::new(None::<Batch<String>>);
    let (other, another) = (kept(), kept());
    let fallible = move |rows: Batch<String>| other.lock().unwrap().replace(rows).ok_or("the first");
    let all = [
        ("map", App::new("x").chain(rows().map(|rows: Batch<String>| rows).heal())),
        ("try_map", App::new("x").chain(rows().try_map(fallible).heal())),
        ("map", App::new("x").chain(rows().map(move |rows| another.lock().unwrap().replace(rows)).heal())),
        ("map", App::new("x").chain(rows().map(|rows: Batch<String>| vec![rows]).heal())),
        ("map", App::new("x").chain(rows().map(|rows: Batch<String>| (1_u8, rows)).heal())),
        ("map", App::new("x").chain(rows().map(Arc::new).heal())),
        ("try_map", App::new("x").chain(rows().try_map(|rows| Ok::<_, String>(Box::new(rows))).heal())),
        ("exchanged", App::new("x").chain(rows().then(exchanged::<Batch<String>>::stage()).heal())),
        (
            "with_its_length",
            App::new("x").chain(rows().then(with_its_length::<Batch<String>>::stage()).heal()),
        ),
        ("one_by_one", App::new("x").chain(rows().then(one_by_one::stage()).heal())),
    ];
    for (name, app) in all {
        let error = refused(app.build(&config()));
        let [fault] = error.faults.as_slice() else { panic!("{error}") };
        assert!(fault.starts_with(&format!("`o.batch.{name}`: it gives `")), "{fault}");
        assert!(
            fault.contains("offsets") && fault.contains("`#[stage(batch)]` function of `&Batch<T>`"),
            "{fault}"
        );
    }
    let alias = App::new("x").chain(kafka::text("o").stream("o").then(kept_one::stage()).heal());
    assert!(refused(alias.build(&config())).faults[0].starts_with("`o.kept_one`: it gives `"));
}

type Named = Batch<String>;

/// The macro knows rows by their name, so stages that call them otherwise are for `build`.
mod named {
    use super::*;

    #[stage(retry(2))]
    fn again(_: &String) -> Option<Named> {
        None
    }

    #[stage(blocking)]
    fn on_a_thread(_: String) -> Option<Named> {
        None
    }

    #[stage(timeout = "1s")]
    async fn in_time(_: String) -> Result<Option<Named>, String> {
        Ok(None)
    }

    #[stage(parallel = 2, order = none)]
    fn beside(_: String) -> Option<Named> {
        None
    }

    #[stage(flat)]
    async fn many_later(_: String) -> Vec<Named> {
        Vec::new()
    }

    #[stage(flat)]
    fn many_or_none(line: String) -> Result<Vec<Named>, String> {
        Err(line)
    }

    #[stage(on_error = skip)]
    async fn or_skipped(line: String) -> Result<Named, String> {
        Err(line)
    }

    #[test]
    fn rows_by_another_name_are_refused_of_every_kind_of_stage() {
        let lines = || kafka::text("o").stream("o");
        let all = [
            ("again", App::new("x").chain(lines().then(again::stage()).heal())),
            ("on_a_thread", App::new("x").chain(lines().then(on_a_thread::stage()).heal())),
            ("in_time", App::new("x").chain(lines().then(in_time::stage()).heal())),
            ("beside", App::new("x").chain(lines().then(beside::stage()).heal())),
            ("many_later", App::new("x").chain(lines().then(many_later::stage()).heal())),
            ("many_or_none", App::new("x").chain(lines().then(many_or_none::stage()).heal())),
            ("or_skipped", App::new("x").chain(lines().then(or_skipped::stage()).heal())),
        ];
        for (name, app) in all {
            let error = refused(app.build(&config()));
            assert!(
                error.faults[0].starts_with(&format!("`o.{name}`: it gives `")),
                "rows that it kept would pass for those of this call: {error}"
            );
        }
    }
}

#[test]
fn what_is_made_of_rows_may_be_passed_on() {
    let rows = kafka::text("o").stream("o").batch(3);
    let app = App::new("x").chain(rows.map(|rows: Batch<String>| texts(&rows)).heal());
    app.build(&config()).map(drop).unwrap();
}

/// A topic `o` of one partition with the numbers below `count`.
fn orders(count: usize) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 1).unwrap();
    kafka.produce("o", (0..count).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
    kafka
}

struct Shop {
    kafka: EmbeddedKafka,
    saved: Arc<Seen<String>>,
}

impl Shop {
    fn new(kafka: EmbeddedKafka) -> Self {
        Self { kafka, saved: Arc::default() }
    }

    async fn run(&self, app: App, bad: &[&'static str]) -> Result<Report, Error> {
        let app = app.with(Arc::clone(&self.saved)).with(bad.to_vec());
        app.run_until_end(settings(self.kafka.brokers(), "g").build().unwrap()).await
    }

    fn committed(&self, topic: &str) -> BTreeMap<i32, i64> {
        self.kafka.committed("g", topic).unwrap()
    }
}

#[tokio::test]
async fn an_error_about_a_batch_names_its_rows_and_none_that_was_saved() {
    let shop = Shop::new(orders(9));
    let app = || pipeline! { name "x"; kafka::text("o") => batch(3, within = "20s") => keep => heal; };
    let error = failed_record(shop.run(app(), &["4"]).await);
    let rows: Vec<_> =
        error.rows.iter().map(|rows| (&*rows.topic, rows.partition, rows.first, rows.last)).collect();
    assert_eq!((rows.as_slice(), error.offset), ([("o", 0, 3, 5)].as_slice(), 3));
    assert_eq!(
        error.to_string(),
        "a batch of 3 records (o[0]@3..=5) failed at `o.batch.keep`: 4 can't be saved; none of its offsets is committed"
    );
    assert_eq!(
        (shop.saved.take(), shop.committed("o")),
        (["0", "1", "2"].map(str::to_owned).to_vec(), [(0, 3)].into())
    );
    assert_eq!(shop.run(app(), &[]).await.unwrap().healed, 6);
    assert_eq!(shop.saved.all(), ["3", "4", "5", "6", "7", "8"]);
}

#[tokio::test]
async fn rows_of_several_partitions_are_named_by_each_of_them() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 2).unwrap();
    let order = |partition: i32, value: &str| TestRecord::new().partition(partition).value(value);
    let all = [order(0, "a"), order(0, "not this"), order(0, "b"), order(1, "c"), order(1, "bad")];
    kafka.produce("o", all).unwrap();
    let shop = Shop::new(kafka);
    let app = pipeline! { name "x"; kafka::text("o") => filter(|line| line != "not this", reason = "no") => batch(4, within = "20s") => keep => heal; };
    let error = failed_record(shop.run(app, &["bad"]).await);
    let text = error.to_string();
    assert!(text.starts_with("a batch of 4 records (o[0]@0, o[0]@2, o[1]@0..=1) failed at `"), "{text}");
    assert_eq!(error.rows.iter().map(healer::RowRange::count).sum::<u64>(), 4);
    assert!(shop.committed("o").values().all(|offset| *offset == 0), "{:?}", shop.committed("o"));
}

/// The even ones are settled here.
#[stage(batch)]
fn odd(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.filter("even", |row| row.parse::<u32>().is_ok_and(|n| n % 2 == 1))
}

#[tokio::test]
async fn below_a_batch_an_error_names_what_is_still_owed() {
    for count in [4, 6] {
        let shop = Shop::new(orders(count));
        let app = pipeline! {
            name "x";
            kafka::text("o") => batch(count, within = "20s") => odd => map(|rows: Batch<String>| texts(&rows).join("+")) => try_map(Err::<(), String>) => heal;
        };
        let error = failed_record(shop.run(app, &[]).await);
        let odd: Vec<_> = (1..i64::try_from(count).unwrap()).step_by(2).collect();
        assert_eq!(
            error.rows.iter().map(|rows| (rows.first, rows.last)).collect::<Vec<_>>(),
            odd.iter().map(|n| (*n, *n)).collect::<Vec<_>>()
        );
        assert_eq!(error.offset, 1, "the first of them: 0 is done");
        assert_eq!(shop.committed("o"), BTreeMap::from([(0, 1)]));
    }
}

#[stage(batch, split)]
async fn alone(
    rows: &Batch<String>,
    #[state] saved: &Arc<Seen<String>>,
    #[state] bad: &Vec<&'static str>,
) -> Result<(), String> {
    if rows.iter().any(|(_, row)| bad.contains(&row.as_str())) {
        return Err("bad".to_owned());
    }
    for row in texts(rows) {
        saved.add(row);
    }
    Ok(())
}

#[tokio::test]
async fn a_row_that_fails_alone_is_a_record_like_any_other() {
    let shop = Shop::new(orders(4));
    let app = pipeline! { name "x"; kafka::text("o") => batch(4, within = "20s") => alone => heal; };
    let error = failed_record(shop.run(app, &["2"]).await);
    assert_eq!((error.rows.len(), error.offset), (0, 2));
    assert_eq!(
        error.to_string(),
        "record o[0]@2 failed at `o.batch.alone`: bad; its offset is not committed"
    );
    assert_eq!(shop.committed("o"), BTreeMap::from([(0, 2)]));
}

/// Gives the rows that were kept as the value of its records.
struct OfAnother(Kept);

impl Codec for OfAnother {
    fn format(&self) -> &'static str {
        "kept"
    }
}

impl Decode<Batch<String>> for OfAnother {
    fn decode(&self, _: &[u8], _: &CodecContext<'_>) -> Result<Batch<String>, CodecError> {
        self.0.lock().unwrap().take().ok_or_else(|| CodecError::new("nothing is kept"))
    }
}

/// Makes rows for a test the value of its records.
struct Forged;

impl Codec for Forged {
    fn format(&self) -> &'static str {
        "forged"
    }
}

impl Decode<Batch<String>> for Forged {
    fn decode(&self, _: &[u8], _: &CodecContext<'_>) -> Result<Batch<String>, CodecError> {
        Ok(testing::batch(["forged".to_owned()]))
    }
}

#[tokio::test]
async fn rows_that_are_made_for_a_test_are_those_of_no_call() {
    let shop = Shop::new(orders(2));
    let app = App::new("x").chain(kafka::source(Forged, "o").stream("o").then(keep::stage()).heal());
    let error = failed_record(shop.run(app, &[]).await);
    assert_eq!((&error.kind, error.offset), (&RecordErrorKind::OtherBatch, 0), "{error}");
    assert_eq!(shop.saved.all(), Vec::<String>::new());
    assert!(shop.committed("o").values().all(|offset| *offset == 0), "{:?}", shop.committed("o"));
}

#[stage(batch)]
fn within_others(rows: BatchMut<'_, String>) -> BatchMut<'_, Batch<String>> {
    rows.map(|row| testing::batch([row]))
}

#[test]
fn a_batch_of_batches_is_refused() {
    let app = App::new("x").chain(kafka::text("o").stream("o").batch(2).then(within_others::stage()).heal());
    let error = refused(app.build(&config()));
    assert!(error.faults[0].starts_with("`o.batch.within_others`: it gives `"), "{error}");
}

#[stage(batch, split, retry(3, backoff = "1ms"), on_error = dead_letter("dead"))]
async fn given_up(rows: &Batch<String>, #[state] saved: &Arc<Seen<String>>) -> Result<(), String> {
    for row in texts(rows) {
        saved.add(row);
    }
    Err("never".to_owned())
}

#[tokio::test]
async fn rows_of_another_call_are_an_error_that_keeps_all_pending_whatever_the_policy_says() {
    let shop = Shop::new(orders(3));
    for topic in ["others", "dead"] {
        shop.kafka.create_topic(topic, 1).unwrap();
    }
    shop.kafka.produce("others", [TestRecord::new().value("x"), TestRecord::new().value("y")]).unwrap();
    let kept = Kept::default();
    let keeps = Arc::clone(&kept);
    let rows = kafka::text("o").stream("o").batch(3).within("20s");
    let ends_the_batch = rows.map(move |rows| drop(keeps.lock().unwrap().replace(rows))).heal();
    assert_eq!(shop.run(App::new("x").chain(ends_the_batch), &[]).await.unwrap().healed, 3);

    for stage in ["keep", "given_up"] {
        let again = Arc::clone(&kept);
        let others = kafka::source(OfAnother(again), "others").stream("others");
        let app = App::new("y").on_error(healer::OnError::Skip);
        let app = match stage {
            "keep" => app.chain(others.then(keep::stage()).heal()),
            _ => app.chain(others.then(given_up::stage()).heal()),
        };
        let error = failed_record(shop.run(app, &[]).await);
        assert_eq!((&error.kind, error.offset), (&RecordErrorKind::OtherBatch, 0), "{error}");
        assert_eq!(error.stage, format!("others.{stage}"));
        assert!(error.to_string().contains("those of another call"), "{error}");
        assert_eq!(shop.saved.all(), Vec::<String>::new());
        assert!(
            shop.committed("others").values().all(|offset| *offset == 0),
            "{:?}",
            shop.committed("others")
        );
        assert!(shop.kafka.records("dead").unwrap().is_empty());
        // Others for the second round.
        let keeps = Arc::clone(&kept);
        let rows = kafka::text("o").stream("o").batch(3).within("20s");
        shop.kafka.produce("o", (0..3).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
        let app = App::new("x").chain(rows.map(move |rows| drop(keeps.lock().unwrap().replace(rows))).heal());
        assert_eq!(shop.run(app, &[]).await.unwrap().healed, 3);
    }
}

#[stage(batch, retry(2, backoff = "1ms"))]
async fn second_time(rows: BatchMut<'_, String>) -> Result<BatchMut<'_, String>, String> {
    let first = rows.iter().all(|(ctx, _)| ctx.attempt() == 1);
    if first { Err("once more".to_owned()) } else { Ok(rows.map(|row| row.to_uppercase())) }
}

#[tokio::test]
async fn copies_for_other_ways_and_attempts_are_of_the_same_call() {
    let shop = Shop::new(orders(6));
    let app = pipeline! {
        name "x";
        rows = kafka::text("o") => batch(3, within = "20s");
        rows => second_time => second_time as "again" => keep => heal;
        rows => filter(|rows| !rows.is_empty()) => keep => heal;
    };
    assert_eq!(shop.run(app, &[]).await.unwrap().healed, 6);
    let mut saved = shop.saved.all();
    saved.sort();
    assert_eq!(saved, ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4", "5", "5"]);
}
