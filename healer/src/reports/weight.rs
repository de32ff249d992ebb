//! How much memory a report takes, about.

use serde_json::Value;

use super::{FailureReport, RawRecord, RowReport};

impl FailureReport {
    /// In bytes.
    pub(super) fn weight(&self) -> usize {
        let texts = [&self.healer, &self.pipeline, &self.stage, &self.path, &self.written_at, &self.topic];
        let texts: usize = texts.into_iter().chain(&self.error).map(String::len).sum();
        let panic = self
            .panic
            .as_ref()
            .map_or(0, |panic| panic.message.len() + panic.backtrace.as_ref().map_or(0, String::len));
        let rows: usize = self.rows.iter().map(RowReport::weight).sum();
        let record = self.record.as_ref().map_or(0, RawRecord::weight);
        let input = self.input.as_ref().map_or(0, of_json);
        size_of::<Self>() + texts + panic + rows + record + input
    }
}

impl RowReport {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.topic.len() + self.record.as_ref().map_or(0, RawRecord::weight)
    }
}

impl RawRecord {
    fn weight(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + of(value.as_ref()));
        let places = self.headers.len() * size_of::<(String, Option<Vec<u8>>)>();
        of(self.key.as_ref()) + of(self.value.as_ref()) + headers.sum::<usize>() + places
    }
}

fn of(bytes: Option<&Vec<u8>>) -> usize {
    bytes.map_or(0, Vec::len)
}

fn of_json(value: &Value) -> usize {
    let below: usize = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(of_json).sum(),
        Value::Object(map) => map.iter().map(|(name, value)| name.len() + of_json(value)).sum(),
    };
    size_of::<Value>() + below
}
