//! One run over a dead-letter topic, on any broker.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::runtime::Handle;
use xxhash_rust::xxh3::Xxh3;

use super::{DeadLetter, EMIT_ID, OURS, REDRIVES, Redrive, Redriven, TIMESTAMP, TOPIC};
use crate::{
    broker::{
        Assignment, Broker, BrokerError, BrokerErrorKind, Commit, Delivery, Event, OutRecord, Producer,
        RecordRef, Remote, SendError, Source as _, TopicPartition, Topics, Unit,
    },
    context::Headers,
    envelope::hash_parts,
};

/// How many letters are sent before they are committed.
const LETTERS: usize = 512;

/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);

/// A partition of the dead-letter topic.
struct Part {
    partition: TopicPartition,
    /// The next offset; it is done up to here.
    next: i64,
    /// Where it ended when the run began.
    end: i64,
    committed: i64,
}

impl Part {
    fn commit(&self) -> Commit {
        Commit { partition: self.partition.clone(), offset: self.next, metadata: String::new() }
    }
}

/// What tells letters of one record from those of others.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    /// Of topic, key and value, and of what else the letter is known by.
    hash: u128,
    partition: i32,
    offset: i64,
}

impl Identity {
    /// `None` where the letter does not say enough.
    fn of(letter: &DeadLetter<'_>) -> Option<Self> {
        let (partition, offset) = (letter.partition()?, letter.offset()?);
        let mut hash = Xxh3::new();
        let id = letter.headers.get(EMIT_ID);
        hash_parts(&mut hash, &[letter.headers.get(TOPIC), id, letter.key, letter.value]);
        Some(Self { hash: hash.digest128(), partition, offset })
    }
}

/// Sends back what is in the topic now.
pub(super) fn run<B: Broker>(
    redrive: &Redrive,
    mut broker: B,
    mut unit: impl Unit,
    wait: Duration,
) -> Result<Redriven, BrokerError> {
    let mut parts = parts(&*broker.remote(), &redrive.topic, wait)?;
    let mut done = Redriven::default();
    let open = |parts: &[Part]| parts.iter().any(|part| part.next < part.end);
    if open(&parts) {
        // Before anything is sent: what cannot be committed would be sent by every run.
        let starts: Vec<_> = parts.iter().map(Part::commit).collect();
        unit.end(&starts).map_err(|error| BrokerError {
            text: format!(
                "nothing was sent, since this group can't commit; it may be in use by others, or lack a right: {}",
                error.text
            ),
            ..error
        })?;
        let slots = (0..).zip(&parts).filter(|(_, part)| part.next < part.end);
        let assigned = slots.map(|(slot, part)| Assignment {
            partition: part.partition.clone(),
            slot,
            offset: part.next,
        });
        broker.assign(&assigned.collect::<Vec<_>>())?;
    }
    let source = broker.source();
    let mut sent = HashSet::new();
    let mut heard = Instant::now();
    while open(&parts) {
        let before: i64 = parts.iter().map(|part| part.next).sum();
        let mut result = Ok(());
        source.poll(LETTERS, POLL, &mut |records| {
            result = records
                .iter()
                .try_for_each(|record| take(redrive, record, &mut parts, &mut unit, &mut sent, &mut done));
        });
        result?;
        hear(broker.events())?;
        // Markers and gaps are no letters.
        for (slot, position) in broker.positions() {
            let part = &mut parts[slot as usize];
            part.next = part.next.max(position.min(part.end));
        }
        commit(&mut parts, &mut unit)?;
        if parts.iter().map(|part| part.next).sum::<i64>() > before {
            heard = Instant::now();
        } else if heard.elapsed() > wait {
            let text = format!("no letter of {:?} came for {wait:?} though there are more", redrive.topic);
            return Err(BrokerError { kind: BrokerErrorKind::Unreachable, text });
        }
    }
    drop(source); // or the client would wait for it
    broker.close(wait);
    Ok(done)
}

/// Where each partition begins and ends.
fn parts(remote: &dyn Remote, topic: &Arc<str>, wait: Duration) -> Result<Vec<Part>, BrokerError> {
    let partitions = remote.partitions(&[Topics::Named(vec![Arc::clone(topic)])], wait)?;
    let committed = remote.committed(&partitions, wait)?;
    let parts = partitions.into_iter().zip(committed).map(|(partition, committed)| {
        let marks = remote.watermarks(&partition, wait)?;
        // What the topic has deleted meanwhile nobody can send back. A topic made anew begins at its beginning.
        let committed = committed.map_or(marks.first, |committed| committed.offset);
        let next = if committed > marks.end { marks.first } else { committed.max(marks.first) };
        Ok(Part { partition, next, end: marks.end, committed: next })
    });
    parts.collect()
}

