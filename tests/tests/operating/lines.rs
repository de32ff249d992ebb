//! Log lines as a collector reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A line of the log, as one object.
pub type Line = Value;

/// The fields that every line has, be they null.
const ALWAYS: [&str; 11] = [
    "written_at",
    "written_ts",
    "msg",
    "type",
    "logger",
    "thread",
    "level",
    "module",
    "line_no",
    "function_name",
    "emit_id",
];

/// The fields that a line may have besides.
const SOMETIMES: [&str; 6] = ["topic", "partition", "offset", "stage", "exc_info", "fields"];

/// All whole lines of a file. Each must be a line of our log: there must be nothing else.
pub fn read(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(parse).collect()
}

fn parse(text: &str) -> Line {
    let line: Line = serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"));
    let names: BTreeSet<_> = line.as_object().expect(text).keys().map(String::as_str).collect();
    assert!(ALWAYS.iter().all(|name| names.contains(name)), "a field is missing: {text}");
    let known: BTreeSet<_> = ALWAYS.into_iter().chain(SOMETIMES).collect();
    assert!(names.is_subset(&known), "a field that nobody knows: {text}");
    assert_eq!(line["type"], "log", "{text}");
    assert!(line["written_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{text}");
    assert!(line["written_ts"].as_u64().is_some_and(|time| time > 1_600_000_000_000_000_000), "{text}");
    for name in ["logger", "thread", "level"] {
        assert!(line[name].as_str().is_some_and(|said| !said.is_empty()), "{name}: {text}");
    }
    assert!(line["emit_id"].is_null() || line["emit_id"].as_str().is_some_and(|id| id.len() == 36), "{text}");
    line
}

/// Those with this message.
pub fn that_say<'l>(lines: &'l [Line], msg: &str) -> Vec<&'l Line> {
    lines.iter().filter(|line| line["msg"] == msg).collect()
}

/// Those whose message begins so.
pub fn that_begin<'l>(lines: &'l [Line], msg: &str) -> Vec<&'l Line> {
    lines.iter().filter(|line| line["msg"].as_str().is_some_and(|said| said.starts_with(msg))).collect()
}

/// The partition and offset that a line is about.
pub fn place(line: &Line) -> (i64, i64) {
    let number = |name: &str| line[name].as_i64().unwrap_or_else(|| panic!("no {name}: {line}"));
    (number("partition"), number("offset"))
}

pub fn emit_id(line: &Line) -> &str {
    line["emit_id"].as_str().unwrap_or_else(|| panic!("no emit id: {line}"))
}

/// How far the orders of each partition were taken in, from the first on.
pub fn taken(lines: &[Line]) -> BTreeMap<i32, i64> {
    let mut offsets = BTreeMap::<i32, BTreeSet<i64>>::new();
    for (partition, offset) in that_say(lines, "validated").into_iter().map(place) {
        offsets.entry(i32::try_from(partition).unwrap()).or_default().insert(offset);
    }
    offsets
        .into_iter()
        .map(|(partition, offsets)| {
            let end = i64::try_from(offsets.len()).unwrap();
            assert!(offsets.into_iter().eq(0..end), "partition {partition} has gaps");
            (partition, end)
        })
        .collect()
}
