//! The conditions that must hold when the storm is over, seen from the outside: by the topics and the database alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;

use super::{Ground, load::NUMBER};
use crate::flights::LATE_MINUTES;
use crate::kafka::Stored;

/// The counts at the end, if nothing is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Flights in the topic.
    pub flights: u64,
    /// Flights in the database: all that took off, each once.
    pub saved: u64,
    /// Late flights, each of which was sent on.
    pub late: u64,
    /// How often a flight was saved that was in the database already.
    pub saved_again: u64,
    /// How often a late flight was sent that was sent already.
    pub sent_again: u64,
}

impl Ground<'_> {
    /// Checks that no flight that was sent is lost, that there is none that was not sent, and that all are committed.
    ///
    /// # Errors
    /// A flight is missing or too much, or is not committed.
    pub fn judge(&self, sent: u64) -> Result<Verdict> {
        let (mut flights, mut flown, mut late) = (0, BTreeSet::new(), BTreeSet::new());
        let mut failure = None;
        self.kafka.read_each(&self.topic, |record| {
            flights += 1;
            match Seen::of(&record) {
                Ok(seen) => {
                    if seen.flew {
                        flown.insert((record.partition, record.offset));
                    }
                    if seen.late {
                        late.insert(seen.number);
                    }
                }
                Err(error) => failure = Some(error),
            }
        })?;
        failure.map_or(Ok(()), Err)?;
        ensure!(flights == sent, "the topic holds {flights} flights, and {sent} were acknowledged");

        let saved = self.saved().context("the database cannot be read")?;
        let (lost, foreign): (Vec<_>, Vec<_>) = (
            flown.iter().filter(|place| !saved.contains_key(place)).collect(),
            saved.keys().filter(|place| !flown.contains(place)).collect(),
        );
        ensure!(lost.is_empty(), "{} flights are not in the database: {}", lost.len(), first(&lost));
        ensure!(foreign.is_empty(), "{} in the database never flew: {}", foreign.len(), first(&foreign));

        let mut sent_on: BTreeMap<u64, u64> = BTreeMap::new();
        let mut failure = None;
        self.kafka.read_each(&self.late, |record| match number(&record) {
            Ok(number) => *sent_on.entry(number).or_default() += 1,
            Err(error) => failure = Some(error),
        })?;
        failure.map_or(Ok(()), Err)?;
        let (lost, foreign): (Vec<_>, Vec<_>) = (
            late.iter().filter(|number| !sent_on.contains_key(number)).collect(),
            sent_on.keys().filter(|number| !late.contains(number)).collect(),
        );
        ensure!(lost.is_empty(), "{} late flights were not sent on: {}", lost.len(), first(&lost));
        ensure!(foreign.is_empty(), "{} were sent on and not late: {}", foreign.len(), first(&foreign));

        let (committed, ends) = (self.committed()?, self.kafka.end_offsets(&self.topic)?);
        ensure!(committed == ends, "committed {committed:?}, and the topic ends at {ends:?}");
        Ok(Verdict {
            flights,
            saved: saved.len() as u64,
            late: late.len() as u64,
            saved_again: saved.values().map(|saves| saves - 1).sum(),
            sent_again: sent_on.values().map(|times| times - 1).sum(),
        })
    }

    /// Where the flights of the database come from, and how often each was saved; its key keeps each once.
    fn saved(&self) -> Result<BTreeMap<(i32, i64), u64>> {
        let database = Connection::open(self.database())?;
        let mut rows =
            database.prepare(r#"SELECT "partition", "offset", saves FROM flights WHERE topic = ?1"#)?;
        let rows = rows.query_map([&self.topic], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?.unsigned_abs()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The parts of a flight in the topic that matter here.
struct Seen {
    number: u64,
    flew: bool,
    late: bool,
}

impl Seen {
    fn of(record: &Stored) -> Result<Self> {
        let value = record.value.as_deref().context("a flight without a value")?;
        let flight: serde_json::Value = serde_json::from_slice(value)?;
        Ok(Self {
            number: number(record)?,
            flew: !flight["dep_time"].is_null(),
            late: flight["arr_delay"].as_i64() >= Some(LATE_MINUTES),
        })
    }
}

fn number(record: &Stored) -> Result<u64> {
    let header = record.headers.iter().find(|(name, _)| name == NUMBER);
    let value = header.and_then(|(_, value)| value.as_deref()).context("a flight without its number")?;
    Ok(std::str::from_utf8(value)?.parse()?)
}

/// The first few, so that an error can be read.
fn first<T: std::fmt::Debug>(all: &[T]) -> String {
    const SHOWN: usize = 10;
    let more = if all.len() > SHOWN { ", …" } else { "" };
    format!("{:?}{more}", &all[..all.len().min(SHOWN)])
}
