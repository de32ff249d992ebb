//! A member to which the group gives no partitions, and why: after a start, or when all of them were taken away.
//!
//! **Waiting for partitions** (`driver/waits`): running, nothing assigned, and no start being looked up. The client does not say
//! why, so the reason names the possible causes, and how long a killed member counts with this protocol.

use std::time::Duration;

use super::rounds::Driver;
use serde::Serialize;

use crate::{
    broker::Broker,
    config::{Config, Protocol},
};

/// How long it may take before that is told.
const TELL_AFTER: Duration = Duration::from_secs(5);

/// How often it is told of again.
const AGAIN: Duration = Duration::from_mins(1);

/// A pipeline that runs and has no partitions, so that it can do nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WaitingForPartitions {
    /// Since the start, or since the last partition was taken away.
    #[serde(serialize_with = "crate::json::seconds")]
    pub lasting: Duration,
    /// Why, as far as this member knows, and how it becomes shorter.
    pub reason: String,
}

/// The group's last answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing yet: it still waits for other members, or has taken all away.
    #[default]
    None,
    /// That there is nothing for this member.
    Nothing,
}

/// Since when there is nothing to do.
#[derive(Debug, Default)]
pub(super) struct Waits {
    since: Option<Duration>,
    answer: Answer,
    told: Option<Duration>,
}

/// A message about the wait.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Waits { lasting: Duration, is_first: bool },
    Over { lasted: Duration },
}

impl Waits {
    /// The group has spoken.
    pub(super) fn hear(&mut self, answer: Answer) {
        self.answer = answer;
    }

    /// Notes whether there is nothing now; gives the message about that, where one is due.
    fn look(&mut self, waits: bool, now: Duration) -> Option<Told> {
        if !waits {
            let (since, told) = (self.since.take(), self.told.take());
            return told.and(since).map(|since| Told::Over { lasted: now.saturating_sub(since) });
        }
        let since = *self.since.get_or_insert(now);
        let (from, pause) = self.told.map_or((since, TELL_AFTER), |told| (told, AGAIN));
        if now.saturating_sub(from) < pause {
            return None;
        }
        let is_first = self.told.replace(now).is_none();
        Some(Told::Waits { lasting: now.saturating_sub(since), is_first })
    }

    /// How long there has been nothing, and the group's last answer; `None` where there are partitions.
    pub(super) fn lasting(&self, now: Duration) -> Option<(Duration, Answer)> {
        self.since.map(|since| (now.saturating_sub(since), self.answer))
    }
}

/// Why the group gives nothing, and the ways out.
#[derive(Clone, Debug)]
pub(super) struct Reasons {
    session: String,
    has_patterns: bool,
}

impl Reasons {
    pub(super) fn new(config: &Config, has_patterns: bool) -> Self {
        let session = match config.protocol() {
            Protocol::Consumer => {
                "its session is over (45 s, unless the brokers' `group.consumer.session.timeout.ms` or the group's \
                 `consumer.session.timeout.ms` says otherwise: a shorter one makes this shorter)"
                    .to_owned()
            }
            Protocol::Classic => {
                let properties = config.consumer_properties();
                let millis = properties.get("session.timeout.ms").and_then(|text| text.parse().ok());
                let session = humantime::format_duration(Duration::from_millis(millis.unwrap_or(45_000)));
                format!(
                    "its session is over ({session} here: a shorter `session.timeout.ms` makes this shorter, and a `group.instance.id` lets \
                     the same member have its partitions back at once)"
                )
            }
        };
        Self { session, has_patterns }
    }

    /// A reason that is known better comes first.
    pub(super) fn reason(&self, answer: Answer, outage: Option<String>, missing: Option<String>) -> String {
        if let Some(reason) = outage {
            return format!("no broker can be reached: {reason}");
        }
        if let Some(topic) = missing {
            return format!("a topic is gone: {topic}");
        }
        let Self { session, has_patterns } = self;
        let first = match answer {
            Answer::None => "the group has not given it any yet",
            Answer::Nothing => "the group has none for it",
        };
        let pattern = if *has_patterns { ", or no topic fits the pattern" } else { "" };
        format!(
            "{first}. Either a member that was killed still has them, until {session}; or another member is still giving them back; or there are \
             more members than partitions{pattern}. `kafka-consumer-groups.sh --describe --members --group …` shows who has them"
        )
    }
}

