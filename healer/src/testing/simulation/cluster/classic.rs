//! The classic protocol: all join, one of them shares, all are told.

use super::{
    client::{Client, Kind, Phase, Protocol},
    group::Stage,
    log::Tp,
    state::State,
};

impl State {
    /// All have to join anew.
    pub(super) fn prepare(&mut self, group: usize) {
        let until = self.now + self.settings.max_poll_interval;
        let of = &mut self.groups[group];
        if of.seats.is_empty() {
            of.stage = Stage::Stable;
            of.generation += 1;
            return;
        }
        if !matches!(of.stage, Stage::Preparing { .. }) {
            of.stage = Stage::Preparing { until };
            of.seats.iter_mut().for_each(|seat| seat.joined = false);
            self.wake_waiting(group);
        }
        self.end_join(group);
    }

    /// Clients that wait for the coordinator's word get it.
    fn wake_waiting(&mut self, group: usize) {
        for index in 0..self.clients.len() {
            let client = &self.clients[index];
            if client.group == group
                && client.is_running()
                && matches!(client.phase, Phase::Joining | Phase::Syncing)
            {
                self.contact_soon(index);
            }
        }
    }

    /// Ends the join once everybody is there.
    fn end_join(&mut self, group: usize) {
        let (now, of) = (self.now, &mut self.groups[group]);
        if matches!(of.stage, Stage::Preparing { .. }) && of.seats.iter().all(|seat| seat.joined) {
            of.stage = Stage::Completing;
            of.generation += 1;
            of.seats.iter_mut().for_each(|seat| seat.heard = now);
            self.wake_waiting(group);
        }
    }

    /// Members that have not joined in time are out, except static ones.
    pub(super) fn join_is_over(&mut self, group: usize) {
        let of = &mut self.groups[group];
        let before = of.seats.len();
        of.seats.retain(|seat| seat.joined || seat.instance.is_some());
        of.uneven |= of.seats.len() < before;
        if of.seats.iter().all(|seat| !seat.joined) {
            // Nobody came: begin anew.
            of.stage = Stage::Stable;
            return self.prepare(group);
        }
        let now = self.now;
        of.stage = Stage::Completing;
        of.generation += 1;
        of.seats.iter_mut().filter(|seat| seat.joined).for_each(|seat| seat.heard = now);
        self.wake_waiting(group);
    }

    pub(super) fn contact_classic(&mut self, index: usize) {
        match self.clients[index].phase {
            Phase::Unjoined => self.join(index),
            Phase::Joining => self.look_at_join(index),
            Phase::Syncing => self.sync(index),
            Phase::Steady => self.heartbeat(index),
        }
    }

    fn join(&mut self, index: usize) {
        let client = &self.clients[index];
        if client.overdue || client.owed.is_some() || client.wanted.is_empty() {
            self.clients[index].next = None;
            return;
        }
        let Client { group, id, ref instance, .. } = *client;
        let old = self.groups[group]
            .seats
            .iter()
            .find(|seat| seat.instance.is_some() && seat.instance == *instance);
        if let Some(old) = old.map(|seat| seat.id)
            && id != old
        {
            if id != 0 {
                self.sit(index);
                return;
            }
            self.take_over(index, old);
            // Partitions that its process before gave back and nobody took yet would be nobody's for ever: the real coordinator
            // leaves it so until the next rebalance, here that begins at once.
            let of = &self.groups[group];
            let taken = |part: &Tp| of.seats.iter().any(|seat| seat.assigned.contains(part));
            if of.stage == Stage::Stable && of.target.keys().all(taken) {
                // Nothing changes for anybody: the member is told the partitions that it had.
                let client = &mut self.clients[index];
                client.phase = Phase::Syncing;
                client.generation = self.groups[group].generation;
                return self.contact_soon(index);
            }
        } else if id == 0 {
            self.add_seat(index);
            self.groups[group].uneven = true;
        } else if self.sit(index).is_none() {
            return;
        }
        if !matches!(self.groups[group].stage, Stage::Preparing { .. }) {
            self.prepare(group);
        }
        self.take_part(index);
    }

