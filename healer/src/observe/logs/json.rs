//! A log line as a JSON object.

use std::{
    borrow::Cow,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, de::IgnoredAny};
use serde_json::{Map, Value};
use tracing::{Event, Level};
use tracing_log::NormalizeEvent as _;

use super::{fields::Fields, place::Place};
use crate::observe::{
    Current,
    data::{self, Redact},
};

/// An event and the record that it is about, as one line. `fields` are those of its spans.
pub(super) fn line(
    event: &Event<'_>,
    mut fields: Map<String, Value>,
    current: Option<&Current>,
    redact: Option<Redact>,
) -> serde_json::Result<Vec<u8>> {
    let mut own = Fields::default();
    event.record(&mut own);
    let origin = Origin::take(event, &mut own.values);
    let place = Place::take(&mut own.values, current);
    let msg = message(&origin, &place, &mut own.values, redact)?;
    let mut errors = own.take_errors().map(Value::from);
    fields.extend(own.values);
    if let Some(redact) = redact {
        if let Some(errors) = &mut errors {
            redact("exc_info", errors);
        }
        fields.iter_mut().for_each(|(name, value)| redact(name, value));
    }
    // A clock may stand before 1970, which no text can tell.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();

    let mut line = Line::default();
    line.put("written_at", &humantime::format_rfc3339_millis(UNIX_EPOCH + now).to_string())?;
    line.put("written_ts", &u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))?;
    line.put_json("msg", &msg);
    line.put("type", "log")?;
    line.put("logger", &origin.logger)?;
    line.put("thread", &thread_name())?;
    line.put("level", level(*event.metadata().level()))?;
    line.put("module", &origin.path.as_ref().or(origin.file.as_ref()))?;
    line.put("line_no", &origin.line)?;
    line.put("function_name", &place.function().or_else(|| origin.function()))?;
    line.put("emit_id", &place.emit_id)?;
    line.put_known("topic", place.topic.as_ref())?;
    line.put_known("partition", place.partition.as_ref())?;
    line.put_known("offset", place.offset.as_ref())?;
    line.put_known("stage", place.stage.as_ref())?;
    line.put_known("exc_info", errors.as_ref())?;
    line.put_known("fields", (!fields.is_empty()).then_some(&fields))?;
    Ok(line.end())
}

/// The message as JSON: a text, or the data of a record and the stage that gave it.
fn message(
    origin: &Origin,
    place: &Place,
    own: &mut Map<String, Value>,
    redact: Option<Redact>,
) -> serde_json::Result<String> {
    let data = if origin.logger == data::TARGET { own.remove("data") } else { None };
    let Some(data) = data else {
        let mut text = own.remove("message").unwrap_or_else(|| Value::from(""));
        if let Some(redact) = redact {
            redact("msg", &mut text);
        }
        return serde_json::to_string(&text);
    };
    let is_cut = own.get("cut") == Some(&Value::Bool(true));
    let function = serde_json::to_string(&place.function())?;
    let text = format!(r#"{{"function_name":{function},"data":{}}}"#, data_as_json(&data, is_cut)?);
    let Some(redact) = redact else { return Ok(text) };
    let mut msg: Value = serde_json::from_str(&text)?;
    redact("msg", &mut msg);
    serde_json::to_string(&msg)
}

/// Data that is whole stands there as it is, so that no number loses a digit.
fn data_as_json(data: &Value, is_cut: bool) -> serde_json::Result<String> {
    match data {
        Value::String(text) if !is_cut && serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            // In JSON a line break only ever stands between things.
            Ok(text.replace(['\n', '\r'], " "))
        }
        _ => serde_json::to_string(data),
    }
}

/// Where an event was logged.
struct Origin {
    logger: Cow<'static, str>,
    /// Of the module.
    path: Option<Cow<'static, str>>,
    file: Option<Cow<'static, str>>,
    line: Option<u64>,
}

impl Origin {
    /// Records of the crate `log` tell it by fields, which are taken out.
    fn take(event: &Event<'_>, own: &mut Map<String, Value>) -> Self {
        if !event.is_log() {
            let metadata = event.metadata();
            return Self {
                logger: Cow::from(metadata.target()),
                path: metadata.module_path().map(Cow::from),
                file: metadata.file().map(Cow::from),
                line: metadata.line().map(u64::from),
            };
        }
        let line = own.remove("log.line").and_then(|line| line.as_u64());
        let mut text = |name: &str| -> Option<Cow<'static, str>> {
            match own.remove(name) {
                Some(Value::String(text)) => Some(Cow::Owned(text)),
                _ => None,
            }
        };
        Self {
            logger: text("log.target").unwrap_or(Cow::Borrowed("log")),
            path: text("log.module_path"),
            file: text("log.file"),
            line,
        }
    }

    /// The nearest to a function's name that is known outside of stages.
    fn function(&self) -> Option<&str> {
        self.path.as_deref()?.rsplit("::").next()
    }
}

fn thread_name() -> String {
    let thread = thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned)
}

/// As Python calls it, as far as it has a name there.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// An object in the making; unlike a map it keeps the order.
#[derive(Default)]
struct Line(Vec<u8>);

impl Line {
    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> serde_json::Result<()> {
        self.begin(name);
        serde_json::to_writer(&mut self.0, value)
    }

    fn put_known<T: Serialize>(&mut self, name: &str, value: Option<&T>) -> serde_json::Result<()> {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    fn put_json(&mut self, name: &str, json: &str) {
        self.begin(name);
        self.0.extend_from_slice(json.as_bytes());
    }

    /// All names are ours: there is nothing in them to escape.
    fn begin(&mut self, name: &str) {
        self.0.extend_from_slice(if self.0.is_empty() { b"{\"" } else { b",\"" });
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}
