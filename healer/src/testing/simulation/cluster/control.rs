//! The controls of a driver, and the views of an oracle.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Accepted, Cluster, CommitFault, MemberId, ProducerId, Protocol, Rng, Settings, SimBroker, SimProducer,
    client::{Client, Phase},
    group::{Group, Stage},
    state::State,
};
use crate::broker::TopicPartition;

impl Cluster {
    pub(crate) fn new(seed: u64, settings: Settings) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            rng: Rng::new(seed),
            settings,
            down: false,
            topics: Vec::new(),
            groups: Vec::new(),
            clients: Vec::new(),
            history: Vec::new(),
            sent: Vec::new(),
            wakers: Vec::new(),
            serial: 0,
            ids: 0,
            producers: 0,
        })))
    }

    /// Turns knobs while all runs.
    pub(crate) fn tune(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.lock().settings);
    }

    #[cfg(test)]
    pub(crate) fn now(&self) -> Duration {
        self.lock().now
    }

    /// Lets time pass, with all that is due in it. Never backwards.
    pub(crate) fn advance(&self, to: Duration) {
        self.lock().advance(to);
    }

    /// With the cluster down every request fails, nothing is fetched, and no session ends.
    pub(crate) fn down(&self, down: bool) {
        self.lock().set_down(down);
    }
}

/// Groups.
impl Cluster {
    /// A client that is going to be a member of a group; all members of a group speak the same protocol.
    pub(crate) fn member(&self, group: &str, instance: Option<&str>, protocol: Protocol) -> SimBroker {
        let mut state = self.lock();
        let group = state.group_or_new(group, protocol);
        let now = state.now;
        state.clients.push(Client {
            group,
            instance: instance.map(Arc::from),
            protocol,
            wanted: Vec::new(),
            alive: true,
            frozen: false,
            fatal: None,
            phase: Phase::Unjoined,
            id: 0,
            generation: -1,
            owned: Vec::new(),
            owed: None,
            added: None,
            rejoin: false,
            kicked: false,
            fetches: Vec::new(),
            events: Vec::new(),
            next: None,
            heard: now,
            polled: now,
            overdue: false,
            misses_topic: false,
            faults: VecDeque::new(),
        });
        let id = MemberId(state.clients.len() - 1);
        drop(state);
        SimBroker::new(self.clone(), id)
    }

    /// The process of a member is killed: it says nothing to anybody. Its broker may be dropped at any time after.
    pub(crate) fn crash(&self, member: MemberId) {
        self.lock().bury(member.0);
    }

    /// The process of a member stands still: it sends no heartbeats, and nobody may call its broker until `thaw`.
    pub(crate) fn freeze(&self, member: MemberId) {
        self.lock().clients[member.0].frozen = true;
    }

    pub(crate) fn thaw(&self, member: MemberId) {
        let mut state = self.lock();
        if std::mem::take(&mut state.clients[member.0].frozen) {
            state.contact_soon(member.0);
        }
    }

    /// Moves partitions among the members without need.
    pub(crate) fn rebalance(&self, group: &str) {
        let mut state = self.lock();
        if let Some(group) = state.group(group) {
            state.rebalance(group, true);
        }
    }

    /// The coordinator throws a member out; the member learns of it with its next heartbeat.
    pub(crate) fn lose(&self, member: MemberId) {
        let mut state = self.lock();
        let Client { group, id, .. } = state.clients[member.0];
        state.evict(group, id);
    }

    /// The member's next commit goes wrong like this; several stand in line.
    pub(crate) fn fault(&self, member: MemberId, fault: CommitFault) {
        self.lock().clients[member.0].faults.push_back(fault);
    }

    /// Sets the group's commit, as an admin does.
    pub(crate) fn reset(&self, group: &str, topic: &str, partition: i32, offset: i64, metadata: &str) {
        let mut state = self.lock();
        if let (Some(group), Some(topic)) = (state.group(group), state.topic(topic)) {
            state.keep(group, None, -1, (topic, partition), offset, metadata.to_owned());
        }
    }

    /// Forgets the group's commit.
    #[cfg(test)]
    pub(crate) fn forget(&self, group: &str, topic: &str, partition: i32) {
        let mut state = self.lock();
        if let (Some(group), Some(topic)) = (state.group(group), state.topic(topic)) {
            state.groups[group].committed.remove(&(topic, partition));
        }
    }

