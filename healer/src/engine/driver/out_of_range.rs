//! Offsets that do not exist. The client does not say of which partition, so the position in each of them is compared with
//! its watermarks. The fetching of the one that is meant stands still, so each suspect is watched until it moves.
//!
//! **Out of range.** The client does not say of which partition, and that one's fetching stands still from then on. So all that
//! are read then are suspects: their positions are compared with the log's offsets, again and again, until they are found, move
//! or are gone. One is out where it was so before the look-up and still is after it, so that none is judged by an old position.
//! One that stands still for ten seconds though it is idle, is not paused, and there is more to fetch had its log truncated and
//! written anew. `error` stops and names it; `earliest` and `latest` reopen it there.

use std::{collections::BTreeMap, time::Duration};

use super::{Message, dropped, lookups::LOOK_UP_AGAIN, rounds::Driver};
use crate::{
    OutOfRange,
    broker::{Broker, Remote, TopicPartition, Watermarks},
    engine::core::{Event, Part, Start},
    error::{Error, StartError},
};

/// How long a partition may stand still though there is something to fetch, after the client said that an offset does not exist.
/// Its log was truncated and written anew then: nothing else is to be seen of that.
const STANDS_STILL: Duration = Duration::from_secs(10);

/// How often those that may be meant are looked up.
const LOOK_UP: Duration = Duration::from_secs(1);

/// The client's word about an offset, until all partitions that may be meant were found or have moved.
#[derive(Default)]
pub(super) struct OutOfRangeTold {
    text: String,
    suspects: Vec<Suspect>,
    asking: bool,
    next: Duration,
}

impl OutOfRangeTold {
    pub(super) fn is_asking(&self) -> bool {
        self.asking
    }
}

/// A partition that may be meant, and where it was read when the client said so.
#[derive(Clone)]
pub(crate) struct Suspect {
    slot: u32,
    generation: u32,
    partition: TopicPartition,
    /// Where the client is.
    read: i64,
    /// Where the ledger is: before the client has lent anything it does not say where it is.
    position: i64,
    /// Since when it stands still though there is something to fetch.
    still: Option<Duration>,
}

impl Suspect {
    fn of(part: &Part, read: &BTreeMap<u32, i64>) -> Self {
        let (home, position) = (&part.home, part.ledger.position());
        Self {
            slot: home.slot,
            generation: home.generation,
            partition: home.partition.clone(),
            read: read.get(&home.slot).copied().unwrap_or(position),
            position,
            still: None,
        }
    }

    fn is(&self, other: &Self) -> bool {
        (self.slot, self.generation) == (other.slot, other.generation)
    }

    /// Whether it stands where nothing is. The watermarks were read between the two looks: a reader on its way may have been
    /// below the first offset before, or be beyond the end as it was then.
    fn is_out(&self, later: &Self, marks: Watermarks) -> bool {
        let out = |a: i64, b: i64| a.max(b) < marks.first || a.min(b) > marks.end;
        out(self.read, later.read) || out(self.position, later.position)
    }
}

impl<B: Broker> Driver<B> {
    /// The partitions that are read now.
    fn reading(&mut self) -> Vec<Suspect> {
        let read: BTreeMap<u32, i64> = self.broker.positions().into_iter().collect();
        self.control.core().parts().map(|part| Suspect::of(part, &read)).collect()
    }

    /// The client says that an offset does not exist.
    pub(super) fn hear_out_of_range(&mut self, text: String) {
        let reading = self.reading();
        let told = &mut self.requests.out_of_range;
        // A partition that has moved since an earlier word was well then, and may be meant now.
        told.suspects.retain(|known| reading.iter().any(|now| known.is(now) && known.read == now.read));
        for now in reading {
            if !told.suspects.iter().any(|known| known.is(&now)) {
                told.suspects.push(now);
            }
        }
        (told.text, told.next) = (text, Duration::ZERO);
    }

