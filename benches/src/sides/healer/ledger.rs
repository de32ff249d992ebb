//! The memory that the ledger of a pipeline occupies while a record is stuck.

use std::time::Duration;

use anyhow::Result;
use healer::Handle;
use healer_store::Ledger;

use crate::{
    process,
    tally::Tally,
    task::{LedgerFigures, READY, Task},
};

/// How often the partitions are asked.
const ASK: Duration = Duration::from_millis(5);
/// The rest between the end of a step and the look at the memory: no record is in flight by then.
const REST: Duration = Duration::from_millis(500);

/// Watches until all records but the stuck one are done. Says when each step is done, after a look at the memory.
pub(super) async fn watch(handle: &Handle, task: &Task, tally: &Tally) -> Result<LedgerFigures> {
    let mut figures = LedgerFigures::default();
    let mut resident = Vec::new();
    let all = task.records - 1;
    for mark in task.marks.iter().map(|mark| mark - 1).chain([all]) {
        while tally.so_far().0 < mark && !handle.is_finished() {
            for status in handle.partitions() {
                figures.most_pending = figures.most_pending.max(status.pending);
                figures.most_done_above = figures.most_done_above.max(status.done_above);
            }
            tokio::time::sleep(ASK).await;
        }
        if mark != all {
            tokio::time::sleep(REST).await;
            resident.push(i64::try_from(process::resident_memory()?)?);
            println!("{READY}");
        }
    }
    figures.bytes_at_most = bytes_at_most(figures.most_pending)?;
    if let [first, .., last] = resident[..] {
        figures.resident_growth_bytes = last - first;
    }
    Ok(figures)
}

/// The size that a ledger states for so many pending offsets. None of them is beside another, which costs most.
fn bytes_at_most(pending: u64) -> Result<u64> {
    let mut ledger = Ledger::new(0, 0);
    for offset in 0..i64::try_from(pending)? {
        ledger.deliver(2 * offset)?;
    }
    Ok(u64::try_from(ledger.size_in_bytes())?)
}
