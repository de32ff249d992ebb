//! The coordinator's side of a group: its members, and the partitions that each is meant to have.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    client::{Client, Phase, Protocol},
    log::{Topic, Tp},
    rng::Rng,
    state::State,
};

/// A member as the coordinator knows it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: u64,
    pub(super) client: usize,
    pub(super) instance: Option<Arc<str>>,
    /// The last heartbeat.
    pub(super) heard: Duration,
    /// Classic: it has joined the rebalance that is under way.
    pub(super) joined: bool,
    /// Classic: the partitions that it said to have when it joined. KIP-848: those that it was told to give back and has not yet.
    pub(super) holds: Vec<Tp>,
    /// The partitions that it has been given.
    pub(super) assigned: Vec<Tp>,
    /// KIP-848: until when it has to give back.
    pub(super) revoke_by: Option<Duration>,
    pub(super) epoch: i32,
    /// KIP-848: a static member that has said it will come back.
    pub(super) away: bool,
}

/// Where a classic group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Stable,
    /// Waits for all to join.
    Preparing {
        until: Duration,
    },
    /// Waits for the leader's assignment.
    Completing,
}

/// The group's commit for a partition.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) offset: i64,
    pub(super) metadata: String,
}

/// One consumer group.
pub(super) struct Group {
    pub(super) name: Arc<str>,
    pub(super) protocol: Protocol,
    /// Classic: the generation. KIP-848: the group's epoch.
    pub(super) generation: i32,
    pub(super) stage: Stage,
    pub(super) seats: Vec<Seat>,
    pub(super) target: BTreeMap<Tp, u64>,
    /// Members or partitions have changed since all was shared.
    pub(super) uneven: bool,
    pub(super) committed: BTreeMap<Tp, Stored>,
}

impl Group {
    pub(super) fn new(name: &str, protocol: Protocol) -> Self {
        Self {
            name: name.into(),
            protocol,
            generation: 0,
            stage: Stage::Stable,
            seats: Vec::new(),
            target: BTreeMap::new(),
            uneven: false,
            committed: BTreeMap::new(),
        }
    }

    pub(super) fn seat(&self, id: u64) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.id == id)
    }

    pub(super) fn seat_mut(&mut self, id: u64) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.id == id)
    }

    pub(super) fn share_of(&self, id: u64) -> Vec<Tp> {
        self.target.iter().filter(|(_, owner)| **owner == id).map(|(part, _)| *part).collect()
    }

    /// Shares all partitions among the members; an owner keeps its partition unless shares are uneven.
    pub(super) fn share(&mut self, topics: &[Topic], clients: &[Client]) {
        let Self { seats, target, uneven, .. } = self;
        let wants = |owner: u64, (topic, _): Tp| {
            let seat = seats.iter().find(|seat| seat.id == owner);
            seat.is_some_and(|seat| clients[seat.client].wants(&topics[topic].name))
        };
        let exists = |(topic, number): Tp| {
            !topics[topic].deleted
                && usize::try_from(number).is_ok_and(|number| number < topics[topic].partitions.len())
        };
        target.retain(|part, owner| exists(*part) && wants(*owner, *part));
        let mut load: Vec<(usize, u64)> = seats
            .iter()
            .map(|seat| (target.values().filter(|owner| **owner == seat.id).count(), seat.id))
            .collect();
        for (index, topic) in topics.iter().enumerate().filter(|(_, topic)| !topic.deleted) {
            for part in (0..).take(topic.partitions.len()).map(|number| (index, number)) {
                if !target.contains_key(&part)
                    && let Some(least) =
                        load.iter_mut().filter(|(_, id)| wants(*id, part)).min_by_key(|(count, _)| *count)
                {
                    least.0 += 1;
                    target.insert(part, least.1);
                }
            }
        }
        if !std::mem::take(uneven) {
            return;
        }
        loop {
            let step = target.iter().find_map(|(part, owner)| {
                let has = load.iter().find(|(_, id)| id == owner)?.0;
                let least =
                    load.iter().filter(|(_, id)| wants(*id, *part)).min_by_key(|(count, _)| *count)?;
                (has > least.0 + 1).then_some((*part, *owner, least.1))
            });
            let Some((part, from, to)) = step else { break };
            target.insert(part, to);
            for (count, id) in &mut load {
                if *id == from {
                    *count -= 1;
                } else if *id == to {
                    *count += 1;
                }
            }
        }
    }

    /// Gives some partitions to somebody else, at random.
    fn shuffle(&mut self, rng: &mut Rng, topics: &[Topic], clients: &[Client]) {
        for (part, owner) in &mut self.target {
            if rng.chance(500) {
                let seat = &self.seats[rng.below(self.seats.len())];
                if clients[seat.client].wants(&topics[part.0].name) {
                    *owner = seat.id;
                }
            }
        }
    }
}

