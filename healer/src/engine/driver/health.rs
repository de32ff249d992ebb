//! Whether a pipeline is well.

use crate::{
    broker::{Outage, Remote},
    engine::CommitHealth,
};

use super::control::Control;

/// How a pipeline is; what `/health` of a service would say.
///
/// An outage ends no pipeline: it goes on by itself when a broker answers again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether it runs.
    pub phase: Phase,
    /// No broker can be reached; `None` while one can.
    pub outage: Option<Outage>,
    /// How commits go.
    pub commits: CommitHealth,
    /// What the client said last of a topic that is gone; `None` again when partitions are assigned. With the `consumer`
    /// protocol the group takes the partitions of such a topic away without a word.
    pub missing_topic: Option<String>,
}

/// How far a pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It takes records.
    Running,
    /// It takes no more records, and finishes and commits those in flight.
    Draining,
    /// It has ended.
    Ended,
}

impl Health {
    /// Whether it runs, a broker can be reached, the last commit was acknowledged, and no topic is missing.
    pub fn is_well(&self) -> bool {
        let Self { phase, outage, commits, missing_topic } = self;
        *phase == Phase::Running && outage.is_none() && commits.failures == 0 && missing_topic.is_none()
    }
}

impl Control {
    pub(super) fn health(&self, remote: &dyn Remote) -> Health {
        let now = self.now();
        let core = self.core();
        let phase = match (self.ended.borrow().is_some(), core.is_running()) {
            (true, _) => Phase::Ended,
            (false, true) => Phase::Running,
            (false, false) => Phase::Draining,
        };
        let commits = core.commits(now);
        drop(core);
        Health { phase, outage: remote.outage(), commits, missing_topic: self.missing_topic() }
    }
}
