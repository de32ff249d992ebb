//! `sentry_arroyo`: a strategy that runs the function, and one that commits each second.
//!
//! Where records wait it runs 64 tasks and passes results on in the order of the partitions. Tasks of one key overlap.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow};
use sentry_arroyo::{
    backends::kafka::{InitialOffset, config::KafkaConfig, types::KafkaPayload},
    processing::{
        StreamProcessor,
        strategies::{
            InvalidMessage, ProcessingStrategy, ProcessingStrategyFactory, SubmitError,
            commit_offsets::CommitOffsets,
            run_task::RunTask,
            run_task_in_threads::{ConcurrencyConfig, RunTaskError, RunTaskFunc, RunTaskInThreads},
        },
    },
    types::{InnerMessage, Message, Topic},
};
use tokio::runtime::{Handle, Runtime};

use crate::{
    flight::{Flight, Timed},
    tally::Tally,
    task::{COMMIT, CONCURRENCY, Task, Work},
    told_to_end,
};

/// How long the processor may be away from the client.
const MAX_POLL_MS: usize = 300_000;
/// How often is asked whether all is done.
const ASK: Duration = Duration::from_millis(5);

struct Factory {
    work: Work,
    tally: Arc<Tally>,
    runtime: Handle,
}

impl ProcessingStrategyFactory<KafkaPayload> for Factory {
    fn create(&self) -> Box<dyn ProcessingStrategy<KafkaPayload>> {
        let tally = Arc::clone(&self.tally);
        let commit = CommitOffsets::new(COMMIT);
        let work = self.work;
        if !matches!(work, Work::Sleep { .. }) {
            let function = move |message: Message<KafkaPayload>| {
                let counted = match work {
                    Work::Bytes => length(&message).map(|length| tally.count(length)),
                    Work::Timed => {
                        timed(&message).map(|timed| tally.timed(timed.sent_us, timed.flight.minutes()))
                    }
                    _ => minutes(&message).map(|minutes| tally.count(minutes)),
                };
                if counted.is_err() {
                    return Err(invalid(&message));
                }
                Ok(message.replace(()))
            };
            return Box::new(RunTask::new(function, commit));
        }
        let function = move |message: Message<KafkaPayload>| -> RunTaskFunc<(), anyhow::Error> {
            let tally = Arc::clone(&tally);
            Box::pin(async move {
                let minutes = minutes(&message).map_err(RunTaskError::Other)?;
                tally.wait(minutes).await;
                Ok(message.replace(()))
            })
        };
        let concurrency = ConcurrencyConfig::with_runtime(CONCURRENCY, self.runtime.clone());
        Box::new(RunTaskInThreads::new(commit, function, &concurrency, None))
    }
}

fn minutes(message: &Message<KafkaPayload>) -> Result<i64> {
    let value = message.payload().payload().ok_or_else(|| anyhow!("a record without a value"))?;
    Ok(serde_json::from_slice::<Flight>(value)?.minutes())
}

fn timed(message: &Message<KafkaPayload>) -> Result<Timed> {
    let value = message.payload().payload().ok_or_else(|| anyhow!("a record without a value"))?;
    Ok(serde_json::from_slice(value)?)
}

fn length(message: &Message<KafkaPayload>) -> Result<i64> {
    Ok(i64::try_from(message.payload().payload().map_or(0, Vec::len))?)
}

fn invalid(message: &Message<KafkaPayload>) -> SubmitError<KafkaPayload> {
    match &message.inner_message {
        InnerMessage::BrokerMessage(from) => SubmitError::InvalidMessage(InvalidMessage::from(from)),
        InnerMessage::AnyMessage(_) => unreachable!("messages of the broker know where they come from"),
    }
}

/// Runs the strategies until all of the topic went through, then lets the processor commit and leave.
pub(crate) fn run(task: &Task) -> Result<Tally> {
    let tally = Arc::new(Tally::new(task));
    let runtime = Runtime::new()?;
    let mut properties: HashMap<_, _> = task.properties.clone().into_iter().collect();
    properties.insert("enable.auto.offset.store".to_owned(), "false".to_owned());
    let config = KafkaConfig::new_consumer_config(
        vec![task.brokers.clone()],
        task.group.clone(),
        InitialOffset::Earliest,
        false,
        MAX_POLL_MS,
        Some(properties),
    );
    let factory = Factory { work: task.work, tally: Arc::clone(&tally), runtime: runtime.handle().clone() };
    let processor = StreamProcessor::with_kafka(config, factory, Topic::new(&task.topic), None);
    let mut handle = processor.get_handle();
    let asked = Arc::clone(&tally);
    let told_to_end = told_to_end(task)?;
    let watcher = thread::spawn(move || {
        while !asked.is_complete() && !told_to_end.load(Ordering::Relaxed) {
            thread::sleep(ASK);
        }
        handle.signal_shutdown();
    });
    processor.run().map_err(|error| anyhow!("arroyo: {error}"))?;
    watcher.join().map_err(|_| anyhow!("the watcher panicked"))?;
    drop(runtime);
    Arc::into_inner(tally).ok_or_else(|| anyhow!("arroyo still holds its state"))
}
