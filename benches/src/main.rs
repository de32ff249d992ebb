//! Measures healer side by side with what it replaces.
//!
//! `cargo run --release -p benches` measures all; `--help` tells what can be asked for, and `list` the workloads. Each side
//! reads real flights from a topic of a real Kafka, in a process of its own that is told its task as JSON and tells what
//! came of it as JSON, or why it failed, in the last line that it prints. Each gets as many of the same records as keep it busy for some seconds, so rates are what is
//! compared: medians with the least and the most of all rounds, ratios of the sides within a round, and whether the bars
//! are met. What a side claims is checked against the records and the broker.
//!
//! Where latency is what counts, records are sent at a fixed speed while sides read, and say when they were sent; where the
//! end counts, sides get SIGTERM while records flow. `scaling` measures how cost grows with partitions and records in flight.
//!
//! A new side is one file in `sides`, or one in `peers` or `java`, which are programs of their own; a new workload is one
//! file in `workloads`.

mod args;
mod commits;
mod database;
mod feed;
mod figures;
mod flight;
mod process;
mod report;
mod run;
mod scaling;
mod service;
mod sides;
mod supply;
mod tally;
mod task;
mod topics;
mod workloads;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    match &args.command {
        Some(Command::Side { task }) => {
            sides::run(&serde_json::from_str(task)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::List) => {
            for workload in workloads::Workload::ALL {
                println!("{:12} {}; {}", workload.name, workload.about, workload.key.text());
            }
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Scaling { how }) => {
            scaling::run(how)?.write(how)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    let report = run::run(&args)?;
    report.write(&args.how)?;
    let failed = args.check && !report.all_met();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
