//! Offsets that do not exist. The client does not say of which partition, so where each of them reads is compared with what
//! there is of it.

use std::{collections::BTreeMap, time::Duration};

use super::{Message, lookups::LOOK_UP_AGAIN, poll::Poller};
use crate::{
    OutOfRange,
    app::Error,
    broker::{Broker, Remote, TopicPartition, Watermarks},
    engine::core::{Event, Part, Start, StartError},
};

/// What the client said, until it is known of which partition. Its fetching stands still, so that this goes on until then.
#[derive(Default)]
pub(super) struct OutOfRangeTold {
    text: String,
    /// How often; each time is about one partition.
    times: usize,
    /// Whom it may be about: what was read when it was said, also if that was given away since.
    suspects: Vec<Suspect>,
    /// How often it had been said when the look-up that is under way began.
    asked: Option<usize>,
    next: Duration,
}

impl OutOfRangeTold {
    fn tell(&mut self, text: String, mut reading: Vec<Suspect>) {
        self.text = text;
        self.times += 1;
        reading.retain(|now| !self.suspects.iter().any(|known| known.is(now)));
        self.suspects.append(&mut reading);
    }

    /// These were meant; what else was said is about others.
    fn found(&mut self, meant: &[Suspect]) {
        self.times = self.times.saturating_sub(meant.len());
        self.suspects.retain(|suspect| self.times > 0 && !meant.iter().any(|one| one.is(suspect)));
    }

    /// There is nothing more to be found.
    fn forget(&mut self) -> String {
        std::mem::take(self).text
    }

    pub(super) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }
}

/// A partition that may be meant, and where it was read.
#[derive(Clone)]
pub(crate) struct Suspect {
    slot: u32,
    generation: u32,
    partition: TopicPartition,
    /// Where the client is.
    read: i64,
    /// Where the ledger is: before the client has lent anything it does not say where it is.
    position: i64,
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
        }
    }

    fn is(&self, other: &Self) -> bool {
        (self.slot, self.generation) == (other.slot, other.generation)
    }

    /// Whether it stands where nothing is. The watermarks were read between the two looks: a reader on its way may have been
    /// below the first offset before, or be beyond what was the end then.
    fn is_out(&self, later: &Self, marks: Watermarks) -> bool {
        let out = |a: i64, b: i64| a.max(b) < marks.first || a.min(b) > marks.end;
        out(self.read, later.read) || out(self.position, later.position)
    }
}

impl<B: Broker> Poller<B> {
    /// The partitions that are read now.
    fn suspects(&mut self) -> Vec<Suspect> {
        let read: BTreeMap<u32, i64> = self.broker.positions().into_iter().collect();
        self.control.core().parts().map(|part| Suspect::of(part, &read)).collect()
    }

    /// The client says that an offset does not exist.
    pub(super) fn hear_out_of_range(&mut self, text: String) {
        let reading = self.suspects();
        self.out_of_range.tell(text, reading);
    }

    /// Looks up what there is of the partitions that may be meant.
    pub(super) fn ask_watermarks(&mut self) {
        let told = &self.out_of_range;
        if told.times == 0 || told.is_asking() || self.control.now() < told.next {
            return;
        }
        let suspects = told.suspects.clone();
        let reading = self.suspects();
        if !reading.iter().any(|now| suspects.iter().any(|then| then.is(now))) {
            self.out_of_range.forget(); // whoever it was is gone, or read anew already
            return;
        }
        let wait = self.config.connect_timeout();
        let partitions: Vec<_> = suspects.iter().map(|suspect| suspect.partition.clone()).collect();
        let question = move |remote: &dyn Remote| {
            let marks = |partition| Ok(remote.watermarks(partition, wait)?);
            partitions.iter().map(marks).collect()
        };
        let asked = self.asker.ask(question, |marks| Message::Watermarks(suspects, marks));
        let told = &mut self.out_of_range;
        told.asked = asked.then_some(told.times);
        told.next = self.control.now() + LOOK_UP_AGAIN;
    }

    pub(super) fn take_watermarks(&mut self, asked: Vec<Suspect>, marks: Result<Vec<Watermarks>, Error>) {
        let asked_times = self.out_of_range.asked.take();
        let marks = match marks {
            Ok(marks) => marks,
            Err(error @ Error::Engine(_)) => return self.step(Event::Failed(error)),
            Err(error) => {
                tracing::warn!(%error, "which offset is out of range is not known; trying again");
                self.out_of_range.next = self.control.now() + LOOK_UP_AGAIN;
                return;
            }
        };
        self.out_of_range.next = Duration::ZERO;
        // One that was opened or read anew since is another one: old watermarks say nothing of it.
        let reading = self.suspects();
        let (mut meant, mut out, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for (then, marks) in asked.into_iter().zip(marks) {
            let here = reading.iter().find(|now| then.is(now));
            let is_out = then.is_out(here.unwrap_or(&then), marks);
            if let Some(here) = here {
                let list = if is_out { &mut out } else { &mut others };
                list.push((here, marks));
            }
            if is_out {
                meant.push(then);
            }
        }
        let told = &mut self.out_of_range;
        if !meant.is_empty() {
            // What is said of those that are left is looked up next.
            let text = told.text.clone();
            told.found(&meant);
            return self.read_anew(out, &text);
        }
        if asked_times != Some(told.times) {
            return; // it was said again: of one that has gone out since, or that was opened since
        }
        let text = told.forget();
        if others.is_empty() {
            return; // all are gone
        }
        if self.config.out_of_range() == OutOfRange::Error {
            return self.step(Event::Failed(Error::Broker(format!(
                "{text}; the client does not say of which partition, and all positions exist by now: a log was truncated and \
                 written anew past what was read. Look for an unclean leader election, and set the group's offset there, or \
                 set `out_of_range` to `earliest` to read all partitions anew"
            ))));
        }
        // A log was truncated and written anew past our position, and nobody says which: all of them are read anew.
        self.read_anew(others, &text);
    }

    fn read_anew(&mut self, partitions: Vec<(&Suspect, Watermarks)>, text: &str) {
        for (Suspect { partition, position, .. }, Watermarks { first, end }) in partitions {
            let offset = match self.config.out_of_range() {
                OutOfRange::Error => {
                    let partition = partition.to_string();
                    let error = StartError::OutOfRange { partition, committed: *position, first, end };
                    return self.step(Event::Failed(error.into()));
                }
                OutOfRange::Earliest => first,
                OutOfRange::Latest => end,
            };
            tracing::warn!(%partition, position, first, end, text, "the offset is out of range: starting anew");
            self.reopen(partition, Start::at(offset));
        }
    }
}
