//! Measures healer side by side with its alternatives.
//!
//! `cargo run --release -p benches` measures all; `--help` names the options, and `list` the workloads. Each side reads real
//! flights from a topic of a real Kafka, in a process of its own. The process gets its task as JSON. The last line that it
//! prints is the outcome as JSON, or the reason why it failed. Each side gets as many of the same records as keep it busy for
//! some seconds, so rates are compared: medians with the least and the most of all rounds, ratios of the sides within a round,
//! and whether the bars are met. The claims of a side are checked against the records and the broker.
//!
//! Where latency counts, records are sent at a fixed speed while sides read, and say when they were sent; where the end
//! counts, sides get SIGTERM while records flow. `scaling` measures how cost grows with partitions and records in flight.
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
