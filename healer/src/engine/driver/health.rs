//! Whether a pipeline is well.

use std::time::Duration;

use serde::Serialize;

use crate::{
    broker::{Outage, Remote},
    engine::{Blocked, CommitHealth, HeldBack, HeldPartition, Stalled},
    error::Error,
    lane::{OpenCircuit, SendHealth},
};

use super::{SaveHealth, WaitingForPartitions, control::Control};

/// How a pipeline is: the content of a service's `/health` page.
///
/// An outage ends no pipeline: it goes on by itself when a broker answers again.
///
/// As JSON the fields have the names that they have here; a duration is a number of seconds, an error is its text, with its sources.
///
/// ```
/// fn page(handle: &healer::Handle) -> serde_json::Result<String> {
///     serde_json::to_string(&handle.health())
/// }
/// # let _ = page;
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Whether it runs.
    pub phase: Phase,
    /// No broker can be reached; `None` while one can.
    pub outage: Option<Outage>,
    /// How long that may last before it is a fault ([`Config::unreachable_after`](crate::Config::unreachable_after)).
    #[serde(serialize_with = "crate::json::seconds")]
    pub unreachable_after: Duration,
    /// How commits go.
    pub commits: CommitHealth,
    /// How writing to the local store goes. Where it does not, commits that need it wait. No restart makes room on a disk, so this is no
    /// [fault](Self::faults).
    pub saves: SaveHealth,
    /// The record that has waited longest for an acknowledgement, at a sink or as a dead letter; `None` while none waits for long.
    pub sends: Option<SendHealth>,
    /// The client's last word about a topic that is gone; `None` again when partitions are assigned. With the `consumer`
    /// protocol the group takes the partitions of such a topic away without a word.
    pub missing_topic: Option<String>,
    /// How long ago it asked the broker for records.
    #[serde(serialize_with = "crate::json::seconds")]
    pub polled: Duration,
    /// How many partitions are this member's.
    pub assigned: usize,
    /// Why it has none, where it runs and has none.
    pub waiting: Option<WaitingForPartitions>,
    /// The stages that rest since they fail on everything (`circuit_breaker`). No restart mends the service that they call, so
    /// this is no [fault](Self::faults); a record that waits for longer than `stall_after` is.
    pub open_circuits: Vec<OpenCircuit>,
    /// How long records have been taken in that are not committed, while no commit was acknowledged at all; `None` where there are none.
    #[serde(serialize_with = "crate::json::seconds_if_any")]
    pub uncommitted: Option<Duration>,
    /// The records that have held their partitions for longer than [`Config::stall_after`](crate::Config::stall_after).
    pub stalled: Vec<Stalled>,
    /// The partitions that an open transaction of a producer has held back for longer than
    /// [`held_back_after`](crate::ConfigBuilder::held_back_after). Empty where that is not set: a transaction may take its time, and no restart ends it.
    pub held_back: Vec<HeldPartition>,
    /// The error that ended it, or ends it: known while records in flight still finish.
    #[serde(serialize_with = "crate::error::said::chain_if_any")]
    pub error: Option<Error>,
}

/// How far a pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It takes records.
    Running,
    /// It takes no more records, and finishes and commits those in flight.
    Draining,
    /// It has ended.
    Ended,
}

impl Health {
    /// Whether it runs, a broker can be reached, the last commit was acknowledged, the store takes what is saved, no record waits for long for its
    /// acknowledgement, no topic is missing, no stage [rests](Self::open_circuits), and nothing is [held back](Self::held_back) for too long.
    pub fn is_well(&self) -> bool {
        let Self { phase, outage, commits, saves, sends, missing_topic, held_back, open_circuits, .. } = self;
        let reached = outage.is_none() && commits.failures == 0 && saves.failures == 0 && sends.is_none();
        let works = missing_topic.is_none() && held_back.is_empty() && open_circuits.is_empty();
        *phase == Phase::Running && reached && works
    }

    /// Whether it works: it takes records, and partitions are assigned to it. Else nobody loses anything by taking it out of service.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && self.assigned > 0
    }

    /// Why somebody must look, or start it again, one sentence each: an error ended it, a record or an open transaction holds a partition for
    /// too long, no broker has been reached for [`unreachable_after`](Self::unreachable_after). Empty where all is well, and where it has ended as it was asked to.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(self.error.as_ref().map(|error| format!("an error ended it: {error}")));
        for Stalled { topic, partition, blocked } in &self.stalled {
            let (Blocked { offset, stage, .. }, seconds) = (blocked, blocked.lasting.as_secs());
            faults.push(format!(
                "record {topic}[{partition}]@{offset} has held its partition at `{stage}` for {seconds} s"
            ));
        }
        for HeldPartition { topic, partition, held_back: HeldBack { offset, lasting } } in &self.held_back {
            let seconds = lasting.as_secs();
            faults.push(format!(
                "a transaction that is open from {topic}[{partition}]@{offset} on has held back what comes behind it for {seconds} s: find its \
                 producer and end it (`kafka-transactions.sh find-hanging`)"
            ));
        }
        if let Some(outage) = self.lost() {
            let seconds = outage.lasting.as_secs();
            faults.push(format!("no broker has answered for {seconds} s: {}", outage.reason));
        }
        faults
    }

    /// An outage that lasts longer than may be.
    pub(crate) fn lost(&self) -> Option<&Outage> {
        self.outage.as_ref().filter(|outage| outage.lasting >= self.unreachable_after)
    }
}

impl Control {
    pub(super) fn health(&self, remote: &dyn Remote) -> Health {
        let now = self.now();
        let core = self.core();
        let error = self.ended.borrow().as_ref().and_then(|ended| ended.as_ref().err().cloned());
        let phase = match (self.ended.borrow().is_some(), core.is_running()) {
            (true, _) => Phase::Ended,
            (false, true) => Phase::Running,
            (false, false) => Phase::Draining,
        };
        // The error that ends it is known while it still drains.
        let error = error.or_else(|| core.failure.clone());
        let (commits, uncommitted, stalled) = (core.commits(now), core.uncommitted(now), core.stalled(now));
        let held_back = core.held_back(now);
        let assigned = core.partitions().len();
        drop(core);
        Health {
            phase,
            outage: remote.outage(),
            unreachable_after: self.unreachable_after,
            commits,
            saves: self.saves.health(now),
            sends: self.sends.health(now),
            missing_topic: self.missing_topic(),
            polled: now.saturating_sub(self.polled()),
            assigned,
            waiting: self.waiting(remote, now).filter(|_| phase == Phase::Running && assigned == 0),
            open_circuits: self.circuits.all(now),
            uncommitted,
            stalled,
            held_back,
            error,
        }
    }
}
