//! The sides that read the same topic, each in a process of its own.

mod healer;
mod raw;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    comparison::{Comparison, Properties},
    tally::{Outcome, Tally},
    workloads::Workload,
};

/// A way to read a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// A loop round rdkafka's `BaseConsumer`, by hand. All others are compared with it.
    Raw,
    /// A pipeline of healer.
    Healer,
}

impl Side {
    /// In the order of the first round.
    pub(crate) const ALL: [Self; 2] = [Self::Raw, Self::Healer];

    /// Its name in tables, groups and JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Healer => "healer",
        }
    }
}

/// What one process does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) side: Side,
    pub(crate) workload: Workload,
    pub(crate) comparison: Comparison,
    pub(crate) properties: Properties,
    pub(crate) brokers: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    /// How many records the topic holds.
    pub(crate) records: u64,
    /// How long one of the functions works on a record.
    pub(crate) work_us: u64,
}

/// Does a task in a process of its own.
pub(crate) fn start(task: &Task) -> Result<Outcome> {
    let program = std::env::current_exe().context("this program cannot tell where it lies")?;
    let output = Command::new(program)
        .arg("side")
        .arg(serde_json::to_string(task)?)
        .stderr(Stdio::inherit())
        .output()
        .context("a side cannot be started")?;
    let name = task.side.name();
    if !output.status.success() {
        bail!("the side {name} failed ({})", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("the side {name} told no outcome"))
}

/// Does a task in this process and tells the outcome on standard output.
pub(crate) fn run(task: &Task) -> Result<()> {
    let tally = Tally::new(task.records, Duration::from_micros(task.work_us));
    let tally = match task.side {
        Side::Raw => raw::run(task, tally)?,
        Side::Healer => healer::run(task, tally)?,
    };
    println!("{}", serde_json::to_string(&tally.outcome()?)?);
    Ok(())
}
