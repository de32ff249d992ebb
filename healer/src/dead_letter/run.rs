//! One run over a dead-letter topic, on any broker.
//!
//! A redrive is a run of its own, not a pipeline: it takes the letters that a dead-letter topic holds when it begins, up to the
//! high watermark, in one thread that may block, as long as its future is there; letters behind an open transaction it waits for,
//! with a warning. An `AtomicCommit` is the letters that count together: with acknowledgements (send, wait, commit), or a
//! transaction of the producer that has the offsets in it. A letter that is not sent back is written once more to the end of the
//! topic, since a committed offset knows no holes.
//!
//! - *Where letters may go* is said by the caller, as topics or as the pipelines whose stages bury there: anybody who may write
//!   to the dead-letter topic can put any topic into a header.
//! - *One letter that cannot go* must cost no other one (`chunk.rs`). A topic is asked for before the first letter for it. A
//!   letter that fails by its own fault or its topic's is kept; one that may have failed for the sake of its batch is tried again
//!   alone. With acknowledgements the letters that arrived stay there, and only the rest is sent again. A transaction is aborted
//!   whole, and its letters go again in order, in one transaction for each run of innocents and one for each suspect; where
//!   nobody is known to be at fault, by halves. Records that an abort took back are at no fault, and librdkafka sometimes takes
//!   back the next one as well. Offsets are committed as far as all is there, so an error loses nothing and repeats 512 letters
//!   at most.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use xxhash_rust::xxh3::Xxh3;

use super::{
    DeadLetter, EMIT_ID, ORIGIN, REDRIVES, Redrive, Redriven, TOPIC, Why,
    chunk::{Courier, Fate, Post},
    names::OURS,
};
use crate::{
    broker::{
        Assignment, AtomicCommit, Broker, BrokerError, BrokerErrorKind, Commit, CommitError, Committed,
        Delivery, Event, OutRecord, Producer as _, RecordRef, Remote, SendError, Source as _, TopicPartition,
        Topics, Watermarks, kafka::KafkaProducer,
    },
    engine::is_of_a_pipeline,
    envelope::hash_parts,
    record::Headers,
};

/// How many letters are sent before they are committed.
const LETTERS: usize = 512;

/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);

/// A partition of the dead-letter topic.
pub(super) struct Part {
    pub(super) partition: TopicPartition,
    /// The next offset; it is done up to here.
    pub(super) next: i64,
    /// Where it ended when the run began.
    end: i64,
    committed: i64,
}

impl Part {
    fn commit(&self) -> Commit {
        Commit { partition: self.partition.clone(), offset: self.next, metadata: String::new() }
    }
}

/// The record of a letter: equal for letters of one record, different for those of others.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    /// Hash of topic, emit id, key and value.
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

/// Whether anybody waits for the run to end: held by its future.
pub(super) struct Wanted(Weak<()>);

impl Wanted {
    /// As long as `by` is held.
    pub(super) fn by(by: &Arc<()>) -> Self {
        Self(Arc::downgrade(by))
    }

    fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Sends back the letters that are in the topic now, as long as the run is wanted.
pub(super) fn run<B: Broker>(
    redrive: &Redrive,
    mut broker: B,
    unit: &mut impl AtomicCommit,
    wait: Duration,
    wanted: &Wanted,
) -> Result<Redriven, BrokerError> {
    let remote = broker.remote();
    let mut parts = parts(&*remote, &redrive.topic, wait)?;
    let open = |parts: &[Part]| parts.iter().any(|part| part.next < part.end);
    if open(&parts) {
        // A commit before anything is sent: letters that cannot be committed would be sent by every run.
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
    let mut courier = Courier::new(Arc::clone(&redrive.topic), unit, wait);
    let (mut heard, mut held) = (Instant::now(), false);
    while open(&parts) {
        let before: i64 = parts.iter().map(|part| part.next).sum();
        let mut result = Ok(());
        source.poll(LETTERS, POLL, &mut |records| {
            result = posts(redrive, records, &parts, &mut courier, &mut sent, wanted)
                .and_then(|mut posts| courier.settle(&mut posts, &mut parts));
        });
        result?;
        if wanted.is_over() {
            // Letters that were sent are committed. Letters that were passed over are not, though the client is past them.
            break;
        }
        hear(broker.events())?;
        // Markers and gaps are no letters.
        for (slot, position) in broker.positions() {
            let part = &mut parts[slot as usize];
            part.next = part.next.max(position.min(part.end));
        }
        commit(&mut parts, courier.unit)?;
        if parts.iter().map(|part| part.next).sum::<i64>() > before {
            heard = Instant::now();
        } else if heard.elapsed() > wait {
            // Letters that were held back until now have their time to come.
            let was_held = std::mem::replace(&mut held, is_held_back(&*remote, &parts, wait)?);
            if held || was_held {
                heard = Instant::now();
                continue;
            }
            let text = format!("no letter of {:?} came for {wait:?} though there are more", redrive.topic);
            return Err(BrokerError { kind: BrokerErrorKind::Unreachable, text });
        }
    }
    drop((source, remote)); // or the client would wait for it
    broker.close(wait);
    Ok(courier.done)
}

/// Where each partition begins and ends.
fn parts(remote: &dyn Remote, topic: &Arc<str>, wait: Duration) -> Result<Vec<Part>, BrokerError> {
    let partitions = remote.partitions(&[Topics::Named(vec![Arc::clone(topic)])], wait)?;
    let committed = remote.committed(&partitions, wait)?;
    let of_a_pipeline = |committed: &Committed| committed.metadata.as_deref().is_ok_and(is_of_a_pipeline);
    let mut commits = partitions.iter().zip(&committed);
    if let Some((partition, _)) = commits.find(|(_, committed)| committed.as_ref().is_some_and(of_a_pipeline))
    {
        let text = format!(
            "nothing was sent: a pipeline reads {topic:?} in this group (its commit is at {partition}), and what it has not done would be \
             passed over; leave `.group(…)` out, or name a group that no pipeline has"
        );
        return Err(BrokerError { kind: BrokerErrorKind::Configuration, text });
    }
    let marks = remote.watermarks(&partitions, wait)?;
    let parts = partitions.into_iter().zip(committed).zip(marks).map(|((partition, committed), marks)| {
        // Letters that the topic has deleted meanwhile cannot be sent back. A topic that was made anew is read from its beginning.
        let committed = committed.map_or(marks.first, |committed| committed.offset);
        let next = if committed > marks.end { marks.first } else { committed.max(marks.first) };
        Part { partition, next, end: marks.end, committed: next }
    });
    Ok(parts.collect())
}

/// Whether all that is left lies behind open transactions; says so.
fn is_held_back(remote: &dyn Remote, parts: &[Part], wait: Duration) -> Result<bool, BrokerError> {
    let left = || parts.iter().filter(|part| part.next < part.end);
    let partitions: Vec<_> = left().map(|part| part.partition.clone()).collect();
    let marks = remote.watermarks(&partitions, wait)?;
    let held = left().zip(&marks).all(|(part, marks)| part.next >= marks.stable);
    for (Part { partition, end, .. }, Watermarks { stable, .. }) in left().zip(&marks).filter(|_| held) {
        tracing::warn!(
            topic = &*partition.topic,
            partition = partition.partition,
            offset = stable,
            end,
            "a producer's open transaction holds back letters that were there at the beginning: waiting until it ends \
             (`kafka-transactions.sh find-hanging` names its producer)"
        );
    }
    Ok(held)
}

/// Letters and their fates; none of them once the run is not wanted any more, since all of them go together.
fn posts<'r, U: AtomicCommit>(
    redrive: &Redrive,
    records: &'r [RecordRef<'r>],
    parts: &[Part],
    courier: &mut Courier<'_, U>,
    sent: &mut HashSet<Identity>,
    wanted: &Wanted,
) -> Result<Vec<Post<'r>>, BrokerError> {
    let mut posts = Vec::new();
    for record in records {
        if wanted.is_over() {
            return Ok(Vec::new());
        }
        let part = &parts[record.slot as usize];
        // Letters from the end on came after the run began: the position tells that the end was reached.
        if record.offset >= part.end || record.offset < part.next {
            continue;
        }
        let mut headers = Headers::new();
        record.headers.read(&mut headers);
        if headers.dropped() > 0 {
            tracing::warn!(
                topic = &*part.partition.topic,
                partition = part.partition.partition,
                offset = record.offset,
                dropped = headers.dropped(),
                "a letter loses headers, since their names are not UTF-8"
            );
        }
        let letter = DeadLetter { key: record.key, value: record.value, headers: &headers };
        let fate = fate(redrive, &letter, courier, sent)?;
        let is_there = matches!(fate, Fate::Repeated);
        posts.push(Post { record, headers, fate, is_there });
    }
    Ok(if wanted.is_over() { Vec::new() } else { posts })
}

