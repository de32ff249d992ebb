//! Panics whose payload panics once more when it is dropped: the record fails, and nothing waits for an answer that never comes.

use std::{error::Error as _, fmt, panic::panic_any};

use healer::{Codec, CodecContext, CodecError, Decode, Encode, OnError, dead_letter};

use super::*;

/// A payload that panics when it is dropped.
struct Twice;

impl Drop for Twice {
    fn drop(&mut self) {
        panic!("the payload is dropped");
    }
}

fn not_seven(n: usize) -> usize {
    if n == 7 {
        panic_any(Twice);
    }
    n
}

#[stage]
fn fused(n: usize) -> usize {
    not_seven(n)
}

#[stage(retry(2, backoff = "1ms"))]
fn fused_again(n: &usize) -> usize {
    not_seven(*n)
}

#[stage]
async fn later(n: usize) -> usize {
    tokio::task::yield_now().await;
    not_seven(n)
}

#[stage(retry(2, backoff = "1ms"))]
async fn later_again(n: &usize) -> usize {
    tokio::task::yield_now().await;
    not_seven(*n)
}

#[stage(blocking)]
fn on_a_thread(n: usize) -> usize {
    not_seven(n)
}

#[stage(blocking, retry(2, backoff = "1ms"))]
fn on_a_thread_again(n: &usize) -> usize {
    not_seven(*n)
}

#[stage(parallel = 4, order = partition)]
async fn overlapping(n: usize) -> usize {
    tokio::task::yield_now().await;
    not_seven(n)
}

#[stage(parallel = 4, order = partition)]
fn overlapping_on_threads(n: usize) -> usize {
    not_seven(n)
}

#[stage(flat)]
fn flat(n: usize) -> impl Iterator<Item = usize> {
    (0..2).map(move |_| not_seven(n))
}

#[stage(flat)]
async fn flat_later(n: usize) -> Vec<usize> {
    tokio::task::yield_now().await;
    vec![not_seven(n)]
}