impl State {
    /// The group's members or partitions have changed.
    pub(super) fn unsettle(&mut self, group: usize) {
        self.groups[group].uneven = true;
        self.rebalance(group, false);
    }

    /// Starts a rebalance; with `shuffle` some partitions move without need.
    pub(super) fn rebalance(&mut self, group: usize, shuffle: bool) {
        let Self { groups, topics, clients, rng, .. } = self;
        let of = &mut groups[group];
        if shuffle && !of.seats.is_empty() {
            of.shuffle(rng, topics, clients);
        }
        if of.protocol == Protocol::Consumer {
            of.generation += 1;
            of.share(topics, clients);
        } else {
            self.prepare(group);
        }
    }

    /// The coordinator throws a member out.
    pub(super) fn evict(&mut self, group: usize, id: u64) {
        let seats = &mut self.groups[group].seats;
        let Some(at) = seats.iter().position(|seat| seat.id == id) else { return };
        let index = seats.remove(at).client;
        self.unsettle(group);
        let client = &self.clients[index];
        // A client that waits for the coordinator's word hears it now, any other with its next heartbeat.
        if client.id == id && client.is_running() && client.next.is_none() && client.phase != Phase::Unjoined
        {
            self.contact_soon(index);
        }
    }

    /// Brings a client's seat, or none where the coordinator does not know it (any more): it is told so.
    pub(super) fn sit(&mut self, index: usize) -> Option<&mut Seat> {
        let now = self.now;
        let Client { group, id, ref instance, .. } = self.clients[index];
        let seats = &self.groups[group].seats;
        if let Some(at) = seats.iter().position(|seat| seat.id == id) {
            let seat = &mut self.groups[group].seats[at];
            seat.heard = now;
            return Some(seat);
        }
        if instance.is_some() && seats.iter().any(|seat| seat.instance == *instance) {
            let text = "fenced: another member uses the same `group.instance.id`: give each instance its own";
            self.doom(index, text.to_owned());
        } else {
            self.kick(index);
        }
        None
    }

    /// A seat for a new member.
    pub(super) fn add_seat(&mut self, index: usize) -> u64 {
        self.ids += 1;
        let client = &mut self.clients[index];
        client.id = self.ids;
        let (id, instance, heard) = (self.ids, client.instance.clone(), self.now);
        self.groups[client.group].seats.push(Seat {
            id,
            client: index,
            instance,
            heard,
            joined: false,
            holds: Vec::new(),
            assigned: Vec::new(),
            revoke_by: None,
            epoch: 0,
            away: false,
        });
        id
    }

    /// A static member sits down on its old seat under a new name.
    pub(super) fn take_over(&mut self, index: usize, old: u64) {
        self.ids += 1;
        let new = self.ids;
        let now = self.now;
        let group = &mut self.groups[self.clients[index].group];
        if let Some(seat) = group.seat_mut(old) {
            seat.id = new;
            seat.client = index;
            seat.heard = now;
            seat.away = false;
        }
        group.target.values_mut().filter(|owner| **owner == old).for_each(|owner| *owner = new);
        self.clients[index].id = new;
    }
}
