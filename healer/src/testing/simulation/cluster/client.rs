//! The client's side of a member, as librdkafka has it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    commits::CommitFault,
    log::{Entry, Log, Record, Tp},
};
use crate::broker::{Assignment, Event, Pattern};

/// The protocol of a group's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Classic: everybody gives all back, then all is shared anew.
    Eager,
    /// Classic: partitions that move are given back in one rebalance and handed out in the next.
    Cooperative,
    /// KIP-848: the coordinator moves partitions member by member.
    Consumer,
}

/// How far a member is on its way into the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Unjoined,
    Joining,
    Syncing,
    Steady,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Assign,
    Revoke,
    Lose,
}

/// A rebalance that the application has to answer; nothing is delivered until it did.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) kind: Kind,
    pub(super) parts: Vec<Tp>,
    /// Whether a poll has told the application.
    pub(super) told: bool,
}

/// A record or marker that was fetched and not yet lent.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) record: Option<Arc<Record>>,
}

/// The fetching of one partition.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) part: Tp,
    pub(super) slot: u32,
    /// The next offset for the application.
    next: i64,
    /// The position that the client tells; none before something was consumed.
    pub(super) position: Option<i64>,
    /// The next offset to fetch.
    ahead: i64,
    fetched: VecDeque<Fetched>,
    pub(super) paused: bool,
    /// Records that were read are no longer in the log.
    pub(super) truncated: bool,
    /// Rests after an error until it is sought or assigned anew.
    pub(super) broken: bool,
}

impl Fetch {
    pub(super) fn new(part: Tp, to: &Assignment) -> Self {
        Self {
            part,
            slot: to.slot,
            next: to.offset,
            position: None,
            ahead: to.offset,
            fetched: VecDeque::new(),
            paused: false,
            truncated: false,
            broken: false,
        }
    }

    /// Whether the application has consumed something, and fetching has gone past this offset.
    pub(super) fn has_read_past(&self, offset: i64) -> bool {
        self.position.is_some() && self.ahead > offset
    }

    /// Throws away the records that were fetched ahead.
    pub(super) fn forget(&mut self) {
        self.fetched.clear();
        self.ahead = self.next;
    }

    /// Fetches when nothing is left. False where the offset does not exist.
    pub(super) fn fill(&mut self, log: &Log, most: usize) -> bool {
        if !self.fetched.is_empty() {
            return true;
        }
        if self.truncated || self.ahead < log.first || self.ahead > log.end() {
            self.broken = true;
            return false;
        }
        while self.fetched.len() < most
            && self.ahead < log.stable()
            && let Some(entry) = log.entry(self.ahead)
        {
            let offset = self.ahead;
            let record = match entry {
                Entry::Record(record) => Some(Some(Arc::clone(record))),
                Entry::Marker => Some(None),
                Entry::Compacted | Entry::Aborted => None,
            };
            let leader_epoch = log.leader_epoch(offset);
            self.fetched.extend(record.map(|record| Fetched { offset, leader_epoch, record }));
            self.ahead += 1;
        }
        true
    }

    pub(super) fn take(&mut self) -> Option<Fetched> {
        let fetched = self.fetched.pop_front()?;
        self.next = fetched.offset + 1;
        self.position = Some(self.next);
        Some(fetched)
    }
}

/// A topic that a client wants.
pub(super) enum Wanted {
    Name(Arc<str>),
    Pattern(Pattern),
}

impl Wanted {
    pub(super) fn takes(&self, topic: &str) -> bool {
        match self {
            Self::Name(name) => **name == *topic,
            Self::Pattern(pattern) => pattern.is(topic),
        }
    }
}

/// A client of the cluster.
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own.
pub(super) struct Client {
    pub(super) group: usize,
    pub(super) instance: Option<Arc<str>>,
    pub(super) protocol: Protocol,
    pub(super) wanted: Vec<Wanted>,
    /// Neither closed nor crashed.
    pub(super) alive: bool,
    pub(super) frozen: bool,
    pub(super) fatal: Option<String>,
    pub(super) phase: Phase,
    /// The member's name for the coordinator; 0 for none.
    pub(super) id: u64,
    pub(super) generation: i32,
    /// The partitions that the group has given to this client, as far as the client knows.
    pub(super) owned: Vec<Tp>,
    pub(super) owed: Option<Owed>,
    /// The partitions to assign after the revoke that is under way.
    pub(super) added: Option<Vec<Tp>>,
    pub(super) rejoin: bool,
    /// The coordinator threw it out while an answer was owed.
    pub(super) kicked: bool,
    pub(super) fetches: Vec<Fetch>,
    pub(super) events: Vec<Event>,
    /// When it talks to the coordinator again; never while it waits for the coordinator's word.
    pub(super) next: Option<Duration>,
    pub(super) heard: Duration,
    pub(super) polled: Duration,
    /// It polled too late and stays out until it polls.
    pub(super) overdue: bool,
    pub(super) misses_topic: bool,
    pub(super) faults: VecDeque<CommitFault>,
}

impl Client {
    pub(super) fn is_running(&self) -> bool {
        self.alive && !self.frozen && self.fatal.is_none()
    }

    pub(super) fn wants(&self, topic: &str) -> bool {
        self.wanted.iter().any(|wanted| wanted.takes(topic))
    }

    pub(super) fn forget_fetched(&mut self) {
        self.fetches.iter_mut().for_each(Fetch::forget);
    }

    /// Hands a rebalance to the application.
    pub(super) fn ask(&mut self, kind: Kind, parts: Vec<Tp>) {
        match kind {
            Kind::Assign => self.owned.extend(&parts),
            Kind::Revoke | Kind::Lose => self.owned.retain(|part| !parts.contains(part)),
        }
        self.forget_fetched();
        self.owed = Some(Owed { kind, parts, told: false });
    }
}
