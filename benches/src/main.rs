//! healer measured side by side with what it replaces, on a real Kafka of its own.
//!
//! `cargo run --release -p benches -- --help` says what can be asked for. One run fills a topic with real flights and lets
//! the sides read it in turn, each in a process of its own: this program, started again. What comes out are medians with
//! the least and the most of all rounds, ratios of the sides within a round, and whether the bars are met.
//!
//! A new side is one file in `sides`, a new workload one in `workloads`, a new setting to compare in one in `comparison`.

mod args;
mod comparison;
mod figures;
mod process;
mod report;
mod run;
mod sides;
mod tally;
mod workloads;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if let Some(Command::Side { task }) = &args.command {
        sides::run(&serde_json::from_str(task)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = run::run(&args)?;
    report.write(&args)?;
    let failed = args.check && !report.all_met();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
