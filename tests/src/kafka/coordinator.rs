//! The broker's own records of a group: every commit that it took, the number of members, and how often partitions were
//! shared anew.
//!
//! [`committed`](RealKafka::committed) gives the offsets of now; no request gives earlier ones. The topic
//! `__consumer_offsets` keeps them until it is compacted, which a test does not live to see.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use super::RealKafka;

const TOPIC: &str = "__consumer_offsets";

/// The history of a group so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupLog {
    /// The commits, oldest first within each partition; an admin's commits are among them.
    pub commits: Vec<TakenCommit>,
    /// The generation or epoch of the group: it grows whenever partitions are shared anew.
    pub generation: i32,
    /// How many members the group has.
    pub members: usize,
}

/// A commit that the broker took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenCommit {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The text that was written beside it.
    pub metadata: String,
}

impl RealKafka {
    /// The broker's own records of a group.
    ///
    /// # Errors
    /// The broker does not answer, or writes in a way that this does not know.
    pub fn group_log(&self, group: &str) -> Result<GroupLog> {
        let mut log = GroupLog::default();
        let mut members = BTreeSet::new();
        let mut failure = None;
        self.read_each(TOPIC, |record| {
            let key = record.key.unwrap_or_default();
            if let Err(error) = log.add(group, &mut members, &key, record.value.as_deref()) {
                failure.get_or_insert(error.context(format!("{:?} = {:?}", key, record.value)));
            }
        })?;
        failure.map_or(Ok(()), |error: anyhow::Error| {
            Err(error.context("a record of a group is not understood"))
        })?;
        if !members.is_empty() {
            log.members = members.len();
        }
        Ok(log)
    }
}

impl GroupLog {
    /// The first number of a key is its kind, the first of a value its version.
    fn add(
        &mut self,
        group: &str,
        members: &mut BTreeSet<String>,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<()> {
        let mut key = Bytes(key);
        let kind = key.short()?;
        if key.text()?.as_deref() != Some(group) {
            return Ok(());
        }
        let mut value = value.map(Bytes);
        let version = value.as_mut().map(Bytes::short).transpose()?.unwrap_or_default();
        // From this version on, a length is a number of any size, and one more than it is.
        let compact = version >= 4;
        match (kind, &mut value) {
            (0 | 1, Some(value)) => {
                let (topic, partition) = (key.text()?.context("a topic without a name")?, key.int()?);
                let offset = value.long()?;
                if version >= 3 {
                    value.int()?; // the leader epoch
                }
                let length = value.length(compact)?;
                let metadata = value.text_of(length)?.unwrap_or_default();
                self.commits.push(TakenCommit { topic, partition, offset, metadata });
            }
            // The group of the classic protocol: its type, generation, protocol, leader, when, members.
            (2, Some(value)) => {
                let length = value.length(compact)?;
                value.text_of(length)?;
                self.generation = value.int()?;
                for _ in 0..2 {
                    let length = value.length(compact)?;
                    value.text_of(length)?;
                }
                value.long()?;
                let members = if compact { value.length(compact)? } else { value.int()? };
                self.members = usize::try_from(members)?;
            }
            (3, Some(value)) => self.generation = value.int()?,
            (5, Some(_)) => drop(members.insert(key.text()?.unwrap_or_default())),
            (5, None) => drop(members.remove(&key.text()?.unwrap_or_default())),
            _ => {}
        }
        Ok(())
    }
}

/// Bytes as Kafka's protocol writes them, the highest first.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>().context("it is too short")?;
        self.0 = rest;
        Ok(*head)
    }

    fn short(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.take()?))
    }

    fn int(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    fn long(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    /// The length of a text.
    fn length(&mut self, compact: bool) -> Result<i32> {
        if !compact {
            return Ok(self.short()?.into());
        }
        let mut length = 0;
        for shift in (0..28).step_by(7) {
            let [byte] = self.take()?;
            length |= i32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(length - 1);
            }
        }
        bail!("a length is too long")
    }

    fn text(&mut self) -> Result<Option<String>> {
        let length = self.length(false)?;
        self.text_of(length)
    }

    /// A length of -1 is none.
    fn text_of(&mut self, length: i32) -> Result<Option<String>> {
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let (text, rest) = self.0.split_at_checked(length).context("a text is cut off")?;
        self.0 = rest;
        Ok(Some(String::from_utf8_lossy(text).into_owned()))
    }
}
