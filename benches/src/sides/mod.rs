//! The sides that read the same topic, each in a process of its own: this program, `benches/peers`, or `benches/java`.

mod external;
mod healer;
mod limit;
mod raw;

use std::{
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use external::Programs;

use crate::{
    figures::float,
    tally::Tally,
    task::{Outcome, Side, Task},
};

/// What a side came to, and what only its parent sees.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// From the start of the process to its first record.
    pub(crate) to_first_record: f64,
}

/// Does a task in a process of its own.
pub(crate) fn start(program: &mut Command, task: &Task) -> Result<Ran> {
    let name = task.side.name();
    let began = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let output = program
        .arg(serde_json::to_string(task)?)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("the side {name} cannot be started"))?;
    if !output.status.success() {
        bail!("the side {name} failed ({})", output.status);
    }
    // Libraries of the sides may print what they like before.
    let said = String::from_utf8_lossy(&output.stdout);
    let outcome: Outcome = said
        .lines()
        .next_back()
        .and_then(|line| serde_json::from_str(line).ok())
        .with_context(|| format!("the side {name} told no outcome:\n{said}"))?;
    let began = u64::try_from(began.as_millis())?;
    let to_first_record = float(outcome.first_unix_ms.saturating_sub(began)) / 1e3;
    Ok(Ran { outcome, to_first_record })
}

/// Does a task in this process and tells the outcome on standard output.
pub(crate) fn run(task: &Task) -> Result<()> {
    let tally = Tally::new(task.records);
    let tally = match task.side {
        Side::Raw => raw::run(task, tally)?,
        Side::Limit => limit::run(task, tally)?,
        Side::Healer => healer::run(task, tally)?,
        other => bail!("{} is a program of its own", other.name()),
    };
    println!("{}", serde_json::to_string(&tally.outcome()?)?);
    Ok(())
}