/// Sends one letter somewhere.
fn take(
    redrive: &Redrive,
    record: &RecordRef<'_>,
    parts: &mut [Part],
    unit: &mut impl Unit,
    sent: &mut HashSet<Identity>,
    done: &mut Redriven,
) -> Result<(), BrokerError> {
    let part = &mut parts[record.slot as usize];
    // What came since then: the position tells that the end was reached.
    if record.offset >= part.end || record.offset < part.next {
        return Ok(());
    }
    let mut headers = Headers::new();
    if let Err(error) = record.headers.read(&mut headers) {
        // It could not be written once more as it is.
        tracing::warn!(partition = %part.partition, offset = record.offset, %error, "passed a record that is no letter");
        done.foreign += 1;
        part.next = record.offset + 1;
        return Ok(());
    }
    let letter = DeadLetter { key: record.key, value: record.value, headers: &headers };
    let to = match letter.topic() {
        None => {
            done.foreign += 1;
            None
        }
        Some(_) if letter.redrives() >= redrive.limit => {
            done.exhausted += 1;
            None
        }
        Some(_) if !(redrive.filter)(&letter) => {
            done.filtered += 1;
            None
        }
        Some(topic) if Identity::of(&letter).is_some_and(|id| !sent.insert(id)) => {
            done.repeated += 1;
            tracing::debug!(topic, "passed a letter of a record that was sent back in this run");
            part.next = record.offset + 1;
            return Ok(());
        }
        Some(topic) => {
            done.sent += 1;
            Some((topic, back(&letter, record.timestamp)))
        }
    };
    let (topic, headers, timestamp) = match &to {
        Some((topic, headers)) => (*topic, headers, None),
        None => (&*redrive.topic, &headers, record.timestamp),
    };
    unit.send(&OutRecord { topic, key: record.key, value: record.value, headers, timestamp })?;
    part.next = record.offset + 1;
    Ok(())
}

/// The headers that a record goes back with.
fn back(letter: &DeadLetter<'_>, time: Option<i64>) -> Headers {
    let mut headers = letter.headers.without(&OURS).without(&[REDRIVES]);
    if let Some(time) = time.filter(|_| headers.get(TIMESTAMP).is_none()) {
        headers.push(TIMESTAMP, Some(time.to_string()));
    }
    headers.push(REDRIVES, Some(letter.redrives().saturating_add(1).to_string()));
    headers
}

fn commit(parts: &mut [Part], unit: &mut impl Unit) -> Result<(), BrokerError> {
    let moved = parts.iter().filter(|part| part.next > part.committed);
    let commits: Vec<_> = moved.map(Part::commit).collect();
    if commits.is_empty() {
        return Ok(());
    }
    unit.end(&commits)?;
    for part in parts {
        part.committed = part.next;
    }
    Ok(())
}

fn failed_send(error: SendError) -> BrokerError {
    match error {
        SendError::Failed(error) => error,
        SendError::Full => {
            BrokerError { kind: BrokerErrorKind::Unreachable, text: "the producer's queue stays full".into() }
        }
    }
}

/// An event that ends the run.
fn hear(events: Vec<Event>) -> Result<(), BrokerError> {
    for event in events {
        match event {
            Event::OutOfRange(text) => {
                return Err(BrokerError { kind: BrokerErrorKind::Configuration, text });
            }
            Event::Error(error) if error.kind != BrokerErrorKind::Transient => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Sends, waits for the acknowledgements, then commits.
pub(super) struct Acknowledged {
    producer: Arc<dyn Producer>,
    remote: Arc<dyn Remote>,
    on_the_way: Vec<Delivery>,
    wait: Duration,
}

impl Acknowledged {
    pub(super) fn new<B: Broker>(producer: Arc<dyn Producer>, broker: &B, wait: Duration) -> Self {
        Self { producer, remote: broker.remote(), on_the_way: Vec::new(), wait }
    }

    fn settle(&mut self) -> Result<(), BrokerError> {
        let all = join_all(self.on_the_way.drain(..));
        let failed = Handle::current().block_on(all).into_iter().find_map(Result::err);
        failed.map_or(Ok(()), |error| Err(failed_send(error)))
    }
}

impl Unit for Acknowledged {
    fn send(&mut self, record: &OutRecord<'_>) -> Result<(), BrokerError> {
        let until = Instant::now() + self.wait;
        loop {
            match self.producer.send(record) {
                Ok(delivery) => {
                    self.on_the_way.push(delivery);
                    return Ok(());
                }
                Err(SendError::Full) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => return Err(failed_send(error)),
            }
        }
    }

    fn end(&mut self, offsets: &[Commit]) -> Result<(), BrokerError> {
        self.settle()?;
        self.remote
            .commit(offsets)
            .map_err(|error| BrokerError { kind: BrokerErrorKind::Configuration, text: error.text })
    }
}
