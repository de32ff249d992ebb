//! Finds out that brokers are back. librdkafka says when the last one has gone, and nothing when one has come.
//!
//! **Outage.** librdkafka says when the last broker has gone and nothing when one is back, so a thread asks until somebody
//! answers; only an answer to a question asked after the loss ends it (a record may have been prefetched). No outage ends a
//! pipeline that runs: `Handle::health` says since when and why.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use rdkafka::consumer::Consumer as _;

use super::{metadata, remote::Link};

/// How long a question waits; closing waits as long at worst.
const WAIT: Duration = Duration::from_millis(500);
/// How long to rest between two: while one waits, librdkafka looks a hundred times a second.
const REST: Duration = Duration::from_secs(1);

/// Asks until somebody answers, on a thread of its own, which ends with the outage or the client.
pub(super) fn start(link: &Arc<Link>) {
    if link.watched.swap(true, Ordering::AcqRel) {
        return;
    }
    let watched = Arc::clone(link);
    let watch = move || {
        loop {
            while ask(&watched) {
                thread::sleep(REST);
            }
            watched.watched.store(false, Ordering::Release);
            // A thread that saw the next outage just now took this one for still at work.
            if !watched.is_out() || watched.watched.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("healer-kafka-watch".into()).spawn(watch) {
        link.watched.store(false, Ordering::Release);
        tracing::warn!(%error, "no thread could be started to see when brokers are back");
    }
}

/// Whether to ask again.
fn ask(link: &Link) -> bool {
    let Some(consumer) = link.consumer().ok().filter(|_| link.is_out()) else {
        return false;
    };
    let client_errors = &consumer.context().client_errors;
    // The answer itself ends the outage.
    metadata::fetch(consumer.client(), link.topic(), WAIT, client_errors, || {}).is_err()
}
