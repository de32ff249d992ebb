//! JSON, tombstones and the time of a record are passed on unchanged. A value that cannot be passed on so is an error.
#![allow(clippy::needless_pass_by_value, reason = "a stage takes what flows in")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{chain, failed_record, settings};
use healer::testing::{EmbeddedKafka, Received, TestRecord};
use healer::{
    Bytes, Codec, CodecContext, CodecError, Decode, Encode, Error, Part, RawJson, RecordErrorKind, Report,
    Text, dead_letter, prelude::*,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u32,
}

/// Topics `in`, `out` and `dead` of one partition, with these records in the first.
fn filled(records: impl IntoIterator<Item = TestRecord>) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    for topic in ["in", "out", "dead"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    kafka.produce("in", records).unwrap();
    kafka
}

/// Values with the times 1,000, 2,000 and so on.
fn timed(values: &[&str]) -> EmbeddedKafka {
    let record = |(n, value): (i64, &&str)| TestRecord::new().key("k").value(*value).timestamp(1_000 * n);
    filled((1..).zip(values).map(record))
}

async fn run(app: App, kafka: &EmbeddedKafka) -> Result<Report, Error> {
    app.run_until_end(settings(kafka.brokers(), "group").build().unwrap()).await
}

fn texts(records: &[Received]) -> Vec<Option<String>> {
    let text = |value: &Vec<u8>| String::from_utf8(value.clone()).unwrap();
    records.iter().map(|record| record.value.as_ref().map(text)).collect()
}

fn out(kafka: &EmbeddedKafka) -> Vec<Received> {
    kafka.records("out").unwrap()
}

fn times(kafka: &EmbeddedKafka) -> Vec<Option<i64>> {
    out(kafka).iter().map(|record| record.timestamp).collect()
}

const ODD: [&str; 4] = [
    r#"{"total":327267367867168100000,"b":1.5777777777770001,"a":1.50}"#,
    " [1, 2]\n",
    "1e999",
    r#"{"same":1,"same":2}"#,
];

#[tokio::test]
async fn raw_json_is_passed_on_byte_by_byte() {
    let kafka = filled(ODD.map(TestRecord::from));
    let app = pipeline! { name "raw"; kafka::raw_json("in") => kafka::to_json("out") => heal; };
    run(app, &kafka).await.unwrap();
    assert_eq!(texts(&out(&kafka)), ODD.map(|json| Some(json.to_owned())));
}

#[stage(skip = "others")]
fn those_of(json: RawJson) -> Result<Option<RawJson>, CodecError> {
    Ok((json.parse::<Order>()?.id > 1).then_some(json))
}

