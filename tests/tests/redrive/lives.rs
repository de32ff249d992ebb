//! The origin of a record that was sent back: place, time and identity of its first life.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use healer::dead_letter;
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

use super::common::{Seen, settings, until};
use super::{DEAD, all, buried, bury, header, run, values};

#[stage(on_error = dead_letter("dead"))]
fn never(
    line: &String,
    ctx: &Context,
    #[state] seen: &Arc<Seen<(String, String, Option<i64>)>>,
) -> Result<String, String> {
    let origin = ctx.origin();
    seen.add((origin.to_string(), origin.emit_id().to_string(), origin.timestamp_millis()));
    Err(format!("{line} never goes"))
}

#[tokio::test]
async fn place_time_and_identity_of_the_first_life_stay_through_all_lives() {
    let kafka = buried(&["bad 0", "bad 1"]).await;
    let first = kafka.records(DEAD).unwrap();
    let seen = Arc::<Seen<(String, String, Option<i64>)>>::default();
    for life in 2..=4 {
        assert_eq!(run(&kafka, all()).await.sent, 2);
        let app = pipeline! { name "p"; lines = kafka::text("in") => never; lines => heal; };
        let app = app.with(Arc::clone(&seen));
        app.run_until_end(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap();
        let letters = kafka.records(DEAD).unwrap().split_off(2 * (life - 1));
        for (n, (letter, first)) in letters.iter().zip(&first).enumerate() {
            let id = header(first, dead_letter::EMIT_ID).unwrap();
            assert_eq!(header(letter, dead_letter::EMIT_ID), Some(id), "life {life}");
            assert_eq!(header(letter, dead_letter::TIMESTAMP), header(first, dead_letter::TIMESTAMP));
            assert_eq!(header(letter, dead_letter::ORIGIN), Some(&*format!("in[0]@{n}")));
            let offset = (2 * (life - 1) + n).to_string();
            assert_eq!(header(letter, dead_letter::OFFSET), Some(&*offset), "where it was read in this life");
        }
        let ids = first.iter().map(|letter| header(letter, dead_letter::EMIT_ID).unwrap().to_owned());
        let wanted = (0..).zip(ids).map(|(n, id)| (format!("in[0]@{n}"), id, Some(1_000 + n)));
        assert_eq!(seen.take(), wanted.collect::<Vec<_>>(), "life {life}");
    }
}

#[stage(batch)]
fn save(rows: &Batch<String>, #[state] table: &Arc<Seen<String>>) {
    for (ctx, _) in rows {
        table.add(ctx.origin().to_string());
    }
}

#[stage(on_error = dead_letter("dead"))]
fn picky(line: String, ctx: &Context) -> Result<String, String> {
    // It was mended before the record came back.
    if ctx.offset() == 0 { Err(format!("{line} is not good")) } else { Ok(line) }
}

#[tokio::test]
async fn a_record_that_was_healed_on_one_way_and_came_back_for_another_is_one_row_by_its_origin() {
    let kafka = EmbeddedKafka::start().unwrap();
    for topic in ["in", DEAD] {
        kafka.create_topic(topic, 1).unwrap();
    }
    kafka.produce("in", ["once"].map(|line| TestRecord::new().value(line))).unwrap();
    let table = Arc::<Seen<String>>::default();
    for round in 1..=2 {
        let app = pipeline! {
            name "ways";
            lines = kafka::text("in");
            lines => batch(10, within = "10ms") => save => heal;
            lines => picky => heal;
        };
        let app = app.with(Arc::clone(&table));
        app.run_until_end(settings(kafka.brokers(), "ways").build().unwrap()).await.unwrap();
        assert_eq!(run(&kafka, all()).await.sent, u64::from(round == 1));
    }
    assert_eq!(table.take(), ["in[0]@0", "in[0]@0"], "written twice under one key");
}

#[stage]
fn tell(line: &String, ctx: &Context) -> String {
    format!("{line} {}", ctx.origin())
}

#[tokio::test]
async fn what_a_stranger_says_of_an_earlier_life_is_not_believed_of_a_first_one() {
    let kafka = EmbeddedKafka::start().unwrap();
    for topic in ["in", "out", DEAD] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let forged = |line: &str| {
        let record = TestRecord::new().value(line).timestamp(1_000);
        let record = record.header(dead_letter::ORIGIN, Some("in[0]@77"));
        record.header(dead_letter::TIMESTAMP, Some("5")).header("own", Some("mine"))
    };
    kafka.produce("in", [forged("good"), forged("bad")]).unwrap();
    let told = pipeline! {
        name "t"; lines = kafka::text("in") => tell; lines => kafka::to_text("out") => heal;
    };
    told.run_until_end(settings(kafka.brokers(), "told").build().unwrap()).await.unwrap();
    let written = kafka.records("out").unwrap();
    assert_eq!(values(&written, 0), ["good in[0]@0", "bad in[0]@1"]);
    let names: Vec<_> = written[0].headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["own"], "what is said of lives is not passed on");
    bury(&kafka).await;
    assert_eq!(header(&kafka.records(DEAD).unwrap()[0], dead_letter::TIMESTAMP), Some("1000"));
    assert_eq!(run(&kafka, all()).await.sent, 1);
    assert_eq!(header(&kafka.records("in").unwrap()[2], dead_letter::ORIGIN), Some("in[0]@1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_with_its_future_and_the_next_one_sends_each_letter_once() {
    let lines: Vec<_> = (0..20).map(|n| format!("bad {n}")).collect();
    let kafka = buried(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let asked = Arc::<AtomicUsize>::default();
    let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, held_up) = std::sync::mpsc::channel::<()>();
    let counted = Arc::clone(&asked);
    let redrive = all().filter(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) == 2 {
            began.send(()).unwrap();
            held_up.recv().unwrap();
        }
        true
    });
    let config = settings(kafka.brokers(), "group").build().unwrap();
    let running = tokio::spawn(async move { redrive.run(&config).await });
    begins.recv().await.unwrap();
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    // The filter is dropped when the run is over.
    until("the run ends", || Arc::strong_count(&asked) == 1).await;
    // Two at most, if they came alone; those that were asked about together with the third were not sent.
    let sent = kafka.records("in").unwrap().len() - 20;
    assert!(asked.load(Ordering::SeqCst) == 3 && sent <= 2, "{sent} were sent");
    assert_eq!(run(&kafka, all()).await.sent, 20 - sent as u64);
    assert_eq!(values(&kafka.records("in").unwrap(), 20), lines);
}
