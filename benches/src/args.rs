//! What the user asks for.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{comparison::Comparison, workloads::Workload};

/// Measures healer side by side with what it replaces, on a real Kafka that this program starts and stops.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// What flows through.
    #[arg(long, value_enum, default_value_t = Workload::Flights)]
    pub(crate) workload: Workload,
    /// Only this comparison; all of them by default.
    #[arg(long, value_enum)]
    pub(crate) only: Option<Comparison>,
    /// How often each side runs in each comparison, in turn with the others.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// About how many seconds the fastest side is to take; the topic is filled accordingly.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// The most records in the topic, however fast the sides are.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) records: Option<u64>,
    /// How many microseconds the second function of all sides works on a record.
    #[arg(long, default_value_t = 0, value_name = "MICROSECONDS")]
    pub(crate) work_us: u64,
    /// A client property of all sides, wherever they are tuned alike; wins over the usual ones.
    #[arg(long, value_name = "KEY=VALUE", value_parser = property)]
    pub(crate) set: Vec<(String, String)>,
    /// Where all figures go as JSON; `-` is standard output, and the table goes to standard error then.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Ends with a failure unless all bars are met.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs one side; what this program starts itself with.
    #[command(hide = true)]
    Side {
        /// The task, as JSON.
        task: String,
    },
}

fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is needed, such as fetch.min.bytes=1000".to_owned()),
    }
}
