//! Flights, planes and airlines from CSV files. Small ones are part of the program, so that it runs from anywhere.

use std::{
    fs::File,
    io::{Cursor, Read, Seek},
    path::Path,
};

use anyhow::{Context as _, ensure};
use csv::{Reader, StringRecord};
use serde::de::DeserializeOwned;

use super::model::Flight;

/// How many flights [`sample`] has.
pub const SAMPLE_SIZE: usize = 20_000;

const SAMPLE: &[u8] = include_bytes!("../../data/flights-sample.csv.zip");
const PLANES: &str = include_str!("../../data/planes.csv");
const AIRLINES: &str = include_str!("../../data/airlines.csv");

/// Flights taken evenly over the year.
///
/// # Errors
/// None, as long as the file that was compiled in is whole.
pub fn sample() -> anyhow::Result<Vec<Flight>> {
    Ok(rows(&unzip(Cursor::new(SAMPLE))?)?)
}

/// The flights of a `.csv` or a `.csv.zip` file.
///
/// # Errors
/// The file cannot be read, or does not hold flights.
pub fn file(path: &Path) -> anyhow::Result<Vec<Flight>> {
    let flights = || {
        let mut file = File::open(path)?;
        let mut text = Vec::new();
        if path.extension().is_some_and(|ending| ending == "zip") {
            text = unzip(file)?;
        } else {
            file.read_to_end(&mut text)?;
        }
        anyhow::Ok(rows(&text)?)
    };
    flights().with_context(|| format!("can't read flights from {}", path.display()))
}

/// The rows of the planes' file.
pub(super) fn planes<T: DeserializeOwned>() -> Result<Vec<T>, csv::Error> {
    rows(PLANES.as_bytes())
}

/// The rows of the airlines' file.
pub(super) fn airlines<T: DeserializeOwned>() -> Result<Vec<T>, csv::Error> {
    rows(AIRLINES.as_bytes())
}

fn unzip(file: impl Read + Seek) -> anyhow::Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(file)?;
    ensure!(archive.len() == 1, "the zip holds {} files instead of one", archive.len());
    let mut text = Vec::new();
    archive.by_index(0)?.read_to_end(&mut text)?;
    Ok(text)
}

fn rows<T: DeserializeOwned>(text: &[u8]) -> Result<Vec<T>, csv::Error> {
    let mut reader = Reader::from_reader(text);
    let columns = reader.headers()?.clone();
    reader.records().map(|row| without_na(&row?).deserialize(Some(&columns))).collect()
}

/// A missing value is an empty field or `NA`; serde knows the first only.
fn without_na(row: &StringRecord) -> StringRecord {
    let mut clean: StringRecord = row.iter().map(|field| if field == "NA" { "" } else { field }).collect();
    // So that an error still names the line.
    clean.set_position(row.position().cloned());
    clean
}
