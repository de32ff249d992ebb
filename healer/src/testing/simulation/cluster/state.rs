//! The state that everybody shares, and its changes with time.

use std::{sync::Arc, task::Waker, time::Duration};

use super::{
    client::{Client, Kind, Phase, Protocol, Wanted},
    commits::Accepted,
    group::{Group, Stage},
    log::{Topic, Tp},
    producer::Sent,
    rng::Rng,
    settings::Settings,
};
use crate::broker::{BrokerErrorKind, Event, TopicPartition};

/// The whole cluster with all its clients.
pub(super) struct State {
    pub(super) now: Duration,
    pub(super) rng: Rng,
    pub(super) settings: Settings,
    pub(super) down: bool,
    /// Every incarnation that ever was.
    pub(super) topics: Vec<Topic>,
    pub(super) groups: Vec<Group>,
    pub(super) clients: Vec<Client>,
    pub(super) history: Vec<Accepted>,
    pub(super) sent: Vec<Sent>,
    /// Tasks to wake once the lock is free.
    pub(super) wakers: Vec<Waker>,
    pub(super) serial: u64,
    pub(super) ids: u64,
    pub(super) producers: usize,
}

/// The event that is due next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Contact(usize),
    Poll(usize),
    Session { group: usize, seat: u64 },
    Revoke { group: usize, seat: u64 },
    Rebalance(usize),
}

impl State {
    pub(super) fn topic(&self, name: &str) -> Option<usize> {
        self.topics.iter().rposition(|topic| !topic.deleted && *topic.name == *name)
    }

    /// The partition of that name, where it exists now.
    pub(super) fn find(&self, partition: &TopicPartition) -> Option<Tp> {
        let topic = self.topic(&partition.topic)?;
        let number = usize::try_from(partition.partition).ok()?;
        (number < self.topics[topic].partitions.len()).then_some((topic, partition.partition))
    }

    pub(super) fn name(&self, (topic, partition): Tp) -> TopicPartition {
        TopicPartition { topic: Arc::clone(&self.topics[topic].name), partition }
    }

    /// When the next step of the protocol happens.
    pub(super) fn soon(&mut self) -> Duration {
        let most = usize::try_from(self.settings.latency.as_micros()).unwrap_or(usize::MAX - 1);
        if most == 0 {
            return self.now;
        }
        self.now + Duration::from_micros(self.rng.below(most + 1) as u64)
    }

    pub(super) fn contact_soon(&mut self, client: usize) {
        self.clients[client].next = Some(self.soon());
    }

    fn next_due(&self) -> Option<(Duration, Due)> {
        let mut first: Option<(Duration, Due)> = None;
        let mut offer = |at: Duration, due: Due| {
            if first.is_none_or(|(earliest, _)| at < earliest) {
                first = Some((at, due));
            }
        };
        for (index, client) in self.clients.iter().enumerate().filter(|(_, client)| client.is_running()) {
            if let Some(at) = client.next {
                offer(at, Due::Contact(index));
            }
            if client.phase != Phase::Unjoined && !client.overdue {
                offer(client.polled + self.settings.max_poll_interval, Due::Poll(index));
            }
        }
        if !self.down {
            for (index, group) in self.groups.iter().enumerate() {
                for seat in &group.seats {
                    // A member that waits for a join to end sends no heartbeats.
                    if !(seat.joined && matches!(group.stage, Stage::Preparing { .. })) {
                        let at = seat.heard + self.settings.session_timeout;
                        offer(at, Due::Session { group: index, seat: seat.id });
                    }
                    if let Some(at) = seat.revoke_by {
                        offer(at, Due::Revoke { group: index, seat: seat.id });
                    }
                }
                if let Stage::Preparing { until } = group.stage {
                    offer(until, Due::Rebalance(index));
                }
            }
        }
        first
    }

    /// Lets everything happen that is due until then.
    pub(super) fn advance(&mut self, to: Duration) {
        let to = to.max(self.now);
        while let Some((at, due)) = self.next_due()
            && at <= to
        {
            self.now = self.now.max(at);
            match due {
                Due::Contact(client) => self.contact(client),
                Due::Poll(client) => self.poll_exceeded(client),
                Due::Session { group, seat } | Due::Revoke { group, seat } => self.evict(group, seat),
                Due::Rebalance(group) => self.join_is_over(group),
            }
        }
        self.now = to;
    }