#[tokio::test]
async fn a_stage_reads_what_it_needs_of_a_raw_text_and_what_is_no_json_is_undecodable() {
    let kafka = filled([r#"{"id":1}"#, r#"{ "id": 2, "more": 1.0 }"#, r#"{"id":3"#].map(TestRecord::from));
    let app = pipeline! {
        name "raw";
        kafka::raw_json("in") => those_of checkpoint => kafka::to_json("out") => heal;
    };
    let error = failed_record(run(app, &kafka).await);
    assert_eq!((error.offset, &error.kind), (2, &RecordErrorKind::Decode));
    assert!(error.to_string().contains("EOF"), "{error}");
    assert_eq!(texts(&out(&kafka)), [Some(r#"{ "id": 2, "more": 1.0 }"#.to_owned())]);
}

#[derive(Serialize, Deserialize)]
struct Enclosed {
    id: u32,
    rest: Box<RawValue>,
}

#[tokio::test]
async fn a_field_that_keeps_its_own_text_still_does() {
    let json = r#"{"id":1,"rest":{"b":327267367867168100000, "a":[1.50]}}"#;
    let kafka = filled([TestRecord::from(json)]);
    let app = pipeline! { name "raw"; kafka::json::<Enclosed>("in") => kafka::to_json("out") => heal; };
    run(app, &kafka).await.unwrap();
    assert_eq!(texts(&out(&kafka)), [Some(json.to_owned())]);
}

#[derive(Serialize)]
struct Speed {
    legs: Vec<Option<f64>>,
}

#[stage]
fn speed(text: String) -> Speed {
    let speed = text.parse::<f64>().unwrap();
    Speed { legs: vec![None, Some(speed)] }
}

#[tokio::test]
async fn a_number_that_json_lacks_is_an_encode_error_at_the_sink_and_follows_its_policy() {
    let kafka = filled(["1.5777777777770001", "NaN", "-inf"].map(TestRecord::from));
    let app =
        pipeline! { name "speeds"; all = kafka::text("in") => speed => kafka::to_json("out"); all => heal; };
    let error = failed_record(run(app, &kafka).await);
    assert_eq!(
        (error.stage.as_str(), error.offset, &error.kind),
        ("all.speed.out", 1, &RecordErrorKind::Encode)
    );
    assert!(error.to_string().contains("JSON has no number for NaN"), "{error}");
    let app = pipeline! {
        name "speeds";
        kafka::text("in") => speed => kafka::to_json("out").on_error(OnError::dead_letter("dead")) => heal;
    };
    let report = run(app, &kafka).await.unwrap();
    assert_eq!(report.dead_lettered, 2);
    assert_eq!(texts(&out(&kafka)), [Some(r#"{"legs":[null,1.5777777777770001]}"#.to_owned())]);
}

#[tokio::test]
async fn a_number_that_json_lacks_is_an_encode_error_at_a_checkpoint() {
    let kafka = filled(["1", "inf"].map(TestRecord::from));
    let app = pipeline! { name "speeds"; all = kafka::text("in") => speed checkpoint; all => heal; };
    let error = failed_record(run(app, &kafka).await);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::Encode));
}

fn orders_and_a_tombstone() -> EmbeddedKafka {
    filled([
        TestRecord::new().key("1").value(r#"{"id":1}"#),
        TestRecord::new().key("1"),
        TestRecord::new().key("2").value("null"),
    ])
}

fn wanted(values: [Option<&str>; 3]) -> Vec<Option<String>> {
    values.map(|value| value.map(str::to_owned)).into()
}

#[tokio::test]
async fn below_a_source_with_tombstones_a_sink_writes_none_as_one() {
    let kafka = orders_and_a_tombstone();
    let app = pipeline! {
        name "orders";
        kafka::json::<Option<Order>>("in").tombstones()
            => map(|order: Option<Option<Order>>| order)
            => kafka::to_json("out")
            => heal;
    };
    run(app, &kafka).await.unwrap();
    // `null` is a value.
    assert_eq!(texts(&out(&kafka)), wanted([Some(r#"{"id":1}"#), None, Some("null")]));
    let keys: Vec<_> = out(&kafka).into_iter().map(|record| record.key.unwrap()).collect();
    assert_eq!(keys, [b"1", b"1", b"2"]);
}

#[tokio::test]
async fn tombstones_pass_ports_branches_stages_and_other_formats() {
    let kafka = filled([TestRecord::new().key("1").value(r#"{"id":1}"#), TestRecord::new().key("1")]);
    kafka.create_topic("more", 1).unwrap();
    kafka.create_topic("copy", 1).unwrap();
    let app = pipeline! {
        name "orders";
        orders = kafka::json::<Order>("in").tombstones()
            => map(|order: Option<Order>| order.map(|order| Order { id: order.id + 1 }));
        more = kafka::json::<Option<Order>>("more");
        all = union(orders, more);
        all => kafka::to_json("out") => heal;
        all => kafka::to_bincode("copy") => heal;
    };
    run(app, &kafka).await.unwrap();
    assert_eq!(texts(&out(&kafka)), [Some(r#"{"id":2}"#.to_owned()), None]);
    let copy = kafka.records("copy").unwrap();
    assert_eq!(copy.iter().map(|record| record.value.is_some()).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn elsewhere_none_is_what_the_codec_makes_of_it() {
    let kafka = filled(["null", r#"{"id":1}"#].map(TestRecord::from));
    let app = pipeline! {
        name "orders"; kafka::json::<Option<Order>>("in") => kafka::to_json("out") => heal;
    };
    run(app, &kafka).await.unwrap();
    assert_eq!(texts(&out(&kafka)), [Some("null".to_owned()), Some(r#"{"id":1}"#.to_owned())]);
}

#[tokio::test]
async fn a_sink_that_is_told_to_writes_none_of_any_format_as_a_tombstone() {
    let kafka = filled([TestRecord::new().key("a").value("x"), TestRecord::new().key("b").value("")]);
    let app = pipeline! {
        name "texts";
        kafka::text("in")
            => map(|text: String| (!text.is_empty()).then_some(text))
            => kafka::to_text("out").tombstones().key(|text, _| Some(text.clone().unwrap_or("none".into()).into()))
            => map(|text: Option<String>| text.map(|_| Order { id: 7 }))
            => kafka::to_json("out").tombstones()
            => heal;
    };
    run(app, &kafka).await.unwrap();
    let mut all = out(&kafka);
    all.sort_by_key(|record| record.key.clone());
    let all: Vec<_> = all.iter().map(|r| (r.key.as_deref().unwrap(), r.value.as_deref())).collect();
    assert_eq!(
        all,
        [(&b"a"[..], Some(&br#"{"id":7}"#[..])), (b"b", None), (b"none", None), (b"x", Some(b"x"))]
    );
}

#[test]
fn what_a_sink_was_told_of_its_values_comes_after_tombstones() {
    let sink = kafka::to_text("out").key(|text: &String, _: &Context| Some(text.clone().into()));
    let stream = kafka::text("in").tombstones().stream("all");
    let config = settings("localhost:1", "group").build().unwrap();
    let error = App::new("late").chain(stream.then(sink.tombstones()).heal()).build(&config).err().unwrap();
    assert!(error.to_string().contains("comes too late"), "{error}");
}

/// Frames text by its length, and keeps the topic, part and header that it was told of.
#[derive(Clone, Default)]
struct Framed(Arc<Mutex<Vec<Asked>>>);

/// Topic, part and the header that a codec was told of.
type Asked = (String, Part, Option<String>);

impl Framed {
    fn note(&self, of: &CodecContext<'_>) {
        let note = of.headers().get("note").map(|note| String::from_utf8_lossy(note).into_owned());
        self.0.lock().unwrap().push((of.topic().to_owned(), of.part(), note));
    }
}

impl Codec for Framed {
    fn format(&self) -> &'static str {
        "framed"
    }
}

impl Decode<String> for Framed {
    fn decode(&self, bytes: &[u8], of: &CodecContext<'_>) -> Result<String, CodecError> {
        self.note(of);
        let [_, text @ ..] = bytes else { return Err(CodecError::new("it has no length")) };
        Text.decode(text, of)
    }
}

impl Encode<String> for Framed {
    fn encode(&self, text: &String, into: &mut Vec<u8>, of: &CodecContext<'_>) -> Result<(), CodecError> {
        self.note(of);
        into.push(u8::try_from(text.len()).map_err(CodecError::new)?);
        Bytes.encode(&text.clone().into_bytes(), into, of)
    }
}

#[tokio::test]
async fn a_codec_of_ones_own_is_told_topic_part_and_headers() {
    let record = TestRecord::new().value("\u{2}ab").header("note", Some("of the record"));
    let kafka = filled([record]);
    let codec = Framed::default();
    let headers = |_: &String, _: &Context| {
        let mut headers = healer::Headers::new();
        headers.push("note", Some("of the sink"));
        headers
    };
    let app = pipeline! {
        name "framed";
        kafka::source(codec.clone(), "in")
            => kafka::sink(codec.clone(), "out").headers(headers)
            => kafka::sink(codec.clone(), "dead").topic(|_| "dead".to_owned())
            => heal;
    };
    run(app, &kafka).await.unwrap();
    let note = |topic: &str, note: &str| (topic.to_owned(), Part::Value, Some(note.to_owned()));
    assert_eq!(
        *codec.0.lock().unwrap(),
        [note("in", "of the record"), note("out", "of the sink"), note("dead", "of the record")]
    );
}

#[tokio::test]
async fn what_a_record_becomes_has_its_time() {
    let kafka = timed(&["a", "b", "c"]);
    let app = pipeline! {
        name "times"; kafka::text("in") => map(|text: String| text.len()) => kafka::to_json("out") => heal;
    };
    run(app, &kafka).await.unwrap();
    assert_eq!(times(&kafka), [1_000, 2_000, 3_000].map(Some));
}

#[stage(batch)]
fn in_pairs(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    // The row of the highest time is not the first of its pair.
    rows.route(
        |text| text < &"c".to_owned(),
        |rows| rows.reduce(|all| all.concat()),
        |rows| rows.reduce(|all| all.concat()),
    )
}

#[tokio::test]
async fn what_several_records_became_has_the_highest_of_their_times() {
    let record = |value: &str, time| TestRecord::new().value(value).timestamp(time);
    let kafka = filled([record("a", 5_000), record("b", 9_000), record("c", 3_000), record("d", 4_000)]);
    let app = pipeline! {
        name "times";
        kafka::text("in")
            => batch(4) => in_pairs
            => map(|rows: Batch<String>| rows.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>())
            => kafka::to_json("out").keyless()
            => heal;
    };
    run(app, &kafka).await.unwrap();
    assert_eq!(texts(&out(&kafka)), [Some(r#"["ab","cd"]"#.to_owned())]);
    assert_eq!(times(&kafka), [Some(9_000)]);
}

#[tokio::test]
async fn a_sink_may_say_another_time() {
    let kafka = timed(&["a"]);
    let before = SystemTime::now();
    let app = pipeline! {
        name "times";
        kafka::text("in")
            => kafka::to_text("out").timestamp(|text: &String, ctx: &Context| {
                ctx.timestamp().map(|time| time + Duration::from_secs(text.len() as u64))
            })
            => kafka::to_text("out").timestamp(kafka::now)
            => kafka::to_text("out").timestamp(|_, _| None)
            => heal;
    };
    run(app, &kafka).await.unwrap();
    let times = times(&kafka);
    assert_eq!((times.len(), times[0]), (3, Some(2_000)));
    for time in &times[1..] {
        let time = UNIX_EPOCH + Duration::from_millis(time.unwrap().try_into().unwrap());
        assert!(time + Duration::from_millis(1) > before && time <= SystemTime::now(), "{time:?}");
    }
}

#[tokio::test]
async fn a_dead_letter_keeps_the_time_of_now() {
    let kafka = timed(&["no order"]);
    let app = pipeline! {
        name "letters";
        kafka::json::<Order>("in").on_error(OnError::dead_letter("dead")) => kafka::to_json("out") => heal;
    };
    run(app, &kafka).await.unwrap();
    let letters = kafka.records("dead").unwrap();
    assert!(letters[0].timestamp.is_some_and(|millis| millis > 1_600_000_000_000), "{letters:?}");
    assert_eq!(letters[0].headers.get(dead_letter::TIMESTAMP), Some(&b"1000"[..]));
}

/// Values of other formats, each with two texts that its error must have: the decoder's words and a hint at the format.
const LOOKS: [(&[u8], &str, &str); 6] = [
    (b"\0\0\0\0\x07\x02\x06foo", "expected value at line 1 column 1", "schema id 7"),
    (b"\xef\xbb\xbf{\"id\":1}", "expected value", "byte order mark"),
    (b"\x1f\x8b\x08\0\0\0\0\0", "expected value", "gzip"),
    (b"\x28\xb5\x2f\xfd\x20\x08", "expected value", "zstd"),
    (b"", "EOF while parsing a value at line 1 column 0", "the value is empty"),
    (b"\xff\xfe{\0\"\0", "expected value", "UTF-16"),
];

#[tokio::test]
async fn an_undecodable_record_says_what_it_looks_like_in_the_error_and_in_its_letter() {
    let kafka = filled(LOOKS.map(|(value, ..)| TestRecord::new().value(value)));
    let app = pipeline! { name "odd"; kafka::json::<Order>("in") => kafka::to_json("out") => heal; };
    let error = failed_record(run(app, &kafka).await);
    let text = error.to_string();
    assert!(text.contains(LOOKS[0].1) && text.contains(LOOKS[0].2), "{text}");
    assert_eq!(text.matches("schema id 7").count(), 1, "said once: {text}");
    let source = std::error::Error::source(&*error).unwrap();
    assert!(source.is::<CodecError>(), "{}", chain(&*error));

    let app = pipeline! {
        name "odd";
        kafka::json::<Order>("in").on_error(OnError::dead_letter("dead")) => kafka::to_json("out") => heal;
    };
    run(app, &kafka).await.unwrap();
    let letters = kafka.records("dead").unwrap();
    assert_eq!(letters.len(), LOOKS.len());
    for (letter, (value, words, look)) in letters.iter().zip(LOOKS) {
        assert_eq!(letter.value.as_deref(), Some(value));
        let error = String::from_utf8_lossy(letter.headers.get(dead_letter::ERROR).unwrap()).into_owned();
        assert!(error.contains(words) && error.contains(look), "{error}");
    }
}

#[tokio::test]
async fn text_and_formats_of_ones_own_say_what_bytes_look_like_as_well() {
    let kafka = filled([TestRecord::new().value(*b"\x1f\x8b\x08\0")]);
    let app = pipeline! { name "text"; kafka::text("in") => heal; };
    assert!(failed_record(run(app, &kafka).await).to_string().contains("gzip"));
    let kafka = filled([TestRecord::new().value("")]);
    let app = pipeline! { name "framed"; kafka::source(Framed::default(), "in") => heal; };
    let error = failed_record(run(app, &kafka).await).to_string();
    assert!(error.contains("it has no length; the value is empty"), "{error}");
}
