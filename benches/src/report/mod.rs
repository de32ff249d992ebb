//! The results: as tables for people, as JSON for programs, as a plot.

mod bars;
mod growth;
mod lines;
mod measured;
mod svg;
mod table;

use std::{fs, path::Path, thread};

use anyhow::{Context as _, Result};
use serde::Serialize;

pub(crate) use growth::{Curve, Growth, Point};
pub(crate) use measured::{Measured, Round};

use crate::args::How;

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
    pub(crate) fn new(how: &How, origin: &str, workloads: Vec<Measured>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let How { rounds, seconds, .. } = *how;
        Self { origin: origin.to_owned(), rounds, seconds, cores, workloads }
    }

    /// Whether healer reaches all that it has to.
    pub(crate) fn all_met(&self) -> bool {
        self.workloads.iter().flat_map(|measured| &measured.bars).all(|bar| bar.met)
    }

    /// Prints the tables, and writes each other form that was asked for to its place.
    pub(crate) fn write(&self, how: &How) -> Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        show(how, &self.to_string(), &json, || svg::draw(&self.workloads))
    }
}

fn show(how: &How, tables: &str, json: &str, svg: impl FnOnce() -> Result<String>) -> Result<()> {
    match &how.json {
        Some(path) if path.as_os_str() == "-" => {
            eprint!("{tables}");
            print!("{json}");
        }
        path => {
            print!("{tables}");
            path.as_ref().map_or(Ok(()), |path| put(path, json))?;
        }
    }
    if let Some(path) = &how.markdown {
        put(path, tables)?;
    }
    if let Some(path) = &how.svg {
        put(path, &svg()?)?;
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