    /// A client talks to its group's coordinator.
    fn contact(&mut self, index: usize) {
        let heartbeat = self.now + self.settings.heartbeat;
        let client = &mut self.clients[index];
        client.next = Some(heartbeat);
        if self.down {
            self.silence(index);
            return;
        }
        client.heard = self.now;
        match client.protocol {
            Protocol::Consumer => self.contact_consumer(index),
            Protocol::Eager | Protocol::Cooperative => self.contact_classic(index),
        }
        self.look_for_topics(index);
    }

    /// A classic client counts the session itself.
    fn silence(&mut self, index: usize) {
        let client = &self.clients[index];
        let over = self.now >= client.heard + self.settings.session_timeout;
        if over && client.protocol != Protocol::Consumer && client.phase != Phase::Unjoined {
            self.kick(index);
        }
    }

    /// A classic client complains once about a topic that it names and that is not there.
    fn look_for_topics(&mut self, index: usize) {
        let client = &self.clients[index];
        if client.protocol == Protocol::Consumer {
            return;
        }
        let missing = client.wanted.iter().find_map(|wanted| match wanted {
            Wanted::Name(name) if self.topic(name).is_none() => Some(Arc::clone(name)),
            _ => None,
        });
        let told = std::mem::replace(&mut self.clients[index].misses_topic, missing.is_some());
        if let Some(name) = missing
            && !told
        {
            let text = format!("subscribed topic not available: {name}: unknown topic or partition");
            let error = super::error(BrokerErrorKind::UnknownTopic, text);
            self.clients[index].events.push(Event::Error(error));
        }
    }

    /// The client is no member any more, and all it has is lost.
    pub(super) fn kick(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.id = 0;
        client.generation = -1;
        client.phase = Phase::Unjoined;
        client.next = None;
        if client.owed.is_some() {
            client.kicked = true;
            return;
        }
        client.added = None;
        client.rejoin = false;
        if client.owned.is_empty() {
            self.contact_soon(index);
        } else {
            let lost = client.owned.clone();
            client.ask(Kind::Lose, lost);
        }
    }

    /// The client is of no more use; the application is told, and no rebalance comes any more.
    pub(super) fn doom(&mut self, index: usize, text: String) {
        let client = &mut self.clients[index];
        let error = super::error(BrokerErrorKind::Fatal, text.clone());
        client.events.push(Event::Error(error));
        client.fatal = Some(text);
        client.owed = None;
        client.next = None;
        client.id = 0;
        client.generation = -1;
        client.owned.clear();
        client.fetches.clear();
    }

    /// The application has not polled for too long: the client leaves by itself.
    fn poll_exceeded(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.overdue = true;
        let text = "application maximum poll interval exceeded; the group has taken the partitions away";
        client.events.push(Event::Error(super::error(BrokerErrorKind::Transient, text.to_owned())));
        self.leave(index);
        self.kick(index);
    }

    /// Tells the coordinator that a member goes. Static members stay: they may come back.
    pub(super) fn leave(&mut self, index: usize) {
        let Client { group, id, protocol, ref instance, .. } = self.clients[index];
        if self.down || id == 0 {
            return;
        }
        match (instance, protocol) {
            (None, _) => self.evict(group, id),
            (Some(_), Protocol::Consumer) => {
                if let Some(seat) = self.groups[group].seat_mut(id) {
                    seat.away = true;
                }
            }
            (Some(_), _) => {}
        }
    }

    /// The application has answered.
    pub(super) fn answered(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if client.owed.take().is_none() {
            return;
        }
        if std::mem::take(&mut client.kicked) {
            self.kick(index);
        } else if let Some(added) = client.added.take() {
            client.ask(Kind::Assign, added);
        } else {
            if std::mem::take(&mut client.rejoin) {
                client.phase = Phase::Unjoined;
            }
            self.contact_soon(index);
        }
    }
}
