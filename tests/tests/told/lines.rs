//! All that is logged in this process, field by field. The engine logs on threads of its own, so all tests have one list; a line is
//! found by the topic or stage that is in it.

use std::fmt;
use std::sync::{LazyLock, Mutex};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, registry};

#[derive(Clone, Debug)]
pub struct Line {
    pub level: Level,
    pub message: String,
    pub fields: Map<String, Value>,
}

impl Line {
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {field}: {self:?}"))
    }

    pub fn number(&self, field: &str) -> i64 {
        self.fields
            .get(field)
            .and_then(Value::as_i64)
            .unwrap_or_else(|| panic!("no number {field}: {self:?}"))
    }

    /// Which record it is about.
    pub fn place(&self) -> (&str, i64, i64, &str) {
        (self.text("topic"), self.number("partition"), self.number("offset"), self.text("stage"))
    }
}

static LINES: LazyLock<Mutex<Vec<Line>>> = LazyLock::new(Mutex::default);

/// From now on lines are kept.
pub fn listen() {
    static LISTENS: LazyLock<()> = LazyLock::new(|| {
        tracing::subscriber::set_global_default(registry().with(Keep)).expect("it is the only one");
    });
    LazyLock::force(&LISTENS);
}

/// All lines of healer.
pub fn all() -> Vec<Line> {
    LINES.lock().unwrap().clone()
}

/// Those about a topic.
pub fn of_topic(topic: &str) -> Vec<Line> {
    all().into_iter().filter(|line| line.fields.get("topic").is_some_and(|said| said == topic)).collect()
}

/// Those about a topic that say this.
pub fn that_say(topic: &str, words: &str) -> Vec<Line> {
    of_topic(topic).into_iter().filter(|line| line.message.contains(words)).collect()
}

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        if !target.starts_with("healer") {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = match fields.0.remove("message") {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let level = *event.metadata().level();
        LINES.lock().unwrap().push(Line { level, message, fields: fields.0 });
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
