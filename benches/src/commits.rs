//! The offsets that a side left behind at the broker, apart from its own report.

use anyhow::{Context as _, Result, ensure};
use healer_tests::kafka::RealKafka;

use crate::{sides::Ran, task::Task, workloads::PEERS};

/// Checks that a side that was told to end committed all records that it had done, and no more; returns the fault of a peer.
pub(crate) fn check_stop(kafka: &RealKafka, task: &Task, ran: &Ran) -> Result<Option<String>> {
    let (name, done) = (task.side.name(), ran.outcome.records);
    ensure!(done < task.records, "{name} was done before it was told to end");
    ensure!(ran.to_exit.is_some(), "{name} ended by itself");
    let committed: i64 = kafka.committed(&task.group, &task.topic)?.values().sum();
    let committed = u64::try_from(committed)?;
    let wrong = format!("committed {committed} records and processed {done}");
    if PEERS.contains(&task.side) {
        return Ok((committed != done).then_some(wrong));
    }
    ensure!(committed == done, "{name} {wrong}");
    Ok(None)
}

/// The fault of the offsets that a side left behind, if any.
pub(crate) fn check(kafka: &RealKafka, task: &Task) -> Result<Option<String>> {
    let committed = kafka.committed(&task.group, &task.topic).context("what a side committed")?;
    let end = kafka.end_offsets(&task.topic)?;
    // Where a partition is empty there is nothing to commit, and one that does not count is not read to its end.
    let apart = task.work.apart();
    let full = |partition: &i32| apart != Some(*partition) && end.get(partition).is_some_and(|end| *end > 0);
    let end: Vec<_> = end.iter().filter(|(partition, _)| full(partition)).collect();
    let committed: Vec<_> = committed.iter().filter(|(partition, _)| full(partition)).collect();
    Ok((committed != end).then(|| format!("committed {committed:?}, and the topic ends at {end:?}")))
}