    /// Joins the rebalance that is under way.
    fn take_part(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.phase = Phase::Joining;
        client.next = None;
        let (group, holds) = (client.group, client.owned.clone());
        let id = client.id;
        if let Some(seat) = self.groups[group].seat_mut(id) {
            seat.joined = true;
            seat.holds = holds;
        }
        self.end_join(group);
    }

    fn look_at_join(&mut self, index: usize) {
        let Some(joined) = self.sit(index).map(|seat| seat.joined) else { return };
        let of = &self.groups[self.clients[index].group];
        let client = &mut self.clients[index];
        match of.stage {
            Stage::Preparing { .. } if joined => client.next = None,
            Stage::Preparing { .. } => self.take_part(index),
            Stage::Completing | Stage::Stable => {
                client.generation = of.generation;
                client.phase = Phase::Syncing;
                self.contact_soon(index);
            }
        }
    }

    fn sync(&mut self, index: usize) {
        let Some(id) = self.sit(index).map(|seat| seat.id) else { return };
        let group = self.clients[index].group;
        if self.groups[group].stage == Stage::Completing {
            let leader = self.groups[group].seats.iter().find(|seat| seat.joined);
            if leader.is_none_or(|leader| leader.id != id) {
                self.clients[index].next = None;
                return;
            }
            self.hand_out(group);
            self.wake_waiting(group);
        }
        let of = &self.groups[group];
        if matches!(of.stage, Stage::Preparing { .. }) {
            return self.take_part(index);
        }
        self.clients[index].next = Some(self.now + self.settings.heartbeat);
        self.clients[index].phase = Phase::Steady;
        let assigned = of.seat(id).map(|seat| seat.assigned.clone()).unwrap_or_default();
        self.deliver(index, assigned);
    }

    /// The leader shares. Partitions that a cooperative member still holds are handed out only in the next rebalance.
    fn hand_out(&mut self, group: usize) {
        let Self { groups, topics, clients, .. } = self;
        let of = &mut groups[group];
        of.share(topics, clients);
        let held: Vec<(u64, Tp)> = of
            .seats
            .iter()
            .filter(|_| of.protocol == Protocol::Cooperative)
            .flat_map(|seat| {
                let held = if seat.joined { &seat.holds } else { &seat.assigned };
                held.iter().map(|part| (seat.id, *part))
            })
            .collect();
        for at in 0..of.seats.len() {
            let id = of.seats[at].id;
            let mut share = of.share_of(id);
            share.retain(|part| held.iter().all(|(holder, held)| held != part || *holder == id));
            of.seats[at].assigned = share;
        }
        of.stage = Stage::Stable;
    }

    fn deliver(&mut self, index: usize, assigned: Vec<Tp>) {
        let client = &mut self.clients[index];
        let revoked: Vec<Tp> = client.owned.iter().filter(|part| !assigned.contains(part)).copied().collect();
        let added: Vec<Tp> = assigned.into_iter().filter(|part| !client.owned.contains(part)).collect();
        if revoked.is_empty() {
            client.ask(Kind::Assign, added);
        } else {
            client.ask(Kind::Revoke, revoked);
            client.added = Some(added);
            client.rejoin = true;
        }
    }

    fn heartbeat(&mut self, index: usize) {
        let Some(joined) = self.sit(index).map(|seat| seat.joined) else { return };
        let Client { group, protocol, generation, ref owed, .. } = self.clients[index];
        let of = &self.groups[group];
        if generation != of.generation && !matches!(of.stage, Stage::Preparing { .. }) {
            // A static member that missed a join keeps its seat, and is told with its next heartbeat that its generation is over.
            return self.kick(index);
        }
        if joined || owed.is_some() || !matches!(self.groups[group].stage, Stage::Preparing { .. }) {
            return;
        }
        if protocol == Protocol::Cooperative {
            return self.take_part(index);
        }
        let client = &mut self.clients[index];
        let all = client.owned.clone();
        client.ask(Kind::Revoke, all);
        client.rejoin = true;
    }
}
