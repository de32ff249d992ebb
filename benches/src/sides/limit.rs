//! The most that this machine can do where work waits: 64 records at once, in no order, nothing is committed.

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use rdkafka::{
    Message as _,
    consumer::{Consumer as _, StreamConsumer},
};

use super::raw;
use crate::{
    flight::Flight,
    tally::Tally,
    task::{CONCURRENCY, Task, Work},
};

/// Reads the topic to its end.
pub(super) fn run(task: &Task, tally: Tally) -> Result<Tally> {
    ensure!(matches!(task.work, Work::Sleep { .. }), "nothing waits in this workload");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let consumer: StreamConsumer = raw::config(task).create()?;
        consumer.subscribe(&[&task.topic])?;
        let tally = &tally;
        let calls = consumer.stream().take(usize::try_from(task.records)?).map(|message| async move {
            let message = message?;
            let flight: Flight =
                serde_json::from_slice(message.payload().context("a record without a value")?)?;
            tally.wait(flight.minutes()).await;
            anyhow::Ok(())
        });
        calls.buffer_unordered(CONCURRENCY).try_for_each(|()| async { Ok(()) }).await
    })?;
    Ok(tally)
}
