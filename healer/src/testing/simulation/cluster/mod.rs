//! A Kafka cluster and its clients in virtual time: no thread, no clock, no sleep, and chance out of one seed.
//!
//! [`Cluster::member`] gives a [`Broker`](crate::broker::Broker) and [`Cluster::producer`] a
//! [`Producer`](crate::broker::Producer); every call of theirs returns at once. Time passes in [`Cluster::advance`]
//! alone, and there heartbeats, rebalances, time-outs and evictions happen, in the order in which they are due.
//!
//! # Modelled
//! - **Logs**: compaction, aborted transactions and their markers, transactions that stay open, deleted records, truncation by an unclean leader
//!   election, topics that are deleted and made anew (their committed offsets go with them), more partitions.
//! - **Fetching** as librdkafka does it: explicit offsets, prefetching (so that records which are gone from the log may still
//!   come), `pause` and rebalances that throw away prefetched records, a position only after something was consumed, past markers
//!   at once and past other gaps with the next entry; an offset out of range stops the partition until it is sought or assigned.
//! - **Groups**: classic eager, classic cooperative, and KIP-848, one sticky assignor for all. Each rebalance event is owed one
//!   answer, and no partition delivers until it is given. A member that does not follow within `max_poll_interval` is evicted. A
//!   client that comes back after an eviction is told `Lost`. A classic client that hears nothing from the coordinator for a
//!   session gives its partitions up by itself.
//! - **Static members**: classic ones sit down on their old seat without a rebalance, and fence the client that sat there; with
//!   KIP-848 it is the newcomer that is refused unless the old one has left, so also after a crash until the session ends.
//! - **Commits**: the coordinator checks member and generation, not ownership; without members it takes a commit from any client
//!   without a generation. Each entry that it takes is in [`Cluster::history`].
//! - **Producers**: ordered by partition, bounded, acknowledged or failed when the driver says so; a crash leaves some written.
//!
//! # Not modelled
//! Brokers one by one, replication, retention by itself, open transactions that are committed (they are aborted),
//! authorization, quotas, sizes; requests take no time; the client's metadata is never stale, except that a classic client does
//! not notice a topic that was made anew at once. A client that is thrown out while it owes an answer is told `Lost` right after
//! that answer, where librdkafka's classic client might keep partitions that it happens to be given again.

mod broker;
mod classic;
mod client;
mod commits;
mod consumer;
mod control;
mod group;
mod log;
mod producer;
mod remote;
mod rng;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod topics;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use broker::SimBroker;
pub(crate) use client::Protocol;
pub(crate) use commits::{Accepted, CommitFault};
pub(crate) use log::{Entry, Log, Record};
pub(crate) use producer::SimProducer;
pub(crate) use remote::{Learned, Listener};
pub(crate) use rng::Rng;
pub(crate) use settings::Settings;

use crate::broker::{BrokerError, BrokerErrorKind};
use state::State;

/// The id that every cluster of a simulation tells.
pub(crate) const CLUSTER: &str = "simulated";

/// A client that was made by [`Cluster::member`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(pub(crate) usize);

/// A client that was made by [`Cluster::producer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProducerId(pub(crate) usize);

/// The cluster; clones are the same one.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Mutex<State>>);

impl Cluster {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and wakes the tasks that waited for it once the lock is free.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(std::task::Waker::wake);
        result
    }
}

fn error(kind: BrokerErrorKind, text: String) -> BrokerError {
    BrokerError { kind, text }
}
