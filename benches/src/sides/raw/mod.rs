//! The loop that a user writes without healer: poll, decode, call, and commit the next offsets each second.

mod saving;
mod sending;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    message::BorrowedMessage,
};

use crate::{
    flight::{Flight, Timed},
    tally::Tally,
    task::{COMMIT, Task, Until, Work},
};

/// How many records run between two looks at the clock, which would cost a tenth of the speed at every record.
const CLOCK: u32 = 256;
/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);
/// How long nothing may come before the loop gives up.
const SILENCE: Duration = Duration::from_mins(1);

/// Reads the topic to its end.
pub(in crate::sides) fn run(task: &Task, tally: Tally) -> Result<Tally> {
    let consumer: BaseConsumer = config(task).create()?;
    consumer.subscribe(&[&task.topic])?;
    match task.work {
        Work::Decode => read(&consumer, task, &tally, |_, value| {
            tally.count(decode(value)?.minutes());
            Ok(())
        })?,
        Work::Bytes => read(&consumer, task, &tally, |_, value| {
            tally.count(i64::try_from(value.len())?);
            Ok(())
        })?,
        Work::Sleep { micros } => read(&consumer, task, &tally, |_, value| {
            tally.begin();
            let minutes = decode(value)?.minutes();
            thread::sleep(Duration::from_micros(micros));
            tally.count(minutes);
            Ok(())
        })?,
        Work::Flaky { every, backoff_ms, only } => read(&consumer, task, &tally, |message, value| {
            let minutes = decode(value)?.minutes();
            let may_fail = only.is_none_or(|only| only == message.partition());
            let fails = if may_fail && message.offset() % every == 0 { 2 } else { 0 };
            for attempt in 1.. {
                if attempt > fails {
                    break;
                }
                thread::sleep(Duration::from_millis(backoff_ms));
            }
            if only != Some(message.partition()) {
                tally.count(minutes);
            }
            Ok(())
        })?,
        Work::AtOnce { .. } => bail!("the loop works on one record at a time"),
        Work::Apart => bail!("the loop gathers no batches"),
        Work::Timed | Work::Stuck => read(&consumer, task, &tally, |_, value| {
            let timed: Timed = serde_json::from_slice(value)?;
            tally.timed(timed.sent_us, timed.flight.minutes());
            Ok(())
        })?,
        Work::Save => saving::read(&consumer, task, &tally)?,
        Work::Send => return sending::run(&consumer, task, tally),
    }
    Ok(tally)
}

/// The client's configuration for the loop and `limit`.
pub(in crate::sides) fn config(task: &Task) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &task.brokers)
        .set("group.id", &task.group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false");
    if task.tuned {
        // As healer sets it, which lets nobody else choose.
        config.set("partition.assignment.strategy", "cooperative-sticky");
    }
    for (key, value) in &task.properties {
        config.set(key, value);
    }
    config
}

fn decode(value: &[u8]) -> serde_json::Result<Flight> {
    serde_json::from_slice(value)
}

fn read(
    consumer: &BaseConsumer,
    task: &Task,
    tally: &Tally,
    work: impl Fn(&BorrowedMessage<'_>, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut next: Vec<Option<i64>> = Vec::new();
    let mut committed = Instant::now();
    let mut heard = Instant::now();
    let mut since_clock = 0;
    let told_to_end = told_to_end(task)?;
    while !tally.is_complete() && !told_to_end.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(POLL) else {
            if heard.elapsed() > SILENCE {
                bail!("no record came for {} s", SILENCE.as_secs());
            }
            continue;
        };
        let message = message?;
        let at = usize::try_from(message.partition())?;
        work(&message, message.payload().context("a record without a value")?)?;
        if next.len() <= at {
            next.resize(at + 1, None);
        }
        next[at] = Some(message.offset() + 1);
        since_clock += 1;
        if since_clock == CLOCK {
            since_clock = 0;
            heard = Instant::now();
            if heard - committed >= COMMIT {
                committed = heard;
                consumer.commit(&offsets(&task.topic, &next)?, CommitMode::Async)?;
            }
        }
    }
    consumer.commit(&offsets(&task.topic, &next)?, CommitMode::Sync)?;
    if task.until == Until::Signal {
        tally.end();
    }
    Ok(())
}

/// Becomes true with SIGTERM, where that is how the loop ends.
fn told_to_end(task: &Task) -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    if task.until == Until::Signal {
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&flag))?;
    }
    Ok(flag)
}

fn offsets(topic: &str, next: &[Option<i64>]) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in next.iter().enumerate() {
        if let Some(offset) = offset {
            list.add_partition_offset(topic, i32::try_from(partition)?, Offset::Offset(*offset))?;
        }
    }
    Ok(list)
}
