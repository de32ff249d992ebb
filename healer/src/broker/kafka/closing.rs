//! A client ends on a thread of its own: librdkafka waits for the group, and with the broker down it waits long.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rdkafka::consumer::{Consumer as _, RebalanceProtocol};

use super::{
    context::{Consumer, Owed},
    lists,
};
use crate::broker::BrokerError;

/// How often a request that is still under way is looked after.
const TICK: Duration = Duration::from_millis(10);

/// Leaves the group and drops the client in the background; the channel closes when that is done.
pub(super) fn start(consumer: Arc<Consumer>) -> mpsc::Receiver<()> {
    let (done, wait) = mpsc::channel();
    let leave = move || {
        leave(consumer);
        drop(done);
    };
    if let Err(error) = thread::Builder::new().name("healer-kafka-close".into()).spawn(leave) {
        // The closure is gone and the client with it, on this thread.
        tracing::warn!(%error, "no thread could be started to leave the group");
    }
    wait
}

fn leave(mut consumer: Arc<Consumer>) {
    consumer.context().close();
    // A rebalance without an answer would keep the client alive for ever.
    if let Err(error) = answer(&consumer) {
        tracing::debug!(%error, "the last rebalance was not answered");
    }
    // A request of another thread may still hold the client.
    loop {
        match Arc::try_unwrap(consumer) {
            Ok(last) => break drop(last),
            Err(shared) => consumer = shared,
        }
        thread::sleep(TICK);
    }
}

fn answer(consumer: &Consumer) -> Result<(), BrokerError> {
    let answered = match (consumer.context().take_owed(), consumer.rebalance_protocol()) {
        (None, _) => Ok(()),
        (Some(Owed::Assign), RebalanceProtocol::Cooperative) => {
            consumer.incremental_assign(&lists::plain(&[])?)
        }
        (Some(Owed::Unassign(partitions)), RebalanceProtocol::Cooperative) => {
            consumer.incremental_unassign(&lists::plain(&partitions)?)
        }
        (Some(_), _) => consumer.unassign(),
    };
    answered.map_err(|error| super::errors::failed("leaving the group", &error, &consumer.context().voice))
}