fn fate<U: AtomicCommit>(
    redrive: &Redrive,
    letter: &DeadLetter<'_>,
    courier: &mut Courier<'_, U>,
    sent: &mut HashSet<Identity>,
) -> Result<Fate, BrokerError> {
    let kept = |why, text: &str| Ok(Fate::Kept { why, text: text.to_owned() });
    let topic = match (redrive.destinations.refuse(letter), letter.topic()) {
        (Ok(()), Some(topic)) => topic,
        (why, _) => return kept(Why::Foreign, why.err().unwrap_or_default()),
    };
    if letter.redrives() >= redrive.limit {
        return kept(
            Why::Exhausted,
            "they were sent back as often as `limit` allows: mend the cause, then raise it",
        );
    }
    if !(redrive.filter)(letter) {
        return kept(Why::Filtered, "the filter leaves them");
    }
    if let Some(why) = courier.is_closed(topic)? {
        return kept(Why::Refused, &why);
    }
    if Identity::of(letter).is_some_and(|id| !sent.insert(id)) {
        tracing::debug!(topic, "passed a letter of a record that was sent back in this run");
        return Ok(Fate::Repeated);
    }
    Ok(Fate::Back { topic: topic.to_owned(), headers: back(letter) })
}

/// The headers that a record goes back with.
fn back(letter: &DeadLetter<'_>) -> Headers {
    let mut headers = letter.headers.without(&OURS).without(&[REDRIVES, ORIGIN]);
    if let Some(origin) = letter.origin() {
        headers.push(ORIGIN, Some(origin.to_string()));
    }
    headers.push(REDRIVES, Some(letter.redrives().saturating_add(1).to_string()));
    headers
}

pub(super) fn commit(parts: &mut [Part], unit: &mut impl AtomicCommit) -> Result<(), BrokerError> {
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

/// Sends and commits, one after the other.
pub(super) struct Acknowledged {
    producer: KafkaProducer,
    remote: Arc<dyn Remote>,
}

impl Acknowledged {
    pub(super) fn new<B: Broker>(producer: KafkaProducer, broker: &B) -> Self {
        Self { producer, remote: broker.remote() }
    }
}

impl AtomicCommit for Acknowledged {
    fn send(&mut self, record: &OutRecord<'_>) -> Result<Delivery, SendError> {
        self.producer.send(record)
    }

    fn undo(&mut self) -> Result<bool, BrokerError> {
        Ok(false)
    }

    fn fault(&self) -> Option<BrokerError> {
        None
    }

    fn end(&mut self, offsets: &[Commit]) -> Result<(), BrokerError> {
        let failed =
            |error: CommitError| BrokerError { kind: BrokerErrorKind::Configuration, text: error.text };
        self.remote.commit(offsets).map_err(failed)
    }

    fn check_topic(&self, topic: &str, wait: Duration) -> Result<(), BrokerError> {
        self.producer.check_topic(topic, wait)
    }
}
