//! A dead letter, as it is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{ATTEMPTS, EMIT_ID, ERROR, OFFSET, PARTITION, PATH, STAGE, TIMESTAMP, TOPIC, names::redrives};
use crate::{context::Origin, record::Headers};

/// A dead letter, as [`Redrive`](super::Redrive) shows it to its filter. A fact that the letter does not have is `None`, and so is
/// a number that cannot be read.
#[derive(Debug)]
pub struct DeadLetter<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a Headers,
}

impl DeadLetter<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.get(name)?).ok()
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name)?.parse().ok()
    }

    /// The record's key.
    pub fn key(&self) -> Option<&[u8]> {
        self.key
    }

    /// The record's value; a tombstone has none.
    pub fn value(&self) -> Option<&[u8]> {
        self.value
    }

    /// All headers of the letter.
    pub fn headers(&self) -> &Headers {
        self.headers
    }

    /// The topic that the record was read from.
    pub fn topic(&self) -> Option<&str> {
        self.text(TOPIC).filter(|topic| !topic.is_empty())
    }

    /// The partition that it was read from.
    pub fn partition(&self) -> Option<i32> {
        self.number(PARTITION)
    }

    /// Its offset there.
    pub fn offset(&self) -> Option<i64> {
        self.number(OFFSET)
    }

    /// Where the record was read first: before it was ever sent back.
    pub fn origin(&self) -> Option<Origin<'_>> {
        Origin::of_redriven(self.headers).or_else(|| {
            let (partition, offset) = (self.partition()?, self.offset()?);
            Some(Origin::new(self.topic()?, partition, offset, self.number(TIMESTAMP)))
        })
    }

    /// Its timestamp; of a record that was sent back the one that it had first.
    pub fn timestamp(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.number(TIMESTAMP)?))
    }

    /// Its identity in logs and traces; of a record that was sent back that of its first life.
    pub fn emit_id(&self) -> Option<&str> {
        self.text(EMIT_ID)
    }

    /// The stage that it failed at, by its own name.
    pub fn stage(&self) -> Option<&str> {
        self.text(STAGE)
    }

    /// The path of that stage: the names from its source on.
    pub fn path(&self) -> Option<&str> {
        self.text(PATH)
    }

    /// How often that stage tried.
    pub fn attempts(&self) -> Option<u32> {
        self.number(ATTEMPTS)
    }

    /// The last error with its sources.
    pub fn error(&self) -> Option<&str> {
        self.text(ERROR)
    }

    /// How often it was sent back to its topic; 0 where it never was.
    pub fn redrives(&self) -> u32 {
        redrives(self.headers)
    }
}
