//! What came out: as tables for people, as JSON for programs, as a plot.

mod bars;
mod measured;
mod svg;
mod table;

use std::{fs, path::Path, thread};

use anyhow::{Context as _, Result};
use serde::Serialize;

pub(crate) use measured::{Measured, Round};

use crate::args::Args;

/// All of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    origin: String,
    rounds: u32,
    seconds: u64,
    cores: usize,
    workloads: Vec<Measured>,
}

impl Report {
    pub(crate) fn new(args: &Args, origin: &str, workloads: Vec<Measured>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let Args { rounds, seconds, .. } = *args;
        Self { origin: origin.to_owned(), rounds, seconds, cores, workloads }
    }

    /// Whether healer reaches all that it has to.
    pub(crate) fn all_met(&self) -> bool {
        self.workloads.iter().flat_map(|measured| &measured.bars).all(|bar| bar.met)
    }

    /// Prints the tables, and writes what was asked for where it was asked for.
    pub(crate) fn write(&self, args: &Args) -> Result<()> {
        let tables = self.to_string();
        let json = serde_json::to_string_pretty(self)? + "\n";
        match &args.json {
            Some(path) if path.as_os_str() == "-" => {
                eprint!("{tables}");
                print!("{json}");
            }
            path => {
                print!("{tables}");
                path.as_ref().map_or(Ok(()), |path| put(path, &json))?;
            }
        }
        if let Some(path) = &args.markdown {
            put(path, &tables)?;
        }
        if let Some(path) = &args.svg {
            put(path, &svg::draw(&self.workloads)?)?;
        }
        Ok(())
    }
}

fn put(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
