//! JSON lines as they are read back.

mod hooks;

use std::{
    error::Error,
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tracing::subscriber::with_default;
use tracing_log::log;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _, registry};

use super::LogLayer;
use crate::{
    observe::{self, Here, Inside},
    record::Millis,
};

/// The bytes that all clones wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Written {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// A value that cannot be shown.
pub(super) struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

/// This thread works on `flights[3]@41`, until that is dropped.
pub(super) fn inside() -> Inside {
    let topic = Some(observe::topic("flights"));
    let here = Here { topic, partition: 3, offset: 41, timestamp: Millis::NONE, batch: None };
    // A node that nobody knows has no path.
    observe::enter(here, u32::MAX)
}

fn written(work: impl FnOnce()) -> String {
    let written = Written::default();
    with_default(registry().with(LogLayer::json(written.clone())), work);
    written.text()
}

fn read(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn lines(work: impl FnOnce()) -> Vec<Value> {
    read(&written(work))
}

fn names(line: &Value) -> Vec<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_line_has_its_fields_in_their_order() {
    let before = SystemTime::now() - Duration::from_secs(1);
    let inside = inside();
    let emit_id = observe::current().unwrap().emit_id.to_string();
    let (warned, missing) = (line!() + 2, "tea");
    let text = written(|| {
        tracing::warn!(target: "shop", stage = "shop.pour#2", error = "torn", cups = 3, "no {missing}");
    });
    drop(inside);
    let wanted = [
        ("msg", json!("no tea")),
        ("type", json!("log")),
        ("logger", json!("shop")),
        ("thread", json!(thread::current().name().unwrap())),
        ("level", json!("WARNING")),
        ("module", json!("healer::observe::logs::tests")),
        ("line_no", json!(warned)),
        ("function_name", json!("pour")),
        ("emit_id", json!(emit_id)),
        ("topic", json!("flights")),
        ("partition", json!(3)),
        ("offset", json!(41)),
        ("stage", json!("shop.pour#2")),
        ("exc_info", json!("torn")),
        ("fields", json!({"cups": 3})),
    ];
    let line: Value = serde_json::from_str(&text).unwrap();
    for (name, value) in &wanted {
        assert_eq!(&line[name], value, "{name}");
    }
    let in_order = ["written_at", "written_ts"].into_iter().chain(wanted.iter().map(|(name, _)| *name));
    let places: Vec<_> = in_order.map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted() && names(&line).len() == places.len(), "{text}");
    assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");

    let nanos = line["written_ts"].as_u64().unwrap();
    let at = humantime::parse_rfc3339(line["written_at"].as_str().unwrap()).unwrap();
    assert_eq!(at.duration_since(UNIX_EPOCH).unwrap().as_millis(), u128::from(nanos / 1_000_000));
    assert!(at > before && at <= SystemTime::now());
}

#[test]
fn outside_of_a_record_there_is_no_place_and_the_emit_id_is_null() {
    let lines = thread::spawn(|| lines(|| tracing::info!("tea"))).join().unwrap();
    let line = &lines[0];
    assert_eq!((line.get("emit_id"), &line["function_name"]), (Some(&Value::Null), &json!("tests")));
    assert_eq!((names(line).len(), line.get("topic"), line.get("fields")), (11, None, None));
    assert!(line["thread"].as_str().unwrap().starts_with("ThreadId("), "{line}");
}

#[test]
fn levels_have_the_names_of_python() {
    let lines = lines(|| {
        tracing::error!("tea");
        tracing::warn!("tea");
        tracing::info!("tea");
        tracing::debug!("tea");
        tracing::trace!("tea");
    });
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["ERROR", "WARNING", "INFO", "DEBUG", "TRACE"]);
}