/// Each kind of node, with the name that its error must give.
fn kinds() -> Vec<(&'static str, App)> {
    let source = || kafka::text("t").stream("in").then(parse::stage());
    let app = || App::new("a");
    vec![
        ("fused", app().chain(source().then(fused::stage()).heal())),
        ("fused_again", app().chain(source().then(fused_again::stage()).heal())),
        ("later", app().chain(source().then(later::stage()).heal())),
        ("later_again", app().chain(source().then(later_again::stage()).heal())),
        ("on_a_thread", app().chain(source().then(on_a_thread::stage()).heal())),
        ("on_a_thread_again", app().chain(source().then(on_a_thread_again::stage()).heal())),
        ("overlapping", app().chain(source().then(overlapping::stage()).heal())),
        ("overlapping_on_threads", app().chain(source().then(overlapping_on_threads::stage()).heal())),
        ("flat", app().chain(source().then(flat::stage()).heal())),
        ("flat", app().chain(source().then(flat::stage()).then(rest::stage()).heal())),
        ("flat_later", app().chain(source().then(flat_later::stage()).heal())),
        ("map", app().chain(source().map(not_seven).heal())),
        ("rest.map", app().chain(source().then(rest::stage()).map(not_seven).heal())),
        ("try_map", app().chain(source().try_map(|n| Ok::<_, String>(not_seven(n))).heal())),
        ("filter", app().chain(source().filter(|n| not_seven(*n) < 100).reason("large").heal())),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_kind_of_node_such_a_panic_is_a_failure_of_its_record() {
    let kafka = numbers(20);
    for (number, (name, app)) in kinds().into_iter().enumerate() {
        let group = format!("g{number}");
        let config = builder(&kafka).group(group.as_str()).build().expect("right");
        let error = net(app.run_until_end(config)).await.expect_err("it stops");
        let Error::Record(error) = error else { panic!("{name}: {error}") };
        assert!(is_panic(&error, "no text"), "{name}: {error}");
        assert_eq!((error.stage.as_str(), error.offset), (format!("in.parse.{name}").as_str(), 7));
        let committed = kafka.committed(&group, "t").expect("commits");
        assert_eq!(committed.get(&0).copied(), Some(7), "{name}");
    }
}

#[stage(batch, split, on_error = skip)]
fn batch(rows: &Batch<usize>) {
    assert!(rows.iter().all(|(_, n)| not_seven(*n) < 100));
}

#[stage(batch, split, on_error = skip)]
async fn batch_later(rows: &Batch<usize>) {
    tokio::task::yield_now().await;
    assert!(rows.iter().all(|(_, n)| not_seven(*n) < 100));
}

#[stage(batch, split, on_error = skip)]
fn own_batch(rows: BatchMut<'_, usize>) -> BatchMut<'_, usize> {
    rows.map(not_seven)
}

#[stage(batch, split, on_error = skip)]
async fn own_batch_later(rows: BatchMut<'_, usize>) -> BatchMut<'_, usize> {
    tokio::task::yield_now().await;
    rows.map(not_seven)
}

/// Its clone panics so.
struct Odd(usize);

impl Clone for Odd {
    fn clone(&self) -> Self {
        Self(not_seven(self.0))
    }
}

#[stage(batch, retry(2, backoff = "1ms"))]
fn of_copies(rows: BatchMut<'_, Odd>) -> BatchMut<'_, Odd> {
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_kind_of_batch_stage_such_a_panic_is_a_failure_of_its_rows() {
    let kafka = numbers(20);
    let rows = || kafka::text("t").stream("in").then(parse::stage()).batch(5).within("50ms");
    let apps = [
        App::new("a").chain(rows().then(batch::stage()).heal()),
        App::new("a").chain(rows().then(batch_later::stage()).heal()),
        App::new("a").chain(rows().then(own_batch::stage()).heal()),
        App::new("a").chain(rows().then(own_batch_later::stage()).heal()),
    ];
    for (number, app) in apps.into_iter().enumerate() {
        let config = builder(&kafka).group(format!("g{number}")).build().expect("right");
        let report = net(app.run_until_end(config)).await.expect("the others are done");
        assert_eq!((report.healed, report.skipped.get("failed")), (19, Some(&1)), "{number}");
    }
    let odd = kafka::text("t").stream("in").map(|text: String| Odd(number(&text)));
    let app = App::new("a").chain(odd.batch(5).within("50ms").then(of_copies::stage()).heal());
    let error = fails(app, &kafka).await;
    assert!(is_panic(&error, "no text") && !error.rows.is_empty(), "{error}");
}

/// Reads and writes numbers; which of both panics is its field.
struct Picky {
    reads: bool,
}

impl Codec for Picky {
    fn format(&self) -> &'static str {
        "picky"
    }
}

impl Decode<usize> for Picky {
    fn decode(&self, bytes: &[u8], _: &CodecContext<'_>) -> Result<usize, CodecError> {
        let n = number(std::str::from_utf8(bytes).map_err(CodecError::new)?);
        Ok(if self.reads { not_seven(n) } else { n })
    }
}

impl Encode<usize> for Picky {
    fn encode(&self, n: &usize, into: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<(), CodecError> {
        into.extend_from_slice(not_seven(*n).to_string().as_bytes());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_codecs_and_closures_of_sinks_such_a_panic_is_a_failure_of_its_record() {
    let kafka = numbers(20);
    kafka.create_topic("out", 1).expect("a topic");
    let source = |reads| kafka::source(Picky { reads }, "t").stream("in");
    let keyed = kafka::to_text("out").key(|n: &String, _: &Context| {
        not_seven(number(n));
        None
    });
    let apps = [
        App::new("a").chain(source(true).heal()),
        App::new("a").chain(source(false).then(kafka::sink(Picky { reads: false }, "out")).heal()),
        App::new("a").chain(kafka::text("t").stream("in").then(keyed).heal()),
    ];
    for (number, app) in apps.into_iter().enumerate() {
        let config = builder(&kafka).group(format!("g{number}")).build().expect("right");
        let error = net(app.run_until_end(config)).await.expect_err("it stops");
        let Error::Record(error) = error else { panic!("{number}: {error}") };
        assert!(is_panic(&error, "no text") && error.offset == 7, "{number}: {error}");
    }
}

/// An error that cannot be asked: `Display` and `source` panic so.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it begins well")?;
        panic_any(Twice)
    }
}

impl std::error::Error for Unspeakable {}

/// An error that is its own source.
#[derive(Debug)]
struct Ouroboros;

impl fmt::Display for Ouroboros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it bites itself")
    }
}

impl std::error::Error for Ouroboros {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the order was not charged")]
struct NotCharged(#[source] Unreachable);

#[derive(Debug, thiserror::Error)]
#[error("the bank is away: {0}")]
struct Unreachable(#[source] std::io::Error);

fn refused(n: usize) -> Result<usize, healer::BoxError> {
    match n {
        5 => Err(Box::new(NotCharged(Unreachable(std::io::Error::other("no route"))))),
        6 => Err(Box::new(Ouroboros)),
        7 => Err(Box::new(Unspeakable)),
        _ => Ok(n),
    }
}

#[stage]
fn refusing(n: usize) -> Result<usize, healer::BoxError> {
    refused(n)
}

#[stage]
async fn refusing_later(n: usize) -> Result<usize, healer::BoxError> {
    tokio::task::yield_now().await;
    refused(n)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_error_says_is_told_once_and_cut_off_wherever_it_goes() {
    let kafka = numbers(20);
    kafka.create_topic("dead", 1).expect("a topic");
    let source = || kafka::text("t").stream("in").then(parse::stage());
    let apps = || {
        [
            App::new("a").chain(source().then(refusing::stage()).heal()),
            App::new("a").chain(source().then(refusing_later::stage()).heal()),
        ]
    };
    for (number, app) in apps().into_iter().enumerate() {
        let config = builder(&kafka).group(format!("dead {number}")).build().expect("right");
        let report = net(app.on_error(OnError::dead_letter("dead")).run_until_end(config))
            .await
            .expect("they are put aside");
        assert_eq!((report.healed, report.dead_lettered), (17, 3));
    }
    let said: Vec<_> = kafka
        .records("dead")
        .expect("letters")
        .iter()
        .map(|letter| {
            String::from_utf8(letter.headers.get(dead_letter::ERROR).unwrap_or_default().to_vec())
                .expect("text")
        })
        .collect();
    let wanted = [
        "the order was not charged: the bank is away: no route",
        "it bites itself",
        "an error whose `Display` or `source` panics",
    ];
    assert_eq!(said, [wanted, wanted].concat());
    for (number, app) in apps().into_iter().enumerate() {
        let config = builder(&kafka).group(format!("skip {number}")).build().expect("right");
        let report = net(app.on_error(OnError::Skip).run_until_end(config)).await.expect("they are skipped");
        assert_eq!((report.healed, report.skipped.get("failed")), (17, Some(&3)));
    }
}

#[tokio::test]
async fn the_error_of_a_pipeline_says_its_causes_once() {
    for (bad, words) in [
        (5, "the order was not charged: the bank is away: no route"),
        (6, "it bites itself"),
        (7, "an error whose `Display` or `source` panics"),
    ] {
        let kafka = numbers(20);
        let chain = kafka::text("t")
            .stream("in")
            .then(parse::stage())
            .filter(move |n| *n >= bad)
            .reason("before")
            .then(refusing::stage());
        let error =
            net(App::new("a").chain(chain.heal()).run_until_end(config(&kafka))).await.expect_err("it stops");
        let whole = format!(
            "record t[0]@{bad} failed at `in.parse.filter.refusing`: {words}; its offset is not committed"
        );
        assert_eq!(error.to_string(), whole);
        let Error::Record(error) = error else { panic!("{error}") };
        assert_eq!(error.source().is_some_and(<dyn std::error::Error>::is::<NotCharged>), bad == 5);
    }
}

/// An error that panics when it is dropped.
#[derive(Debug)]
struct Clingy;

impl fmt::Display for Clingy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it does not let go")
    }
}

impl std::error::Error for Clingy {}

impl Drop for Clingy {
    fn drop(&mut self) {
        panic_any(Twice)
    }
}

#[stage]
fn clingy(n: usize) -> Result<usize, Clingy> {
    if n == 7 { Err(Clingy) } else { Ok(n) }
}

#[stage(retry(3, backoff = "1ms"))]
async fn clingy_later(n: &usize) -> Result<usize, Clingy> {
    tokio::task::yield_now().await;
    if *n == 7 { Err(Clingy) } else { Ok(*n) }
}

#[stage(batch, split, retry(2, backoff = "1ms"))]
async fn clingy_in_batches(rows: &Batch<usize>) -> Result<(), Clingy> {
    if rows.iter().any(|(_, n)| *n == 7) { Err(Clingy) } else { Ok(()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_panics_when_it_is_dropped_fails_its_record_alone() {
    let kafka = numbers(20);
    kafka.create_topic("dead", 1).expect("a topic");
    let source = || kafka::text("t").stream("in").then(parse::stage());
    let apps = || {
        [
            App::new("a").chain(source().then(clingy::stage()).heal()),
            App::new("a").chain(source().then(clingy_later::stage()).heal()),
        ]
    };
    for (number, app) in apps().into_iter().enumerate() {
        let config = builder(&kafka).group(format!("skip {number}")).build().expect("right");
        let report = net(app.on_error(OnError::Skip).run_until_end(config)).await.expect("it is skipped");
        assert_eq!((report.healed, report.skipped.get("failed")), (19, Some(&1)));
    }
    for (number, app) in apps().into_iter().enumerate() {
        let config = builder(&kafka).group(format!("dead {number}")).build().expect("right");
        let app = app.on_error(OnError::dead_letter("dead"));
        let report = net(app.run_until_end(config)).await.expect("it is put aside");
        assert_eq!((report.healed, report.dead_lettered), (19, 1));
    }
    let rows = source().batch(5).within("50ms").then(clingy_in_batches::stage()).heal();
    let app = App::new("a").on_error(OnError::Skip).chain(rows);
    let report = net(app.run_until_end(config(&kafka))).await.expect("it is skipped");
    assert_eq!((report.healed, report.skipped.get("failed")), (19, Some(&1)));
}
