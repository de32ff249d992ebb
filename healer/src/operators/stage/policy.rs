//! The failure policy of a stage, and which of its calls it reports.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::{breaker::Breaker, rate::Rate};
use crate::{context::Context, topology::OnError};

/// Which calls of a stage are reported with their input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// None: a failure is reported without.
    Never,
    /// Those that fail.
    Errors,
    /// All: also those that finish are reported.
    All,
}

/// The failure policy in a stage's attribute, whose texts the macro has read.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How often a record is tried in all.
    pub attempts: u32,
    /// The first pause and the longest.
    pub backoff: (Duration, Duration),
    /// Whether a random part is added to each pause, up to as much again.
    pub jitter: bool,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// The time from one call to the next.
    pub rate: Option<Duration>,
    /// After how many failures in a row it rests, and for how long.
    pub breaker: Option<(u32, Duration)>,
    /// Whether the rows of a batch that failed its last attempt are tried apart.
    pub split: bool,
    /// Whether later records of a key become dead letters, too, once one has.
    pub quarantine: bool,
    /// The policy after the last attempt; the pipeline's where it is `None`.
    pub on_error: Option<LastResort>,
}

/// An [`OnError`] that a constant can hold.
#[derive(Clone, Copy, Debug)]
pub enum LastResort {
    /// The pipeline stops.
    Stop,
    /// The record is skipped.
    Skip,
    /// It goes to this topic.
    DeadLetter(&'static str),
    /// It goes to the topic that the configuration names.
    ConfiguredDeadLetter,
}

impl LastResort {
    pub(super) fn on_error(self) -> OnError {
        match self {
            Self::Stop => OnError::Stop,
            Self::Skip => OnError::Skip,
            Self::DeadLetter(topic) => OnError::dead_letter(topic),
            Self::ConfiguredDeadLetter => OnError::ConfiguredDeadLetter,
        }
    }
}

impl Policy {
    /// One attempt of any length; then the pipeline stops.
    pub const NONE: Self = Self {
        attempts: 1,
        backoff: (Duration::from_millis(100), Duration::from_secs(10)),
        jitter: true,
        timeout: None,
        rate: None,
        breaker: None,
        split: false,
        quarantine: false,
        on_error: None,
    };
}

/// A policy as its node has it.
#[derive(Debug)]
pub(in crate::operators) struct Handling {
    pub(super) attempts: u32,
    least: Duration,
    most: Duration,
    jitter: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) rate: Option<Rate>,
    pub(super) breaker: Option<Breaker>,
    pub(super) splits: bool,
}

impl Handling {
    pub(super) fn new(policy: &Policy) -> Self {
        let Policy { attempts, backoff: (least, most), jitter, timeout, split: splits, .. } = *policy;
        let rate = policy.rate.map(Rate::new);
        let breaker = policy.breaker.map(|(failures, pause)| Breaker::new(failures, pause));
        Self { attempts, least, most, jitter, timeout, rate, breaker, splits }
    }

    /// The pauses between the attempts at a record: the same for the same record.
    pub(super) fn pauses(&self, context: &Context) -> ExponentialBackoff {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.least)
            .with_max_delay(self.most)
            .without_max_times();
        let pauses = if self.jitter {
            // A seed of the record: records of a partition spread out, and a simulation repeats itself.
            let seed = context.emit_id().as_u64_pair().1;
            pauses.with_jitter().with_jitter_seed(seed)
        } else {
            pauses
        };
        pauses.build()
    }
}