    /// Looks up the watermarks of the partitions that may be meant.
    pub(super) fn ask_watermarks(&mut self) {
        let told = &self.requests.out_of_range;
        if told.suspects.is_empty() || told.asking || self.control.now() < told.next {
            return;
        }
        let reading = self.reading();
        let told = &mut self.requests.out_of_range;
        // A partition that is gone or was read anew is another one, and one that moves is well.
        told.suspects.retain(|then| reading.iter().any(|now| then.is(now) && now.read <= then.read));
        let suspects = told.suspects.clone();
        if suspects.is_empty() {
            return;
        }
        let wait = self.config.connect_timeout();
        let partitions: Vec<_> = suspects.iter().map(|suspect| suspect.partition.clone()).collect();
        let question = move |remote: &dyn Remote| Ok(remote.watermarks(&partitions, wait)?);
        let asking = self.requests.asker.ask(question, |marks| Message::Watermarks(suspects, marks));
        self.requests.out_of_range.asking = asking;
        self.requests.out_of_range.next = self.control.now() + if asking { LOOK_UP } else { LOOK_UP_AGAIN };
    }

    pub(super) fn take_watermarks(&mut self, asked: Vec<Suspect>, marks: Result<Vec<Watermarks>, Error>) {
        self.requests.out_of_range.asking = false;
        let now = self.control.now();
        let marks = match marks {
            Ok(marks) => marks,
            Err(error @ Error::Engine(_)) => return self.step(Event::Failed(error)),
            Err(error) => {
                tracing::warn!(%error, "which offset is out of range is not known; trying again");
                let told = &mut self.requests.out_of_range;
                told.next = now + LOOK_UP_AGAIN;
                told.suspects.iter_mut().for_each(|suspect| suspect.still = None);
                return;
            }
        };
        let reading = self.reading();
        let told = &mut self.requests.out_of_range;
        let mut meant = Vec::new();
        for (then, marks) in asked.into_iter().zip(marks) {
            // One that was opened or read anew since is another one: old watermarks say nothing of it.
            let Some(here) = reading.iter().find(|now| then.is(now)) else { continue };
            let Some(suspect) = told.suspects.iter_mut().find(|suspect| suspect.is(here)) else { continue };
            let is_out = then.is_out(here, marks);
            // Records that an open transaction holds back cannot be fetched.
            let stands = here.read < marks.stable && self.lanes.is_at_a_loss(here.slot);
            suspect.still = stands.then(|| suspect.still.unwrap_or(now));
            let is_still = suspect.still.is_some_and(|since| now >= since + STANDS_STILL);
            if is_out || (is_still && here.read <= then.read) {
                meant.push((here.clone(), marks, is_out));
            }
        }
        told.suspects.retain(|suspect| !meant.iter().any(|(one, ..)| one.is(suspect)));
        let text = told.text.clone();
        for (suspect, marks, is_out) in meant {
            self.read_anew(&suspect, marks, is_out, &text);
        }
    }

    fn read_anew(
        &mut self,
        suspect: &Suspect,
        Watermarks { first, stable, end }: Watermarks,
        is_out: bool,
        text: &str,
    ) {
        let Suspect { partition, position, .. } = suspect;
        let offset = match self.config.out_of_range() {
            OutOfRange::Earliest => first,
            OutOfRange::Latest => stable,
            OutOfRange::Error => {
                let error = if is_out {
                    let (topic, partition) = (partition.topic.to_string(), partition.partition);
                    let error = StartError::OutOfRange { topic, partition, committed: *position, first, end };
                    dropped::explain(&*self.remote, Duration::ZERO, error).into()
                } else {
                    Error::Broker(format!(
                        "{text}; {partition} stands still at offset {position}, which exists by now, as all do up to {end}: its log \
                         was truncated and written anew past what was read. Look for an unclean leader election, and set the \
                         group's offset there, or set `out_of_range` to `earliest` to read the partition anew"
                    ))
                };
                return self.step(Event::Failed(error));
            }
        };
        tracing::warn!(
            topic = &*partition.topic,
            partition = partition.partition,
            offset = position,
            first,
            end,
            text,
            "the offset is out of range: starting anew"
        );
        if *position < first {
            dropped::warn(&*self.remote, Duration::ZERO, partition, first);
        }
        self.reopen(partition, Start::at(offset));
    }
}
