//! `ruststream-rdkafka`: a subscriber that commits records that were handed out, or records that were acknowledged.
//!
//! Where records wait it has 64 workers, each for the keys that hash to it.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use ruststream_rdkafka::prelude::*;

use crate::{
    flight::{Flight, Timed},
    tally::Tally,
    task::{COMMIT, Side, Task, Work},
    told_to_end,
};

/// How often is asked whether all is done.
const ASK: Duration = Duration::from_millis(5);

/// The subscriber's topic is an expression of its attribute, so the task must be found from there.
static TASK: OnceLock<Task> = OnceLock::new();

#[derive(Clone, FromRef)]
struct Shared {
    tally: Arc<Tally>,
}

fn topic() -> String {
    TASK.get().map(|task| task.topic.clone()).unwrap_or_default()
}

fn commit() -> Commit {
    match TASK.get().map(|task| task.side) {
        Some(Side::RuststreamTracked) => Commit::Tracked,
        _ => Commit::Auto,
    }
}

#[subscriber(KafkaTopic::new(topic()).start(StartOffset::Earliest).commit(commit()))]
async fn delay(flight: &Flight, State(tally): State<Arc<Tally>>) -> HandlerOutcome {
    tally.count(flight.minutes());
    HandlerOutcome::ack()
}

#[subscriber(KafkaTopic::new(topic()).start(StartOffset::Earliest).commit(commit()))]
async fn timed_delay(timed: &Timed, State(tally): State<Arc<Tally>>) -> HandlerOutcome {
    tally.timed(timed.sent_us, timed.flight.minutes());
    HandlerOutcome::ack()
}

#[subscriber(
    KafkaTopic::new(topic()).start(StartOffset::Earliest).commit(commit()).lane_key(LaneKey::RecordKey),
    workers(64, by_key)
)]
async fn slow_delay(flight: &Flight, State(tally): State<Arc<Tally>>) -> HandlerOutcome {
    tally.wait(flight.minutes()).await;
    HandlerOutcome::ack()
}

/// Runs the service until all of the topic went through, then shuts it down, which commits.
pub(crate) fn run(task: Task) -> Result<Tally> {
    let tally = Arc::new(Tally::new(&task));
    let work = task.work;
    if !matches!(work, Work::Decode | Work::Timed | Work::Sleep { .. }) {
        bail!("ruststream has no such workload");
    }
    let mut broker = KafkaBroker::new([task.brokers.clone()]).default_group(&task.group);
    if task.tuned {
        broker = broker.config("auto.commit.interval.ms", COMMIT.as_millis().to_string());
    }
    for (key, value) in &task.properties {
        broker = broker.config(key, value);
    }
    let told_to_end = told_to_end(&task)?;
    TASK.set(task).map_err(|_| anyhow!("there is one task"))?;
    let shared = Shared { tally: Arc::clone(&tally) };
    let app = RustStream::new(AppInfo::new("flights", "0.1.0"))
        .on_startup(async move |()| Ok::<_, Infallible>(shared))
        .with_broker(broker, |b| {
            if matches!(work, Work::Sleep { .. }) {
                b.include(slow_delay);
            } else if work == Work::Timed {
                b.include(timed_delay);
            } else {
                b.include(delay);
            }
        });
    let asked = Arc::clone(&tally);
    let complete = async move {
        while !asked.is_complete() && !told_to_end.load(Ordering::Relaxed) {
            tokio::time::sleep(ASK).await;
        }
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(app.run_until(complete))?;
    drop(runtime);
    Arc::into_inner(tally).ok_or_else(|| anyhow!("ruststream still holds its state"))
}
