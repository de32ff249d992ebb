//! KIP-848: the coordinator moves partitions, and each member follows at its own pace.

use super::{
    client::{Client, Kind, Phase},
    state::State,
};

impl State {
    pub(super) fn contact_consumer(&mut self, index: usize) {
        if self.clients[index].phase == Phase::Unjoined && !self.enter(index) {
            return;
        }
        self.reconcile(index);
    }

    /// The first heartbeat. False where it stays out.
    fn enter(&mut self, index: usize) -> bool {
        let client = &self.clients[index];
        if client.overdue || client.owed.is_some() || client.wanted.is_empty() {
            self.clients[index].next = None;
            return false;
        }
        let Client { group, ref instance, .. } = *client;
        let of = &self.groups[group];
        let old = of.seats.iter().find(|seat| seat.instance.is_some() && seat.instance == *instance);
        match old.map(|seat| (seat.id, seat.away)) {
            Some((old, true)) => self.take_over(index, old),
            Some((_, false)) => {
                let text = "unreleased: another member uses the same `group.instance.id`, or has not said good-bye: \
                            give each instance its own, or wait for the session to end";
                self.doom(index, text.to_owned());
                return false;
            }
            None => {
                self.add_seat(index);
                self.unsettle(group);
            }
        }
        self.clients[index].phase = Phase::Steady;
        true
    }

    fn reconcile(&mut self, index: usize) {
        if self.sit(index).is_none() {
            return;
        }
        let Client { group, id, ref owned, ref owed, .. } = self.clients[index];
        let by = self.now + self.settings.max_poll_interval;
        let gives_back = owed.as_ref().is_some_and(|owed| owed.kind == Kind::Revoke);
        let of = &mut self.groups[group];
        let mut target = of.share_of(id);
        let generation = of.generation;
        let taken: Vec<_> = of
            .seats
            .iter()
            .filter(|s| s.id != id)
            .flat_map(|s| s.assigned.iter().chain(&s.holds))
            .copied()
            .collect();
        let Some(seat) = of.seat_mut(id) else { return };
        if !gives_back && seat.holds.iter().all(|part| !owned.contains(part)) {
            seat.holds.clear();
            seat.revoke_by = None;
        }
        if seat.holds.is_empty() {
            seat.holds = seat.assigned.iter().filter(|part| !target.contains(part)).copied().collect();
            if seat.holds.is_empty() {
                seat.epoch = generation;
                target.retain(|part| !taken.contains(part));
                seat.assigned = target;
            } else {
                seat.assigned.retain(|part| target.contains(part));
                seat.revoke_by = Some(by);
            }
        }
        let (assigned, epoch) = (seat.assigned.clone(), seat.epoch);
        let client = &mut self.clients[index];
        client.generation = epoch;
        if client.owed.is_some() {
            return;
        }
        let revoked: Vec<_> = client.owned.iter().filter(|part| !assigned.contains(part)).copied().collect();
        let added: Vec<_> = assigned.into_iter().filter(|part| !client.owned.contains(part)).collect();
        if !revoked.is_empty() {
            client.ask(Kind::Revoke, revoked);
            client.added = Some(added);
        } else if !added.is_empty() {
            client.ask(Kind::Assign, added);
        }
    }
}
