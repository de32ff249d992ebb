//! Real flights as records: every flight that left New York City in 2013.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use csv::{ByteRecord, Reader};

use crate::kafka::Record;
use crate::{report_not_run, workspace};

/// The columns that hold text; all others hold whole numbers.
const TEXT: [&str; 5] = ["carrier", "tailnum", "origin", "dest", "time_hour"];

/// A flight counts as late when it arrives this many minutes after its time, or more.
pub const LATE_MINUTES: i64 = 60;

/// The counts of a file of flights, to check a run against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All flights.
    pub records: u64,
    /// Flights without a departure time.
    pub cancelled: u64,
    /// Flights that arrived an hour late or later.
    pub late: u64,
    /// Flights without a tail number, which have no key.
    pub keyless: u64,
}

impl Counts {
    /// Flights that took off: all but the cancelled ones.
    pub fn flown(&self) -> u64 {
        self.records - self.cancelled
    }

    /// Adds one flight.
    pub fn add(&mut self, flight: &Flight) {
        self.records += 1;
        self.cancelled += u64::from(flight.is_cancelled());
        self.late += u64::from(flight.is_late());
        self.keyless += u64::from(flight.key.is_none());
    }
}

/// The counts of the whole file.
pub const WHOLE: Counts = Counts { records: 336_776, cancelled: 8_255, late: 28_317, keyless: 2_512 };

/// The counts of the committed sample.
pub const SAMPLE: Counts = Counts { records: 20_000, cancelled: 488, late: 1_719, keyless: 161 };

/// The committed sample, `examples/data/flights-sample.csv.zip`.
pub fn sample() -> PathBuf {
    workspace().join("examples/data/flights-sample.csv.zip")
}

/// The whole real file, `../shared/data/flights.csv.zip` beside the workspace.
///
/// # Errors
/// The file is not there: a clone of the project alone does not have it.
pub fn whole() -> Result<PathBuf> {
    let path = workspace().join("../shared/data/flights.csv.zip");
    if !path.is_file() {
        bail!("the whole file of flights is missing ({})", path.display());
    }
    Ok(path)
}

/// The whole real file; where it is missing the test is reported as not run.
pub fn whole_for_test() -> Option<PathBuf> {
    whole().map_err(report_not_run).ok()
}

/// One flight, as it goes into a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The tail number, where there is one.
    pub key: Option<Vec<u8>>,
    /// All columns in the order of the file; numbers are numbers, empty and `NA` are null.
    pub json: Vec<u8>,
    /// Departure as `hhmm`; a cancelled flight has none.
    pub dep_time: Option<i64>,
    /// Minutes that it arrived after its time; negative when early.
    pub arr_delay: Option<i64>,
}

impl Flight {
    /// Whether it never left.
    pub fn is_cancelled(&self) -> bool {
        self.dep_time.is_none()
    }

    /// Whether it arrived an hour late or later.
    pub fn is_late(&self) -> bool {
        self.arr_delay.is_some_and(|minutes| minutes >= LATE_MINUTES)
    }
}

impl From<Flight> for Record {
    fn from(flight: Flight) -> Self {
        Self { key: flight.key, value: Some(flight.json), ..Self::default() }
    }
}

/// The flights of a `.csv` or `.csv.zip` file, in the order of the file.
///
/// # Errors
/// The file cannot be read, or a zip holds anything but one file.
pub fn read(path: &Path) -> Result<Flights> {
    let text = text(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut rows = Reader::from_reader(Cursor::new(text));
    let columns = rows.headers()?.iter().map(Column::new).collect::<Result<_>>()?;
    Ok(Flights { rows, columns, row: ByteRecord::new() })
}

fn text(path: &Path) -> Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut text = Vec::new();
    if path.extension().is_some_and(|ending| ending == "zip") {
        let mut archive = zip::ZipArchive::new(file)?;
        if archive.len() != 1 {
            bail!("it holds {} files instead of one", archive.len());
        }
        archive.by_index(0)?.read_to_end(&mut text)?;
    } else {
        file.read_to_end(&mut text)?;
    }
    Ok(text)
}

/// The flights of one file; see [`read`].
pub struct Flights {
    rows: Reader<Cursor<Vec<u8>>>,
    columns: Vec<Column>,
    row: ByteRecord,
}

impl Iterator for Flights {
    type Item = Result<Flight>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.read_byte_record(&mut self.row) {
            Ok(false) => None,
            Ok(true) => Some(flight(&self.columns, &self.row)),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// A column, and how its values are written.
struct Column {
    name: String,
    /// `"name":`, written once.
    label: Vec<u8>,
    is_text: bool,
}

impl Column {
    fn new(name: &str) -> Result<Self> {
        let mut label = serde_json::to_vec(name)?;
        label.push(b':');
        Ok(Self { name: name.to_owned(), label, is_text: TEXT.contains(&name) })
    }
}

fn flight(columns: &[Column], row: &ByteRecord) -> Result<Flight> {
    let mut flight = Flight { key: None, json: Vec::with_capacity(384), dep_time: None, arr_delay: None };
    flight.json.push(b'{');
    for (at, (column, value)) in columns.iter().zip(row).enumerate() {
        if at > 0 {
            flight.json.push(b',');
        }
        flight.json.extend_from_slice(&column.label);
        if matches!(value, b"" | b"NA") {
            flight.json.extend_from_slice(b"null");
            continue;
        }
        let value = std::str::from_utf8(value)?;
        if column.is_text {
            serde_json::to_writer(&mut flight.json, value)?;
        } else {
            let number: i64 =
                value.parse().with_context(|| format!("{} is no whole number: {value:?}", column.name))?;
            serde_json::to_writer(&mut flight.json, &number)?;
            match column.name.as_str() {
                "dep_time" => flight.dep_time = Some(number),
                "arr_delay" => flight.arr_delay = Some(number),
                _ => {}
            }
        }
        if column.name == "tailnum" {
            flight.key = Some(value.as_bytes().to_vec());
        }
    }
    flight.json.push(b'}');
    Ok(flight)
}