#[test]
fn values_stay_what_they_are() {
    let lines = lines(|| {
        let (nan, wide, small) = (f64::NAN, u128::MAX, 7_i128);
        tracing::info!(less = -3, most = u64::MAX, half = 1.5, nan, wide, small, yes = true, r#type = "t");
        tracing::info!(shown = ?Some(1), told = %"line\nbreak", none = None::<u8>, "{{}} \"quoted\"");
    });
    let wide = u128::MAX.to_string();
    let first = json!({
        "less": -3, "most": u64::MAX, "half": 1.5, "nan": "NaN", "wide": wide, "small": 7, "yes": true, "type": "t",
    });
    assert_eq!((&lines[0]["fields"], &lines[0]["msg"]), (&first, &json!("")));
    assert_eq!(lines[1]["fields"], json!({"shown": "Some(1)", "told": "line\nbreak"}));
    assert_eq!(lines[1]["msg"], "{} \"quoted\"");
}

#[test]
fn fields_of_spans_are_there_and_the_nearest_one_counts() {
    let lines = lines(|| {
        let _outer = tracing::info_span!("outer", shop = 7, tea = "green", sugar = true).entered();
        let inner = tracing::info_span!("inner", tea = "black", cups = tracing::field::Empty).entered();
        inner.record("cups", 3);
        tracing::info!(sugar = false, "poured");
        drop(inner);
        tracing::info!("drunk");
    });
    assert_eq!(lines[0]["fields"], json!({"shop": 7, "tea": "black", "cups": 3, "sugar": false}));
    assert_eq!(lines[1]["fields"], json!({"shop": 7, "tea": "green", "sugar": true}));
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Broken {
    text: &'static str,
    source: Option<Box<Broken>>,
}

#[test]
fn an_error_is_told_with_its_sources_and_only_then() {
    let cause = |text, source: Option<Broken>| Broken { text, source: source.map(Box::new) };
    let error = cause("no tea", Some(cause("no water", Some(cause("a pipe burst", None)))));
    let lines = lines(|| {
        tracing::error!(error = &error as &dyn Error, "closed");
        tracing::error!(why = &error as &dyn Error, error = %"and tired", "closed");
        tracing::error!(error = 7, "no text is no error");
        tracing::error!("no error");
    });
    let chain = "no tea\nno water\na pipe burst";
    assert_eq!((&lines[0]["exc_info"], lines[0].get("fields")), (&json!(chain), None));
    assert_eq!(lines[1]["exc_info"], format!("{chain}\nand tired"));
    assert_eq!((lines[2].get("exc_info"), &lines[2]["fields"]), (None, &json!({"error": 7})));
    assert_eq!(lines[3].get("exc_info"), None);
}

#[test]
fn what_an_event_says_of_a_record_comes_before_the_record_that_is_worked_on() {
    let lines = lines(|| {
        let _inside = inside();
        tracing::warn!(partition = %"planes[9]", offset = 7, "stands still");
    });
    let line = &lines[0];
    assert_eq!((&line["partition"], &line["offset"]), (&json!("planes[9]"), &json!(7)));
    assert_eq!((&line["topic"], line.get("fields")), (&json!("flights"), None));
}

#[test]
fn records_of_the_crate_log_tell_where_they_were_logged() {
    let lines = lines(|| {
        let _inside = inside();
        let news = "news";
        let mut record = log::Record::builder();
        record.level(log::Level::Warn).target("paper").module_path(Some("paper::front"));
        record.file(Some("front.rs")).line(Some(12));
        tracing_log::format_trace(&record.args(format_args!("old {news}")).build()).unwrap();
    });
    let line = &lines[0];
    let said = (&line["msg"], &line["level"], &line["logger"]);
    assert_eq!(said, (&json!("old news"), &json!("WARNING"), &json!("paper")));
    let origin = (&line["module"], &line["line_no"], &line["function_name"]);
    assert_eq!(origin, (&json!("paper::front"), &json!(12), &json!("front")));
    assert_eq!((&line["offset"], line.get("fields")), (&json!(41), None));
}
