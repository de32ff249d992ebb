//! Carries out the core's actions with threads and tokio. Nothing else in healer starts a thread or a task.
//!
//! **Threads.** One poll thread a pipeline, its keeper, one thread that commits, one that writes to the store, one that looks up
//! starts, and one for all other questions once there is one; async work runs on the tokio runtime in which the pipeline was
//! started, synchronous batch stages, `blocking` and parallel synchronous ones on its blocking pool. Nodes and driver reach
//! threads, tasks and time only through the trait `Runtime`: the seam at which the simulation is another world.

mod act;
mod assign;
mod backlog;
mod begun;
mod committer;
mod control;
mod dropped;
mod ends;
mod finish;
mod handle;
mod health;
mod keeper;
mod lane;
mod lanes;
mod lookups;
mod open;
mod out_of_range;
mod patience;
mod piece;
mod poll_loop;
mod prepare;
mod report;
mod rounds;
mod saver;
mod saves;
mod seek;
mod station;
mod tokio_runtime;
mod waits;
mod workers;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use healer_store::StoreError;
use tokio::runtime;

pub(crate) use handle::Leash;
pub use handle::{Commits, CommittedOffset, Handle};
pub use health::{Health, Phase};
#[cfg(feature = "testing")]
pub(crate) use keeper::turn as keep;
pub use report::{PartitionReport, Report};
pub use saves::SaveHealth;
pub use seek::{SeekError, SeekTo};
pub use waits::WaitingForPartitions;

use self::{
    out_of_range::Suspect,
    seek::{Found, Sought},
    tokio_runtime::TokioRuntime,
    workers::Ran,
};
pub(crate) use self::{poll_loop::PollLoop, prepare::prepare, station::Station};
use super::core::Start;
use crate::{
    broker::{Broker, BrokerError, CommitError, Producer, TopicPartition, Topics, Watermarks},
    config::Config,
    error::{Error, catch},
    lane::Entry,
    reports::FailureReporter,
    topology::{Graph, OnError, States},
};

/// An answer from one of the engine's own threads.
pub(crate) enum Message {
    Committed(Result<(), CommitError>),
    /// The store has the save of this number.
    Saved(u64),
    Store(StoreError),
    /// A lane is back from a thread of its own.
    Ran(Box<Ran>),
    /// A thread of the engine came to an end that it must not come to.
    Broke(Error),
    /// Where partitions start, for these assignments.
    Starts(Vec<u64>, Result<Vec<Start>, Error>),
    /// The watermarks of partitions one of which is read out of range.
    Watermarks(Vec<Suspect>, Result<Vec<Watermarks>, Error>),
    /// The group's committed offsets of partitions of others.
    Group(Result<BTreeMap<TopicPartition, i64>, Error>),
    /// Where the logs of partitions end.
    Ends(Result<BTreeMap<TopicPartition, Watermarks>, Error>),
    /// Where a partition is to be read from.
    Sought(Sought, Result<Found, Error>),
}

/// How long to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Until it is stopped.
    Forever,
    /// Until the group's committed offsets reach the end offsets of the start.
    UntilEnd,
}

/// A pipeline that was built and found right.
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) graph: Graph,
    /// The error policy of nodes that have none of their own.
    pub(crate) on_error: OnError,
    /// The number of each source, its topics, and its chain.
    pub(crate) sources: Vec<(u32, Topics, Arc<dyn Entry>)>,
    pub(crate) states: States,
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn healer_store::Store>,
    pub(crate) mode: Mode,
    pub(crate) reporter: Option<Arc<dyn FailureReporter>>,
    /// Whether it stops at the first failure, even if its nodes say otherwise.
    pub(crate) always_stops: bool,
}

/// How to reach a broker; the seam at which the engine meets another than Kafka.
pub(crate) trait Connect {
    type Broker: Broker;
    /// How long a start asks again when an answer says something that may pass.
    fn patience(&self, config: &Config) -> Duration;
    fn broker(&self, config: &Config) -> Result<Self::Broker, BrokerError>;
    fn producer(&self, config: &Config) -> Result<Arc<dyn Producer>, BrokerError>;
}

/// Connects, makes the checks that need a broker, and starts the engine's threads. If nobody waits for the answer any more, the
/// started pipeline is stopped.
pub(crate) async fn launch<C: Connect + Send + 'static>(launch: Launch, connect: C) -> Result<Leash, Error> {
    let began = Instant::now();
    let runtime = Arc::new(TokioRuntime { handle: runtime::Handle::current(), began });
    // Looking up topics and offsets blocks.
    let start = move || {
        let name = launch.name.clone();
        let (station, handle) = prepare(launch, &connect, runtime)?;
        start(&name, station).map_err(|error| no_thread(&error))?;
        Ok(Leash::new(handle))
    };
    match tokio::task::spawn_blocking(start).await {
        Ok(leash) => leash,
        Err(panic) => Err(Error::Engine(panic.to_string())),
    }
}

fn no_thread(error: &io::Error) -> Error {
    Error::Engine(format!("no thread could be started: {error}"))
}

/// The poll thread, and the one that looks after it.
fn start<B: Broker>(name: &str, station: Arc<Station<B>>) -> io::Result<()> {
    let (poll_thread, gone) = channel();
    let kept = Arc::clone(&station);
    let body = move || {
        let ran = catch(|| {
            if let Some(source) = station.source() {
                let mut poll_loop = PollLoop::new(Arc::clone(&station), source);
                while poll_loop.run_once() {}
            }
        });
        station.finish(ran.err().map(|panicked| Error::Engine(panicked.message)));
        drop::<Sender<()>>(poll_thread);
    };
    thread::Builder::new().name(format!("healer-{name}")).spawn(body)?;
    thread::Builder::new().name("healer-keeper".to_owned()).spawn(move || keeper::run(&kept, &gone))?;
    Ok(())
}

#[cfg(test)]
mod tests;