    /// The group's commit: offset and metadata.
    pub(crate) fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<(i64, String)> {
        let state = self.lock();
        let part = (state.topic(topic)?, partition);
        let stored = state.groups[state.group(group)?].committed.get(&part)?;
        Some((stored.offset, stored.metadata.clone()))
    }

    /// Every commit that was taken, from that one on, oldest first.
    pub(crate) fn history(&self, from: usize) -> Vec<Accepted> {
        self.lock().history.get(from..).unwrap_or_default().to_vec()
    }

    /// The partitions that the client takes for its own, in order.
    pub(crate) fn owned(&self, member: MemberId) -> Vec<TopicPartition> {
        let state = self.lock();
        let mut owned: Vec<_> = state.clients[member.0].owned.iter().map(|part| state.name(*part)).collect();
        owned.sort();
        owned
    }

    /// The generation or epoch that the client is in; -1 for none.
    pub(crate) fn generation(&self, member: MemberId) -> i32 {
        self.lock().clients[member.0].generation
    }

    /// Whether the client can be used: not closed, crashed, or of no more use.
    pub(crate) fn is_usable(&self, member: MemberId) -> bool {
        let state = self.lock();
        let client = &state.clients[member.0];
        client.alive && client.fatal.is_none()
    }

    /// Whether no rebalance is under way, no answer is owed, and each partition that a member wants is a member's.
    pub(crate) fn is_settled(&self) -> bool {
        let state = self.lock();
        !state.down && (0..state.groups.len()).all(|group| state.is_settled(group))
    }
}

/// Producers.
impl Cluster {
    pub(crate) fn producer(&self) -> SimProducer {
        let mut state = self.lock();
        state.producers += 1;
        let id = ProducerId(state.producers);
        drop(state);
        SimProducer::new(self.clone(), id)
    }

    /// How many records are on their way.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> usize {
        self.lock().sent.len()
    }

    /// Writes and acknowledges so many, oldest first; tells how many there were.
    pub(crate) fn acknowledge(&self, most: usize) -> usize {
        self.change(|state| state.acknowledge(most))
    }

    /// Writes and acknowledges the oldest of a key that is chosen at random.
    pub(crate) fn acknowledge_any(&self) -> bool {
        self.change(State::acknowledge_any)
    }

    /// Fails so many, oldest first; with `written` only the answers are lost.
    pub(crate) fn fail_sends(&self, most: usize, written: bool) -> usize {
        self.change(|state| state.fail_sends(most, written))
    }

    /// The process of a producer is killed: some of its records on their way arrive.
    pub(crate) fn crash_producer(&self, producer: ProducerId) {
        self.change(|state| state.crash_producer(producer));
    }
}

impl State {
    fn set_down(&mut self, down: bool) {
        if self.down == down {
            return;
        }
        self.down = down;
        if down {
            return;
        }
        // Sessions begin anew.
        let (now, until) = (self.now, self.now + self.settings.max_poll_interval);
        for group in &mut self.groups {
            for seat in &mut group.seats {
                seat.heard = now;
                seat.revoke_by = seat.revoke_by.map(|_| until);
            }
            if let Stage::Preparing { until: old } = &mut group.stage {
                *old = until;
            }
        }
        for index in 0..self.clients.len() {
            if self.clients[index].is_running() && self.clients[index].next.is_some() {
                self.contact_soon(index);
            }
        }
    }

    fn group(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|group| *group.name == *name)
    }

    fn group_or_new(&mut self, name: &str, protocol: Protocol) -> usize {
        let group = self.group(name).unwrap_or_else(|| {
            self.groups.push(Group::new(name, protocol));
            self.groups.len() - 1
        });
        let of = &mut self.groups[group];
        if of.seats.is_empty() {
            of.protocol = protocol;
        }
        assert_eq!(of.protocol, protocol, "the members of group {name} must speak the same protocol");
        group
    }

    /// Nothing is left of a client but its number.
    pub(super) fn bury(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.alive = false;
        client.next = None;
        client.owed = None;
        client.owned.clear();
        client.fetches.clear();
        client.events.clear();
    }

    fn is_settled(&self, group: usize) -> bool {
        let of = &self.groups[group];
        of.stage == Stage::Stable
            && self.clients.iter().filter(|client| client.group == group && client.is_running()).all(
                |client| {
                    let steady = client.phase == Phase::Steady || client.wanted.is_empty();
                    steady && client.owed.is_none()
                },
            )
            && of.seats.iter().all(|seat| {
                let mut owned = self.clients[seat.client].owned.clone();
                owned.sort_unstable();
                owned == of.share_of(seat.id)
            })
    }
}
