//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::workloads::Workload;

/// Measures healer side by side with its alternatives, on a real Kafka that this program starts and stops.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// Only these workloads, such as `W1,W2-zipf`; `W2` alone means W2 with all its keys. All of them by default.
    #[arg(long, value_delimiter = ',', value_parser = known_workload)]
    pub(crate) only: Vec<String>,
    /// Only these sides, such as `raw,healer`. All of them by default.
    #[arg(long, value_delimiter = ',')]
    pub(crate) sides: Vec<String>,
    #[command(flatten)]
    pub(crate) how: How,
    /// Ends with a failure unless all bars are met.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How it is measured, and where the figures go.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// How often each side runs in each workload, in turn with the others.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// How many seconds each side is to be busy at least; its topic holds as many records as that takes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// The most records in a topic, however fast a side is.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) records: Option<u64>,
    /// A client property of all sides that are written in Rust, wherever they are tuned alike; wins over the usual ones.
    #[arg(long, value_name = "KEY=VALUE", value_parser = property)]
    pub(crate) set: Vec<(String, String)>,
    /// Where all figures go as JSON; `-` is standard output, and the tables go to standard error then.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Where the tables go as Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Where the plot goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tells all workloads.
    List,
    /// Measures how cost grows with partitions and with records in flight, instead of the workloads.
    Scaling {
        #[command(flatten)]
        how: How,
    },
    /// Runs one side; this program starts itself with this command.
    #[command(hide = true)]
    Side {
        /// The task, as JSON.
        task: String,
    },
}

impl Args {
    /// The workloads that were asked for.
    pub(crate) fn workloads(&self) -> Vec<&'static Workload> {
        let asked =
            |workload: &Workload| self.only.is_empty() || self.only.iter().any(|name| names(name, workload));
        Workload::ALL.into_iter().filter(|workload| asked(workload)).collect()
    }
}

/// Whether this word means this workload.
fn names(word: &str, workload: &Workload) -> bool {
    workload.name.eq_ignore_ascii_case(word)
        || workload.name.split_once('-').is_some_and(|(family, key)| {
            family.eq_ignore_ascii_case(word) && matches!(key, "carrier" | "zipf")
        })
}

fn known_workload(text: &str) -> Result<String, String> {
    if Workload::ALL.iter().any(|workload| names(text, workload)) {
        return Ok(text.to_owned());
    }
    let known: Vec<_> = Workload::ALL.iter().map(|workload| workload.name).collect();
    Err(format!("known are {}", known.join(", ")))
}

fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is needed, such as fetch.min.bytes=1000".to_owned()),
    }
}
