//! Where a record was in its first life.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use uuid::Uuid;

use crate::dead_letter::names::{ORIGIN, TIMESTAMP, redrives};
use crate::record::{Headers, emit_id};

/// Where a record was read first, before it was sent back after a dead letter: see [`Context::origin`](super::Context::origin).
///
/// It stays the same however often the record fails and is [sent back](crate::dead_letter::Redrive), so it is the key to write
/// under where each record is to count once. As text it is `orders[3]@42`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
}

impl<'a> Origin<'a> {
    pub(crate) fn new(topic: &'a str, partition: i32, offset: i64, timestamp: Option<i64>) -> Self {
        Self { topic, partition, offset, timestamp }
    }

    /// The origin of a record that was sent back; `None` of another one, even if its headers tell one.
    pub(crate) fn of_redriven(headers: &'a Headers) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| std::str::from_utf8(value).ok());
        if redrives(headers) == 0 {
            return None;
        }
        let (topic, place) = text(ORIGIN)?.rsplit_once('[')?;
        let (partition, offset) = place.split_once("]@")?;
        let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
        let timestamp = text(TIMESTAMP).and_then(|millis| millis.parse().ok());
        let is_place = !topic.is_empty() && partition >= 0 && offset >= 0;
        is_place.then(|| Self::new(topic, partition, offset, timestamp))
    }

    /// The topic.
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The offset there.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The timestamp that the record had there; `None` where it had none.
    pub fn timestamp(&self) -> Option<SystemTime> {
        super::time(self.timestamp)
    }

    /// The same in milliseconds since 1970.
    pub fn timestamp_millis(&self) -> Option<i64> {
        self.timestamp
    }

    /// The [identity](super::Context::emit_id) that the record had there, which all its dead letters have as well.
    pub fn emit_id(&self) -> Uuid {
        emit_id(self.topic, self.partition, self.offset, self.timestamp)
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", self.topic, self.partition, self.offset)
    }
}

/// A time as milliseconds since 1970; before that the number is negative.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -whole(before.duration()), whole)
}

/// A time in milliseconds since 1970.
pub(super) fn time(millis: Option<i64>) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(millis?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::Origin;
    use crate::{
        dead_letter::names::{ORIGIN, REDRIVES, TIMESTAMP},
        record::Headers,
    };

    fn headers(all: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in all {
            headers.push(*name, Some(*value));
        }
        headers
    }

    #[test]
    fn a_record_that_was_sent_back_says_where_it_was_first() {
        let sent_back = headers(&[(ORIGIN, "a.b-c[3]@42"), (TIMESTAMP, "1000"), (REDRIVES, "2")]);
        let origin = Origin::new("a.b-c", 3, 42, Some(1_000));
        assert_eq!(Origin::of_redriven(&sent_back), Some(origin));
        assert_eq!(origin.to_string(), "a.b-c[3]@42");
    }

    #[test]
    fn what_is_no_place_or_was_never_sent_back_is_not_believed() {
        assert_eq!(Origin::of_redriven(&headers(&[(ORIGIN, "a[3]@42")])), None);
        assert_eq!(Origin::of_redriven(&headers(&[(ORIGIN, "a[3]@42"), (REDRIVES, "0")])), None);
        for text in [
            "",
            "a",
            "a[3]",
            "a[3]@",
            "a[]@1",
            "[3]@42",
            "a[-1]@42",
            "a[3]@-1",
            "a[3]@9999999999999999999",
            "a]@[",
        ] {
            assert_eq!(Origin::of_redriven(&headers(&[(ORIGIN, text), (REDRIVES, "1")])), None, "{text:?}");
        }
    }
}
