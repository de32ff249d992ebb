//! Goes on polling while user code holds the poll thread: the group must not take that for death, a revoke is answered,
//! and records that tasks finish are committed. Records that arrive are kept for the poll thread: the keeper runs no user code.
//!
//! **The keeper.** User code of the poll thread runs while nothing of the engine is locked (`Station`: one lock for everything
//! but the lanes' entries, which the poll thread takes out as a `LaneRun`). When it has run for a second, a second thread takes
//! the rounds (`keeper`) without running records: it polls, answers rebalances, collects, commits, and keeps records that arrive
//! for the poll thread. A revoke waits for the chunk up to its budget, then fences it; a stop ends within its budget though the
//! stage does not. One lock, the *role*, is held by the thread that fetches or changes lanes, so that no record that was fetched
//! for one assignment is taken for one of the next; records that the poll thread has in hand keep the position from being
//! believed.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use super::{rounds::Driver, station::Station};
use crate::{
    broker::{Broker, Source},
    error::{Error, catch},
};

/// How often it looks whether the poll thread is held up.
const LOOK: Duration = Duration::from_millis(250);

/// Runs until the poll thread has ended, or it ends the pipeline itself.
pub(super) fn run<B: Broker>(station: &Station<B>, poll_thread: &Receiver<()>) {
    if let Err(panicked) = catch(|| keep(station, poll_thread)) {
        // The poll thread may be held up for ever, so the end is told from here.
        station.finish(Some(Error::Engine(panicked.message)));
    }
}

fn keep<B: Broker>(station: &Station<B>, poll_thread: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = poll_thread.recv_timeout(LOOK) {
        if !station.is_held_up() {
            continue;
        }
        let Some(source) = station.source() else { return };
        tracing::debug!("a synchronous stage holds the poll thread: another thread polls meanwhile");
        let mut goes_on = true;
        while goes_on && station.is_held_up() {
            goes_on = turn(station, &source);
        }
        drop(source); // or the client could not end
        if !goes_on {
            return station.finish(None);
        }
    }
}

/// One round without user code; says whether there is another.
pub(crate) fn turn<B: Broker>(station: &Station<B>, source: &Arc<B::Source>) -> bool {
    let _role = station.role();
    if !station.with(Driver::attend).unwrap_or(false) {
        return false;
    }
    let Some(fetch) = station.with(|driver| driver.fetch_to_keep()) else { return false };
    source.poll(fetch.max, fetch.wait, &mut |records| {
        station.with(|driver| driver.lanes.keep(records));
    });
    station.with(Driver::look_after).is_some()
}
