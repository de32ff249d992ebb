//! The same work as a pipeline.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use healer::{App, Config};

use super::Task;
use crate::{
    comparison::Comparison,
    tally::Tally,
    workloads::{Workload, flights},
};

/// Runs the pipeline until all of the topic is committed.
pub(super) fn run(task: &Task, tally: Tally) -> Result<Tally> {
    let tally = Arc::new(tally);
    let app = match task.workload {
        Workload::Flights => flights::pipeline(&task.topic),
    };
    run_app(task, app.with_arc(Arc::clone(&tally)))?;
    Arc::into_inner(tally).context("the pipeline has ended and still holds its state")
}

fn run_app(task: &Task, app: App) -> Result<()> {
    let mut config = Config::builder().brokers(&task.brokers).group(&task.group);
    if task.comparison == Comparison::Tuned {
        config = config.commit_interval("1s");
    }
    for (key, value) in &task.properties {
        config = config.set(key, value);
    }
    let config = config.build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(app.run_until_end(config))?;
    ensure!(report.records == task.records, "healer reports {} of {} records", report.records, task.records);
    ensure!(report.partitions.iter().all(|partition| partition.lag() == Some(0)), "healer reports a lag");
    Ok(())
}
