//! The properties of librdkafka's two clients: healer's defaults, over them the user's, over them those that healer owns.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Config, Protocol,
    names::{Side, canonical, side},
    source::Source,
};

/// healer's defaults, which a user's value replaces.
const CONSUMER_DEFAULTS: [(&str, &str); 3] = [
    ("client.id", "healer"),
    // the fetcher rests so long each time its queue is full; at librdkafka's 1000 it rests most of the time
    ("fetch.queue.backoff.ms", "10"),
    // measured: as fast as 65536 (librdkafka's), with a third of the memory
    ("queued.max.messages.kbytes", "4096"),
];
const CONSUMER_OWNED: [(&str, &str); 4] = [
    // commits are healer's own, of explicit offsets
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // `start` and `out_of_range` decide, never the client
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "false"),
];
const PRODUCER_DEFAULTS: [(&str, &str); 2] = [("client.id", "healer"), ("linger.ms", "5")];
const PRODUCER_OWNED: [(&str, &str); 3] = [
    ("enable.idempotence", "true"),
    ("acks", "all"),
    // as Java producers place keys; librdkafka's default is another
    ("partitioner", "murmur2_random"),
];

/// After how long a record that waits for its acknowledgement is told of.
const LATE: Duration = Duration::from_secs(10);

/// The properties of one client by name, with the source of each.
pub(super) type Effective<'a> = BTreeMap<&'a str, (&'a str, Source)>;

impl Config {
    /// The properties of the consumer: healer's defaults, the user's properties that are not for producers alone, and
    /// those that healer sets itself. `group.id` is there once the group is known
    /// ([`with_default_group`](Self::with_default_group)).
    ///
    /// The values are **not** redacted.
    pub fn consumer_properties(&self) -> BTreeMap<String, String> {
        owned(self.effective(Side::Consumer))
    }

    /// The properties of the producer, made as for [`consumer_properties`](Self::consumer_properties).
    ///
    /// A pipeline's sinks wait for the broker as long as it takes: of `message.timeout.ms` (`delivery.timeout.ms`) they only take when to
    /// say so, at the latest after ten seconds, and `retries` they do not take at all.
    ///
    /// The values are **not** redacted.
    pub fn producer_properties(&self) -> BTreeMap<String, String> {
        owned(self.effective(Side::Producer))
    }

    /// After how long it is told that a record waits for its acknowledgement: ten seconds, or the user's time-out of a
    /// message where that is less. Nothing fails then.
    pub(crate) fn late_after(&self) -> Duration {
        let asked = self.properties.iter().find(|(name, _)| canonical(name) == "message.timeout.ms");
        let asked = asked.and_then(|(_, given)| given.value.trim().parse().ok()).filter(|millis| *millis > 0);
        asked.map_or(LATE, |millis| LATE.min(Duration::from_millis(millis)))
    }

    pub(super) fn effective(&self, of: Side) -> Effective<'_> {
        let (defaults, fixed): (&[_], &[_]) = match of {
            Side::Consumer => (&CONSUMER_DEFAULTS, &CONSUMER_OWNED),
            Side::Producer => (&PRODUCER_DEFAULTS, &PRODUCER_OWNED),
        };
        let mut all = Effective::new();
        for (name, value) in defaults {
            // under none of its names, or the client would take whichever it sees last
            if !self.properties.keys().any(|given| canonical(given) == canonical(name)) {
                all.insert(name, (value, Source::Default));
            }
        }
        for (name, given) in &self.properties {
            if side(name).is_none_or(|only| only == of) {
                all.insert(name, (&given.value, given.source.clone()));
            }
        }
        for (name, value) in fixed {
            all.insert(name, (value, Source::Fixed));
        }
        all.insert("bootstrap.servers", (self.brokers(), self.settings.source("brokers").clone()));
        if of == Side::Consumer {
            self.group_properties(&mut all);
        }
        all
    }

    fn group_properties<'a>(&'a self, all: &mut Effective<'a>) {
        if let Some(group) = self.group() {
            all.insert("group.id", (group, self.settings.source("group").clone()));
        }
        let source = self.settings.source("protocol").clone();
        match self.protocol() {
            Protocol::Classic => {
                all.insert("group.protocol", ("classic", source));
                all.insert("partition.assignment.strategy", ("cooperative-sticky", Source::Fixed));
            }
            // the assignor is the broker's, and setting one here is an error of the client
            Protocol::Consumer => {
                all.insert("group.protocol", ("consumer", source));
            }
        }
    }
}

fn owned(effective: Effective<'_>) -> BTreeMap<String, String> {
    effective.into_iter().map(|(name, (value, _))| (name.to_owned(), value.to_owned())).collect()
}
