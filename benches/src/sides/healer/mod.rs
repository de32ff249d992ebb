//! The same work as a pipeline.

mod apart;
mod at_once;
mod ledger;
mod observed;
mod saving;
mod sending;
mod stages;
mod timed;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use healer::{App, Config, Report};

use crate::{
    database::Database,
    tally::Tally,
    task::{COMMIT, Side, Task, Until, Work},
};

/// How often is asked whether all records that are sent meanwhile have come.
const ASK: Duration = Duration::from_millis(5);

/// Runs the pipeline until all of the topic is committed, or until it is told to end.
pub(super) fn run(task: &Task, tally: Tally) -> Result<Tally> {
    let tally = Arc::new(tally);
    let mut database = None;
    let app = match task.work {
        Work::Decode => stages::decode(&task.topic),
        Work::Bytes => stages::bytes(&task.topic),
        Work::Sleep { .. } => stages::sleep(&task.topic),
        Work::AtOnce { calls } => at_once::at_once(&task.topic, calls)
            .with_context(|| format!("no stage has {calls} calls at once"))?,
        Work::Flaky { every, backoff_ms, only } => {
            let app = match backoff_ms {
                1 => stages::flaky(&task.topic),
                100 => stages::flaky_100(&task.topic),
                other => anyhow::bail!("no stage pauses for {other} ms"),
            };
            let every = if task.side == Side::HealerCalm { None } else { Some(every) };
            app.with(stages::Fails { every, only })
        }
        Work::Save => {
            let database = database.insert(Arc::new(Database::open()?));
            saving::save(&task.topic).with_arc(Arc::clone(database))
        }
        Work::Apart if task.side == Side::HealerSingly => apart::singly(&task.topic),
        Work::Apart => apart::apart(&task.topic),
        Work::Send => sending::send(&task.topic, &task.output()),
        Work::Timed => timed::timed(&task.topic),
        Work::Stuck => timed::stuck(&task.topic),
    };
    run_app(task, &tally, app.with_arc(Arc::clone(&tally)))?;
    if let Some(database) = database {
        database.check(&tally)?;
    }
    Arc::into_inner(tally).context("the pipeline has ended and still holds its state")
}

fn run_app(task: &Task, tally: &Tally, app: App) -> Result<()> {
    let mut config = Config::builder().brokers(&task.brokers).group(&task.group);
    if task.tuned {
        config = config.commit_interval(COMMIT);
    }
    if task.side == Side::HealerThreads {
        config = config.threads(2);
    }
    if let Work::AtOnce { calls } = task.work {
        config = config.in_flight(usize::from(calls));
    }
    for (key, value) in &task.properties {
        config = config.set(key, value);
    }
    let config = config.build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        // Before the pipeline is started, or it finds nobody to tell its metrics to.
        let _server = observed::turn_on(task.side).await?;
        match task.until {
            Until::End => Ok(app.run_until_end(config).await?),
            Until::AllSent | Until::Counted => run_until_complete(task, tally, app, config).await,
            Until::Signal => {
                let report = app.run(config).await?;
                tally.end();
                Ok(report)
            }
        }
    })?;
    let (records, _) = tally.so_far();
    let all = task.work.apart().is_none();
    ensure!(!all || report.records == records, "healer reports {} of {records} records", report.records);
    if task.until == Until::End {
        let behind: Vec<_> =
            report.partitions.iter().filter(|partition| partition.lag() != Some(0)).collect();
        ensure!(behind.is_empty(), "healer reports a lag: {behind:?}");
    }
    Ok(())
}

/// Records are still being sent when the run begins, so the end that the topic has then is not where it ends.
async fn run_until_complete(task: &Task, tally: &Tally, app: App, config: Config) -> Result<Report> {
    let handle = app.start(config).await?;
    if task.work == Work::Stuck {
        tally.set_ledger(ledger::watch(&handle, task, tally).await?);
    }
    while !tally.is_complete() && !handle.is_finished() {
        tokio::time::sleep(ASK).await;
    }
    handle.stop();
    Ok(handle.join().await?)
}
