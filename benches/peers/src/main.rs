//! The Rust libraries that healer is measured beside. `benches` starts this with a task as JSON, and gets the outcome.
//!
//! The very code of the other sides decodes and counts the records.

#![allow(dead_code, reason = "the files of `benches` hold what other sides need too")]

mod arroyo;
#[path = "../../src/flight.rs"]
mod flight;
#[path = "../../src/process.rs"]
mod process;
mod ruststream;
#[path = "../../src/service.rs"]
mod service;
#[path = "../../src/tally.rs"]
mod tally;
#[path = "../../src/task.rs"]
mod task;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context as _, Result, bail};

use task::{Outcome, Side, Task, Until};

/// Becomes true with SIGTERM, where that is how a side ends.
fn told_to_end(task: &Task) -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    if task.until == Until::Signal {
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&flag))?;
    }
    Ok(flag)
}

fn main() -> ExitCode {
    let outcome = run().and_then(|outcome| Ok(serde_json::to_string(&outcome)?));
    match outcome {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Outcome> {
    let task = std::env::args().nth(1).context("a task is missing")?;
    let task: Task = serde_json::from_str(&task)?;
    let ends_by_signal = task.until == Until::Signal;
    let tally = match task.side {
        Side::Arroyo => arroyo::run(&task)?,
        Side::Ruststream | Side::RuststreamTracked => ruststream::run(task)?,
        other => bail!("{} is another program", other.name()),
    };
    if ends_by_signal {
        tally.end();
    }
    tally.outcome()
}
