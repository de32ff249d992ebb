//! A client ends on a thread of its own: librdkafka waits for the group, and with the broker down it waits long.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use rdkafka::consumer::{Consumer as _, RebalanceProtocol};

use super::{
    context::{Consumer, Owed},
    lists, raw,
};
use crate::broker::BrokerError;

/// How often a request that is still under way is looked after.
const TICK: Duration = Duration::from_millis(10);

/// How long a group's first answer to a new member is waited for: it takes one way to the coordinator and back.
const ANSWER: Duration = Duration::from_secs(5);

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
    be_let_in(&consumer);
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

/// With the protocol since Kafka 4, a client that closes while it asks to be let in does not leave: the group would give partitions to
/// a member that is gone, and nobody would read them until its session is over.
fn be_let_in(consumer: &Consumer) {
    if matches!(consumer.rebalance_protocol(), RebalanceProtocol::None) {
        // It has not subscribed. Or it has, with the classic protocol: then it leaves by its id, whether it was let in or not.
        return;
    }
    let end = Instant::now() + ANSWER;
    let is_member = || raw::generation(consumer).is_none_or(|generation| generation > 0);
    let is_hopeless =
        || consumer.context().client_errors.is_out() || consumer.client().fatal_error().is_some();
    while !is_member() && !is_hopeless() && Instant::now() < end {
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
    answered.map_err(|error| {
        super::errors::failed("leaving the group", &error, &consumer.context().client_errors)
    })
}