impl<B: Broker> Driver<B> {
    /// Notes whether the group has anything for this member, and says so where it has not for long.
    pub(super) fn look_for_partitions(&self, now: Duration) {
        let core = self.control.core();
        let waits =
            core.is_running() && core.parts().next().is_none() && self.assignments.unanswered.is_empty();
        drop(core);
        let told = self.control.waits().look(waits, now);
        match told {
            None => {}
            Some(Told::Waits { lasting, is_first }) => {
                let waiting = self.control.waiting(&*self.remote, now);
                let reason = waiting.map(|waiting| waiting.reason);
                let seconds = lasting.as_secs();
                if is_first {
                    tracing::warn!(seconds, reason, "waiting for partitions: nothing is read meanwhile");
                } else {
                    tracing::info!(seconds, reason, "still waiting for partitions");
                }
            }
            Some(Told::Over { lasted }) => {
                tracing::info!(seconds = lasted.as_secs(), "the wait for partitions is over");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, Reasons, Told, Waits};
    use crate::{Config, Protocol};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_member_without_partitions_says_so_after_a_while_and_again_and_when_it_is_over() {
        let mut waits = Waits::default();
        let mut look = |nothing, second| waits.look(nothing, second * SECOND);
        assert_eq!([look(true, 1), look(true, 5)], [None, None], "a start takes its time");
        let told = |lasting, is_first| Some(Told::Waits { lasting: lasting * SECOND, is_first });
        assert_eq!([look(true, 6), look(true, 7), look(true, 65)], [told(5, true), None, None]);
        assert_eq!([look(true, 66), look(true, 67)], [told(65, false), None]);
        assert_eq!(look(false, 70), Some(Told::Over { lasted: 69 * SECOND }));
        assert_eq!([look(false, 71), look(true, 72), look(false, 74)], [None, None, None], "a short one");
        assert_eq!([look(true, 75), look(true, 80)], [None, told(5, true)], "it counts anew");
    }

    fn reasons(protocol: Protocol, session: Option<&str>, has_patterns: bool) -> Reasons {
        let config = Config::builder().brokers("nowhere:9092").group("g").protocol(protocol);
        let config = match session {
            Some(millis) => config.set("session.timeout.ms", millis),
            None => config,
        };
        Reasons::new(&config.build().expect("the settings are right"), has_patterns)
    }

    #[test]
    fn the_reason_says_how_long_a_killed_member_counts_and_how_that_becomes_shorter() {
        let classic = reasons(Protocol::Classic, Some("6000"), false).reason(Answer::Nothing, None, None);
        for part in ["none for it", "6s", "`session.timeout.ms`", "`group.instance.id`", "more members"] {
            assert!(classic.contains(part), "{part}: {classic}");
        }
        let classic = reasons(Protocol::Classic, None, true).reason(Answer::None, None, None);
        assert!(classic.contains("45s") && classic.contains("no topic fits"), "{classic}");
        let consumer = reasons(Protocol::Consumer, None, false).reason(Answer::None, None, None);
        assert!(
            consumer.contains("45 s") && consumer.contains("group.consumer.session.timeout.ms"),
            "{consumer}"
        );
        assert!(!consumer.contains("no topic fits") && !consumer.contains("instance.id"), "{consumer}");
    }

    #[test]
    fn an_outage_and_a_topic_that_is_gone_are_better_reasons() {
        let reasons = reasons(Protocol::Consumer, None, false);
        let missing = Some("`t`".to_owned());
        assert_eq!(reasons.reason(Answer::None, None, missing.clone()), "a topic is gone: `t`");
        let outage = Some("refused".to_owned());
        assert_eq!(reasons.reason(Answer::None, outage, missing), "no broker can be reached: refused");
    }
}
