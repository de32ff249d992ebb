//! Records that no program expects: each is a typed error or a counted skip, and none is lost.

use std::{error::Error as _, sync::Arc};

use crate::common::{Seen, chain, failed_record, settings};
use healer::testing::{EmbeddedKafka, TestRecord};
use healer::{OnError, RecordErrorKind, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    id: u32,
}

fn config(kafka: &EmbeddedKafka) -> Config {
    settings(kafka.brokers(), "group").build().unwrap()
}

/// Topics `in` and `out` of one partition, with these values in the first.
fn filled<V: Into<Vec<u8>>>(values: impl IntoIterator<Item = Option<V>>) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic("out", 1).unwrap();
    let records = values.into_iter().map(|value| (Some("key"), value));
    kafka.produce("in", records).unwrap();
    kafka
}

fn committed(kafka: &EmbeddedKafka) -> Option<i64> {
    kafka.committed("group", "in").unwrap().get(&0).copied()
}

#[tokio::test]
async fn undecodable_json_stops_with_the_place_and_the_reason() {
    let kafka = filled([r#"{"id":1}"#, r#"{"id":2}"#, r#"{"id":"#, r#"{"id":4}"#].map(Some));
    let app = || pipeline! { name "json"; flights = kafka::json::<Flight>("in") => kafka::to_json("out"); flights => heal; };
    for run in 0..2 {
        let error = failed_record(app().run_until_end(config(&kafka)).await);
        assert_eq!(
            (error.stage.as_str(), error.topic.as_str(), error.partition, error.offset),
            ("flights", "in", 0, 2),
            "run {run}"
        );
        assert_eq!(error.kind, RecordErrorKind::Decode);
        let text = chain(&*error);
        assert!(text.contains("in[0]@2") && text.contains("`flights`"), "{text}");
        assert!(text.contains("EOF") && text.contains("line 1"), "the decoder's own words: {text}");
        assert!(text.contains("on_error"), "what to do: {text}");
        assert!(error.source().is_some(), "{text}");
        // A restart begins with the record that could not be read, and the records before it are not done twice.
        assert_eq!(committed(&kafka), Some(2));
        assert_eq!(kafka.records("out").unwrap().len(), 2);
    }
}

#[tokio::test]
async fn undecodable_json_is_skipped_and_counted_where_the_source_says_so() {
    let kafka = filled([Some(r#"{"id":1}"#), Some("?"), None, Some(""), Some(r#"{"id":5}"#)]);
    let app = pipeline! {
        name "json";
        flights = kafka::json::<Flight>("in").on_error(OnError::Skip) => kafka::to_json("out");
        flights => heal;
    };
    let report = app.run_until_end(config(&kafka)).await.unwrap();
    assert_eq!((report.records, report.healed, report.lag), (5, 2, Some(0)));
    let wanted = [("tombstone".to_owned(), 1), ("undecodable".to_owned(), 2)];
    assert_eq!(report.skipped, wanted.into());
    assert_eq!(committed(&kafka), Some(5));
}

#[tokio::test]
async fn a_tombstone_is_a_counted_skip() {
    let kafka = filled([None, Some(r#"{"id":1}"#), None]);
    let app = pipeline! { name "json"; flights = kafka::json::<Flight>("in") => kafka::to_json("out"); flights => heal; };
    let report = app.run_until_end(config(&kafka)).await.unwrap();
    assert_eq!((report.records, report.healed, report.lag), (3, 1, Some(0)));
    assert_eq!(report.skipped, [("tombstone".to_owned(), 2)].into());
}

type Flights = Arc<Seen<Option<Flight>>>;

#[stage]
fn note(flight: Option<Flight>, #[state] seen: &Flights) -> u32 {
    let id = flight.as_ref().map_or(0, |flight| flight.id);
    seen.add(flight);
    id
}

#[tokio::test]
async fn a_tombstone_is_none_where_the_source_asks_for_it() {
    let kafka = filled([None, Some(r#"{"id":1}"#), None]);
    let seen = Flights::default();
    let app = pipeline! {
        name "json";
        flights = kafka::json::<Flight>("in").tombstones() => note;
        flights => heal;
    };
    let app = app.with(Arc::clone(&seen));
    let report = app.run_until_end(config(&kafka)).await.unwrap();
    assert_eq!((report.records, report.healed, report.skipped.len()), (3, 3, 0));
    assert_eq!(seen.take(), [None, Some(Flight { id: 1 }), None]);
}

#[tokio::test]
async fn an_empty_value_is_no_tombstone() {
    let kafka = filled([Some("")]);
    let text = pipeline! { name "text"; kafka::text("in") => kafka::to_text("out") => heal; };
    let report = text.run_until_end(config(&kafka)).await.unwrap();
    assert_eq!((report.records, report.healed), (1, 1));

    let bytes =
        pipeline! { name "bytes"; kafka::bytes("in").tombstones() => filter(Option::is_some) => heal; };
    let config_of = |group| settings(kafka.brokers(), group).build().unwrap();
    let report = bytes.run_until_end(config_of("bytes")).await.unwrap();
    assert_eq!((report.records, report.healed), (1, 1));
    let written = kafka.records("out").unwrap();
    assert_eq!(written[0].value.as_deref(), Some(&b""[..]), "it leaves as it came");

    let json = pipeline! { name "json"; kafka::json::<Flight>("in").tombstones() => heal; };
    let error = failed_record(json.run_until_end(config_of("json")).await);
    assert_eq!((error.offset, &error.kind), (0, &RecordErrorKind::Decode));
    assert!(kafka.committed("json", "in").unwrap().get(&0).is_none_or(|offset| *offset == 0));
}

#[tokio::test]
async fn text_that_is_not_utf8_is_undecodable_as_text_and_fine_as_bytes() {
    let kafka = filled([Some(vec![0xff, 0x00, 0xfe])]);
    let text = pipeline! { name "text"; kafka::text("in") => heal; };
    let error = failed_record(text.run_until_end(config(&kafka)).await);
    assert_eq!(error.kind, RecordErrorKind::Decode);
    let bytes = pipeline! { name "bytes"; kafka::bytes("in") => kafka::to_bytes("out") => heal; };
    bytes.run_until_end(config(&kafka)).await.unwrap();
    assert_eq!(kafka.records("out").unwrap()[0].value.as_deref(), Some(&[0xff, 0x00, 0xfe][..]));
}

#[derive(Clone, Debug, Default)]
struct Counted {
    headers: usize,
    last: Option<Vec<u8>>,
}

#[stage]
fn look(value: Vec<u8>, ctx: &Context, #[state] seen: &Arc<Seen<Counted>>) -> Vec<u8> {
    let last = ctx.headers().iter().last();
    seen.add(Counted {
        headers: ctx.headers().len(),
        last: last.and_then(|(_, value)| value.map(<[u8]>::to_vec)),
    });
    value
}

#[tokio::test]
async fn a_thousand_headers_and_values_that_are_no_text_go_through() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic("out", 1).unwrap();
    let header = |record: TestRecord, n: u32| record.header(format!("h{}", n % 10), Some(vec![0xff, 0xfe]));
    let record = (0..1_000).fold(TestRecord::new().value("v"), header);
    kafka.produce("in", [record]).unwrap();
    let seen = Arc::<Seen<Counted>>::default();
    let app = pipeline! {
        name "headers";
        values = kafka::bytes("in") => look;
        values => kafka::to_bytes("out") => heal;
    };
    let app = app.with(Arc::clone(&seen));
    let report = app.run_until_end(config(&kafka)).await.unwrap();
    assert_eq!((report.healed, report.lag), (1, Some(0)));
    let seen = seen.take();
    assert_eq!((seen[0].headers, seen[0].last.as_deref()), (1_000, Some(&[0xff, 0xfe][..])));
    let (sent, written) = (kafka.records("in").unwrap(), kafka.records("out").unwrap());
    assert_eq!(written[0].headers, sent[0].headers);
}
