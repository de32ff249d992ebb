//! Transactions of others that are open: a reader of committed records waits in front of the first, and nothing is wrong with it.
//!
//! **Open transactions.** `Watermarks` has three offsets: the first, the last stable one (how far this client may read), and the
//! high watermark. Code that asks if an offset exists, where a run to the end ends, or how large the lag is, goes by the high
//! watermark, since all offsets up to there exist: brokers answer a fetch from behind the stable offset with nothing, not with an
//! error. Code that chooses a start at the end takes the stable one, since records behind it are still to come. A transaction
//! that is seen to begin at the same offset in two looks, while all before it is done, is named (`core/transaction`): a state, a
//! gauge, a warning after `stall_after`, a fault only after `held_back_after`, which nobody sets by itself.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::Serialize;

use super::{Core, Part};
use crate::broker::{TopicPartition, Watermarks};

/// The first open transaction of a partition, as the looks at its watermarks show it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transaction {
    /// The last stable offset: where it begins.
    offset: i64,
    since: Duration,
    /// Seen again later: one that is on its way as all are is no news.
    stands: bool,
    /// There was a warning.
    told: bool,
}

impl Transaction {
    fn seen(before: Option<Self>, marks: Watermarks, now: Duration) -> Option<Self> {
        let offset = marks.stable;
        match before.filter(|before| before.offset == offset) {
            _ if offset >= marks.end => None,
            Some(before) => Some(Self { stands: true, ..before }),
            None => Some(Self { offset, since: now, stands: false, told: false }),
        }
    }
}

/// A producer's open transaction that a partition waits for: records from its beginning on, also those of others, cannot be
/// read before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HeldBack {
    /// Where the transaction begins: the last stable offset.
    pub offset: i64,
    /// How long it has been seen to begin there.
    #[serde(serialize_with = "crate::json::seconds")]
    pub lasting: Duration,
}

/// A partition that a transaction has held back for longer than [`held_back_after`](crate::ConfigBuilder::held_back_after).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HeldPartition {
    /// The topic.
    #[serde(serialize_with = "crate::json::text")]
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The transaction.
    pub held_back: HeldBack,
}

impl Part {
    /// The transaction that it waits for: all below was read and is done.
    pub(super) fn held_back(&self, now: Duration) -> Option<HeldBack> {
        let Transaction { offset, since, .. } = self.transaction.filter(|open| open.stands)?;
        let waits = self.ledger.frontier() >= offset;
        waits.then(|| HeldBack { offset, lasting: now.saturating_sub(since) })
    }
}

impl Core {
    /// Notes where the logs of partitions end, and which of them are held back.
    pub(crate) fn log_ends(&mut self, ends: &BTreeMap<TopicPartition, Watermarks>, now: Duration) {
        let after = self.settings.stall_after;
        for part in self.parts.values_mut() {
            let Some(marks) = ends.get(&part.home.partition) else { continue };
            part.log_end = Some(marks.end);
            let before = part.transaction;
            part.transaction = Transaction::seen(before, *marks, now);
            let TopicPartition { topic, partition } = &part.home.partition;
            if let Some(Transaction { offset, told: true, .. }) = before
                && part.transaction.is_none_or(|open| open.offset != offset)
            {
                tracing::info!(
                    topic = &**topic,
                    partition,
                    offset,
                    "the transaction that held the partition back is past"
                );
            }
            let Some(HeldBack { offset, lasting }) = part.held_back(now).filter(|held| held.lasting >= after)
            else {
                continue;
            };
            if let Some(open) = &mut part.transaction
                && !std::mem::replace(&mut open.told, true)
            {
                let (seconds, behind) = (lasting.as_secs(), marks.end - offset);
                tracing::warn!(
                    topic = &**topic,
                    partition,
                    offset,
                    seconds,
                    behind,
                    "a producer's transaction has been open for so long: nothing behind it can be read before it ends, by commit, abort or \
                     its time-out. `kafka-transactions.sh find-hanging` names its producer, and `abort` ends it"
                );
            }
        }
    }

    /// The partitions that transactions have held back for longer than may be.
    pub(crate) fn held_back(&self, now: Duration) -> Vec<HeldPartition> {
        let Some(after) = self.settings.held_back_after else { return Vec::new() };
        let held = self.parts.values().filter_map(|part| {
            let held_back = part.held_back(now).filter(|held| held.lasting >= after)?;
            let TopicPartition { topic, partition } = part.home.partition.clone();
            Some(HeldPartition { topic, partition, held_back })
        });
        held.collect()
    }
}
