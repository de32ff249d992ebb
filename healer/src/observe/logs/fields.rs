//! The fields of events and spans as JSON values.

use std::{error::Error, fmt};

use serde_json::{Map, Number, Value};
use tracing::field::{Field, Visit};

use crate::error::said;

/// The fields that were recorded.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) values: Map<String, Value>,
    /// Which of the values are errors: each with its sources, one a line.
    errors: Vec<&'static str>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.values.insert(name(field).to_owned(), value.into());
    }

    /// Infinities and numbers that are too large are a text in JSON.
    fn put_number(&mut self, field: &Field, number: Option<Number>, value: impl fmt::Display) {
        match number {
            Some(number) => self.put(field, number),
            None => self.put(field, value.to_string()),
        }
    }

    /// Takes the errors out, one below the other. A text called `error` is one as well.
    pub(super) fn take_errors(&mut self) -> Option<String> {
        let mut names = std::mem::take(&mut self.errors);
        if !names.contains(&"error") && self.values.get("error").is_some_and(Value::is_string) {
            names.push("error");
        }
        let taken = names.into_iter().filter_map(|name| match self.values.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        });
        let taken: Vec<_> = taken.collect();
        (!taken.is_empty()).then(|| taken.join("\n"))
    }
}

/// As it was written: `r#type` is called `type`.
fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put_number(field, Number::from_f64(value), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put_number(field, Number::from_i128(value), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put_number(field, Number::from_u128(value), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, said::once(value).join("\n"));
        self.errors.push(name(field));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
