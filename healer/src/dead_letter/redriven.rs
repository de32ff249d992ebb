//! The result of a redrive.

use std::fmt;

use super::DeadLetter;
use crate::broker::TopicPartition;

/// How many reasons are told apart; forged letters can name any number of topics.
const REASONS: usize = 100;

/// The result of a [`Redrive`](super::Redrive).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redriven {
    /// Letters that were sent back.
    pub sent: u64,
    /// Letters that the filter kept.
    pub filtered: u64,
    /// Letters that had been sent back too often already.
    pub exhausted: u64,
    /// Letters of records that had been sent back in this run already: a record may have several, and after a crash one twice.
    pub repeated: u64,
    /// Letters that say no topic, or one that they may not go to.
    pub foreign: u64,
    /// Letters that their topic did not take: it is gone, or the letter is too large for it, for example.
    pub refused: u64,
    /// The letters that were kept and why, in the order in which they were met: one entry for each reason and topic, and beyond
    /// the first 100 one for each reason.
    pub reasons: Vec<Kept>,
}

/// Letters that were kept for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The reason.
    pub why: Why,
    /// The topic that the letters name; `None` where they name none, and for all topics beyond the first hundred reasons.
    pub topic: Option<String>,
    /// How many there are.
    pub letters: u64,
    /// The record of the first of them, as `orders[3]@42`; where that is in the dead-letter topic, if the letter does not say.
    pub first: String,
    /// The reason of the first in words, with the action to take.
    pub text: String,
}

/// Why a letter is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The filter did not want it.
    Filtered,
    /// It was sent back too often already.
    Exhausted,
    /// It names no topic, or one that it may not go to.
    Foreign,
    /// Its topic did not take it.
    Refused,
}

impl Redriven {
    /// Letters that are at the end of the dead-letter topic again.
    pub fn kept(&self) -> u64 {
        self.filtered + self.exhausted + self.foreign + self.refused
    }

    /// One more letter is kept.
    pub(super) fn keep(
        &mut self,
        why: Why,
        text: &str,
        letter: &DeadLetter<'_>,
        at: &TopicPartition,
        offset: i64,
    ) {
        *match why {
            Why::Filtered => &mut self.filtered,
            Why::Exhausted => &mut self.exhausted,
            Why::Foreign => &mut self.foreign,
            Why::Refused => &mut self.refused,
        } += 1;
        let room = self.reasons.len() < REASONS;
        let topic = letter.topic();
        let known = self.reasons.iter_mut().find(|kept| kept.why == why && kept.topic.as_deref() == topic);
        let (known, topic) = match known {
            None if !room => {
                (self.reasons.iter_mut().find(|kept| kept.why == why && kept.topic.is_none()), None)
            }
            known => (known, topic),
        };
        if let Some(known) = known {
            known.letters += 1;
            return;
        }
        let first = match (letter.topic(), letter.partition(), letter.offset()) {
            (Some(topic), Some(partition), Some(offset)) => format!("{topic}[{partition}]@{offset}"),
            _ => format!("{at}@{offset}"),
        };
        if why != Why::Filtered {
            tracing::warn!(?why, topic, first, "letters are kept: {text}");
        }
        let (topic, text) = (topic.map(str::to_owned), text.to_owned());
        self.reasons.push(Kept { why, topic, letters: 1, first, text });
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, letters, first, text, .. } = self;
        let topic = topic.as_deref().map_or_else(|| "no topic".to_owned(), |topic| format!("{topic:?}"));
        write!(f, "{letters} for {topic}, the first of record {first}: {text}")
    }
}
