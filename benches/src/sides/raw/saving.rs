//! The loop for batches: a batch goes into one transaction, and only then its offsets may be committed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rdkafka::{
    Message as _,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};

use super::{POLL, SILENCE, decode, offsets};
use crate::{
    database::Database,
    flight::Flight,
    tally::Tally,
    task::{BATCH, COMMIT, Task},
};

/// How long a batch that is not full waits for more, as in the pipeline.
const WITHIN: Duration = Duration::from_secs(1);

/// The collected flights, and the offsets that may be committed.
struct BatchMut<'a> {
    database: Database,
    tally: &'a Tally,
    rows: Vec<(i32, i64, Flight)>,
    since: Instant,
    next: Vec<Option<i64>>,
}

/// Reads the topic to its end.
pub(super) fn read(consumer: &BaseConsumer, task: &Task, tally: &Tally) -> Result<()> {
    let mut batch = BatchMut {
        database: Database::open()?,
        tally,
        rows: Vec::with_capacity(BATCH),
        since: Instant::now(),
        next: vec![None; usize::from(task.partitions)],
    };
    let (mut committed, mut heard) = (Instant::now(), Instant::now());
    while !tally.is_complete() {
        match consumer.poll(POLL) {
            Some(message) => {
                let message = message?;
                let flight = decode(message.payload().context("a record without a value")?)?;
                if batch.rows.is_empty() {
                    batch.since = Instant::now();
                }
                batch.rows.push((message.partition(), message.offset(), flight));
                if batch.rows.len() < BATCH {
                    continue;
                }
                heard = Instant::now();
                batch.save()?;
            }
            None if batch.rows.is_empty() && heard.elapsed() > SILENCE => {
                bail!("no record came for {} s", SILENCE.as_secs())
            }
            None if batch.since.elapsed() >= WITHIN => batch.save()?,
            None => {}
        }
        if committed.elapsed() >= COMMIT {
            committed = Instant::now();
            batch.commit(consumer, task, CommitMode::Async)?;
        }
    }
    batch.database.check(tally)?;
    batch.commit(consumer, task, CommitMode::Sync)
}

impl BatchMut<'_> {
    fn save(&mut self) -> Result<()> {
        self.database.save(
            self.rows.iter().map(|(partition, offset, flight)| (*partition, *offset, flight)),
            self.tally,
        )?;
        for (partition, offset, _) in self.rows.drain(..) {
            self.next[usize::try_from(partition)?] = Some(offset + 1);
        }
        Ok(())
    }

    fn commit(&self, consumer: &BaseConsumer, task: &Task, mode: CommitMode) -> Result<()> {
        let next = offsets(&task.topic, &self.next)?;
        if next.count() > 0 {
            consumer.commit(&next, mode)?;
        }
        Ok(())
    }
}
