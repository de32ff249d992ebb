//! The knobs of a simulated cluster.

use std::time::Duration;

/// How cluster and clients behave; chances are per mille and 0 by default.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Of a member without heartbeat; 45 s.
    pub(crate) session_timeout: Duration,
    /// Between two heartbeats; 3 s.
    pub(crate) heartbeat: Duration,
    /// Between two polls, and for a member to follow a rebalance; 5 min.
    pub(crate) max_poll_interval: Duration,
    /// The longest time of a step of the group's protocol, drawn anew for each; none.
    pub(crate) latency: Duration,
    /// The broker's `offset.metadata.max.bytes`; 4,096.
    pub(crate) max_metadata: usize,
    /// Entries that a client fetches ahead for each partition; 64.
    pub(crate) prefetch: usize,
    /// Whether a reader is told that records which it has read were truncated, also where their offsets were written anew; yes.
    pub(crate) sees_truncation: bool,
    /// The partition of topics whose new records nobody acknowledges; none.
    pub(crate) stuck: Option<i32>,
    /// Records on their way before a producer is full; 1,000.
    pub(crate) queue: usize,
    /// Commits that fail, in one of the ways of [`CommitFault`](super::CommitFault) that mend themselves.
    pub(crate) commit_faults: u32,
    /// Other requests that fail.
    pub(crate) request_faults: u32,
    /// Polls that lend less than there is.
    pub(crate) short_polls: u32,
    /// Sends that find the producer full.
    pub(crate) full_queues: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(45),
            heartbeat: Duration::from_secs(3),
            max_poll_interval: Duration::from_mins(5),
            latency: Duration::ZERO,
            max_metadata: 4096,
            prefetch: 64,
            sees_truncation: true,
            stuck: None,
            queue: 1000,
            commit_faults: 0,
            request_faults: 0,
            short_polls: 0,
            full_queues: 0,
        }
    }
}
