//! Where flights are kept: one table in `SQLite`. Its key is where a record was read first, so that a replay is counted and
//! changes nothing else, and a flight that comes back from a dead letter is still one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use healer::Batch;
use rusqlite::{Connection, TransactionBehavior, params};

use super::model::{Enriched, LATE_MINUTES};

/// How long a writer waits for another process that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

const SCHEMA: &str = r#"
CREATE TABLE IF NOT EXISTS flights (
    topic        TEXT    NOT NULL,
    "partition"  INTEGER NOT NULL,
    "offset"     INTEGER NOT NULL,
    time_hour    TEXT    NOT NULL,
    carrier      TEXT    NOT NULL,
    flight       INTEGER NOT NULL,
    tailnum      TEXT,
    origin       TEXT    NOT NULL,
    dest         TEXT    NOT NULL,
    distance     INTEGER NOT NULL,
    dep_delay    INTEGER,
    arr_delay    INTEGER,
    plane_year   INTEGER,
    manufacturer TEXT,
    model        TEXT,
    seats        INTEGER,
    saves        INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (topic, "partition", "offset")
) STRICT, WITHOUT ROWID"#;

const INSERT: &str = r#"
INSERT INTO flights (topic, "partition", "offset", time_hour, carrier, flight, tailnum, origin, dest, distance,
    dep_delay, arr_delay, plane_year, manufacturer, model, seats)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
ON CONFLICT DO UPDATE SET saves = saves + 1"#;

const DELAYS: &str = "
SELECT carrier, count(*), avg(arr_delay), count(*) FILTER (WHERE arr_delay >= ?2)
FROM flights WHERE topic = ?1 GROUP BY carrier ORDER BY avg(arr_delay)";

/// The database, for all partitions and for the summary.
pub struct Database {
    connection: Mutex<Connection>,
    path: PathBuf,
}

/// How late one airline was.
#[derive(Clone, Debug, PartialEq)]
pub struct CarrierDelay {
    /// The airline, two letters.
    pub carrier: String,
    /// Its flights.
    pub flights: u32,
    /// Minutes after its time, on average; negative if early, none if no flight arrived.
    pub mean: Option<f64>,
    /// Its late flights.
    pub late: u32,
}

impl Database {
    /// Opens the file, which may be in use by other processes, or makes it.
    ///
    /// # Errors
    /// It can be neither opened nor made, or it is no database.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // The offsets of saved flights are committed: the flights must be on the disk, not on their way there.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.execute_batch(SCHEMA)?;
            anyhow::Ok(connection)
        };
        let connection = open().with_context(|| format!("can't open the database {}", path.display()))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned() })
    }

    /// Saves all of these flights, or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, rows: &Batch<Enriched>) -> Result<(), rusqlite::Error> {
        let mut connection = self.connection();
        // Takes the write lock at once: a reader that becomes a writer would not wait for its turn.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare_cached(INSERT)?;
        for (ctx, Enriched { flight, plane }) in rows {
            let place = ctx.origin();
            insert.execute(params![
                place.topic(),
                place.partition(),
                place.offset(),
                flight.time_hour,
                flight.carrier,
                flight.flight,
                flight.tailnum,
                flight.origin,
                flight.dest,
                flight.distance,
                flight.dep_delay,
                flight.arr_delay,
                plane.year,
                plane.manufacturer,
                plane.model,
                plane.seats,
            ])?;
        }
        drop(insert);
        transaction.commit()
    }

    /// How many flights of this topic are saved, by whichever run.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn saved(&self, topic: &str) -> Result<u64, rusqlite::Error> {
        let count = "SELECT count(*) FROM flights WHERE topic = ?1";
        self.connection().query_row(count, [topic], |row| row.get(0)).map(i64::cast_unsigned)
    }

    /// How late each airline was, the most punctual one first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn delays(&self, topic: &str) -> Result<Vec<CarrierDelay>, rusqlite::Error> {
        let connection = self.connection();
        let mut query = connection.prepare(DELAYS)?;
        let rows = query.query_map(params![topic, LATE_MINUTES], |row| {
            Ok(CarrierDelay {
                carrier: row.get(0)?,
                flights: row.get(1)?,
                mean: row.get(2)?,
                late: row.get(3)?,
            })
        })?;
        rows.collect()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // If its holder panicked, the transaction was rolled back: the connection is as good as before.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
