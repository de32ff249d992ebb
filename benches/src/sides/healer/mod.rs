//! The same work as a pipeline.

mod saving;
mod stages;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use healer::{App, Config};

use crate::{
    database::Database,
    tally::Tally,
    task::{COMMIT, Task, Work},
};

/// Runs the pipeline until all of the topic is committed.
pub(super) fn run(task: &Task, tally: Tally) -> Result<Tally> {
    let tally = Arc::new(tally);
    let app = match task.work {
        Work::Decode => stages::decode(&task.topic),
        Work::Bytes => stages::bytes(&task.topic),
        Work::Sleep { micros } => {
            stages::sleep(&task.topic).with(stages::Pause(Duration::from_micros(micros)))
        }
        Work::Flaky { every, backoff_ms } => {
            let app = match backoff_ms {
                1 => stages::flaky(&task.topic),
                100 => stages::flaky_100(&task.topic),
                other => anyhow::bail!("no stage pauses for {other} ms"),
            };
            app.with(stages::Every(every))
        }
        Work::Save => {
            let database = Arc::new(Database::open()?);
            run_app(
                task,
                saving::save(&task.topic).with_arc(Arc::clone(&tally)).with_arc(Arc::clone(&database)),
            )?;
            database.check(&tally)?;
            return into_inner(tally);
        }
    };
    run_app(task, app.with_arc(Arc::clone(&tally)))?;
    into_inner(tally)
}

fn into_inner(tally: Arc<Tally>) -> Result<Tally> {
    Arc::into_inner(tally).context("the pipeline has ended and still holds its state")
}

fn run_app(task: &Task, app: App) -> Result<()> {
    let mut config = Config::builder().brokers(&task.brokers).group(&task.group);
    if task.tuned {
        config = config.commit_interval(COMMIT);
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
