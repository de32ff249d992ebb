//! What this machine can do at most where work waits: 64 records at once, in no order, nothing is committed.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
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
    let Work::Sleep { micros } = task.work else { bail!("nothing waits in this workload") };
    let pause = Duration::from_micros(micros);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let consumer: StreamConsumer = raw::config(task).create()?;
        consumer.subscribe(&[&task.topic])?;
        let tally = &tally;
        let calls = consumer.stream().take(usize::try_from(task.records)?).map(|message| async move {
            let message = message?;
            let flight: Flight =
                serde_json::from_slice(message.payload().context("a record without a value")?)?;
            tally.wait(pause, flight.minutes()).await;
            anyhow::Ok(())
        });
        calls.buffer_unordered(CONCURRENCY).try_for_each(|()| async { Ok(()) }).await
    })?;
    Ok(tally)
}
