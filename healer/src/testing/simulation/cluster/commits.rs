//! Commits: the coordinator checks them, stores them, and fails them.

use std::{sync::Arc, time::Duration};

use super::{
    client::{Client, Protocol},
    group::{Stage, Stored},
    log::Tp,
    state::State,
};
use crate::broker::{Commit, CommitError, CommitErrorKind};

/// How a commit goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitFault {
    /// The coordinator moves or loads: nothing is stored.
    Unavailable,
    /// All is stored, and the answer is lost.
    AnswerLost,
    /// So many entries are stored, the others are not.
    Partial(usize),
    /// A rebalance begins: nothing is stored.
    Rebalancing,
    /// As `Rebalancing`, with the error for a member that is behind.
    IllegalGeneration,
    /// The coordinator has thrown the member out.
    UnknownMember,
    /// The group may not be written to.
    Forbidden,
}

/// A commit that the coordinator has taken; one entry a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) at: Duration,
    pub(crate) group: Arc<str>,
    /// The client; none for an admin.
    pub(crate) member: Option<usize>,
    pub(crate) generation: i32,
    /// The partition, told apart by the topic's incarnation.
    pub(crate) partition: Tp,
    /// How often the partition had been truncated.
    pub(crate) truncations: u32,
    pub(crate) offset: i64,
    pub(crate) metadata: String,
    /// Whether the client had the partition then, or was giving it back.
    pub(crate) owned: bool,
}

fn refuse<T>(kind: CommitErrorKind, why: &str) -> Result<T, CommitError> {
    Err(CommitError { kind, text: format!("committing failed: {why}") })
}

impl State {
    pub(super) fn commit(&mut self, index: usize, offsets: &[Commit]) -> Result<(), CommitError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let client = &self.clients[index];
        if !client.alive {
            return refuse(CommitErrorKind::Fatal, "the client is closed");
        }
        if let Some(text) = &client.fatal {
            return refuse(CommitErrorKind::Fatal, text);
        }
        if client.kicked {
            // Thrown out: the client itself sends nothing for an assignment that it has lost.
            return refuse(CommitErrorKind::Fenced, "the assignment was lost");
        }
        if self.down {
            return refuse(CommitErrorKind::Retriable, "the coordinator is not available");
        }
        let fault = self.commit_fault(index, offsets.len());
        match fault {
            Some(CommitFault::Unavailable) => {
                return refuse(CommitErrorKind::Retriable, "not the coordinator");
            }
            Some(CommitFault::Forbidden) => {
                return refuse(CommitErrorKind::Fatal, "group authorization failed");
            }
            Some(CommitFault::UnknownMember) => self.evict(self.clients[index].group, self.clients[index].id),
            Some(CommitFault::Rebalancing | CommitFault::IllegalGeneration) => {
                self.rebalance(self.clients[index].group, false);
                return refuse(CommitErrorKind::Rebalancing, "the group is rebalancing");
            }
            Some(CommitFault::AnswerLost | CommitFault::Partial(_)) | None => {}
        }
        self.check_member(index)?;
        match fault {
            Some(CommitFault::Partial(stored)) => {
                self.store(index, &offsets[..stored.min(offsets.len())])?;
                refuse(CommitErrorKind::Retriable, "some entries timed out")
            }
            Some(CommitFault::AnswerLost) => {
                self.store(index, offsets)?;
                refuse(CommitErrorKind::Retriable, "the request timed out")
            }
            _ => self.store(index, offsets),
        }
    }

    fn commit_fault(&mut self, index: usize, entries: usize) -> Option<CommitFault> {
        if let Some(fault) = self.clients[index].faults.pop_front() {
            return Some(fault);
        }
        if !self.rng.chance(self.settings.commit_faults) {
            return None;
        }
        Some(match self.rng.below(12) {
            0..4 => CommitFault::Unavailable,
            4..7 => CommitFault::AnswerLost,
            7..9 => CommitFault::Partial(self.rng.below(entries)),
            9 => CommitFault::Rebalancing,
            10 => CommitFault::IllegalGeneration,
            _ => CommitFault::UnknownMember,
        })
    }

    /// The member and its generation have to be right. Whether it owns the partitions, nobody asks.
    fn check_member(&self, index: usize) -> Result<(), CommitError> {
        let Client { group, id, generation, protocol, .. } = self.clients[index];
        let of = &self.groups[group];
        if generation < 0 && of.seats.is_empty() {
            return Ok(());
        }
        let Some(seat) = of.seat(id) else {
            return refuse(CommitErrorKind::Fenced, "unknown member: its partitions count as lost");
        };
        if protocol == Protocol::Consumer {
            if generation != seat.epoch {
                return refuse(CommitErrorKind::Rebalancing, "stale member epoch");
            }
        } else if generation != of.generation {
            return refuse(CommitErrorKind::Rebalancing, "illegal generation");
        } else if of.stage == Stage::Completing {
            return refuse(CommitErrorKind::Rebalancing, "rebalance in progress");
        }
        Ok(())
    }

    fn store(&mut self, index: usize, offsets: &[Commit]) -> Result<(), CommitError> {
        let Client { group, generation, .. } = self.clients[index];
        let mut result = Ok(());
        for Commit { partition, offset, metadata } in offsets {
            let Some(part) = self.find(partition) else {
                result = refuse(CommitErrorKind::Fatal, &format!("{partition}: the topic is gone"));
                continue;
            };
            if metadata.len() > self.settings.max_metadata {
                result =
                    refuse(CommitErrorKind::Fatal, "the broker's `offset.metadata.max.bytes` is too small");
                continue;
            }
            self.keep(group, Some(index), generation, part, *offset, metadata.clone());
        }
        result
    }

    pub(super) fn keep(
        &mut self,
        group: usize,
        member: Option<usize>,
        generation: i32,
        partition: Tp,
        offset: i64,
        metadata: String,
    ) {
        let log = usize::try_from(partition.1).ok().and_then(|n| self.topics[partition.0].partitions.get(n));
        let truncations = log.map_or(0, |log| log.truncations);
        let has = |client: &Client| {
            let given_back = client.owed.iter().flat_map(|owed| &owed.parts);
            // Commits go by name: to them a topic that was made anew is the same one.
            let same = |part: &Tp| {
                self.topics[part.0].name == self.topics[partition.0].name && part.1 == partition.1
            };
            client.owned.iter().chain(given_back).any(same)
        };
        let owned = member.is_some_and(|member| has(&self.clients[member]));
        let group = &mut self.groups[group];
        group.committed.insert(partition, Stored { offset, metadata: metadata.clone() });
        let group = Arc::clone(&group.name);
        self.history.push(Accepted {
            at: self.now,
            group,
            member,
            generation,
            partition,
            truncations,
            offset,
            metadata,
            owned,
        });
    }
}
