//! Where flights are saved: a table of `SQLite` in a file that is gone afterwards; the same for all sides.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;

use crate::{flight::Flight, tally::Tally, task::BATCH};

const SCHEMA: &str = r#"
CREATE TABLE flights (
    "partition" INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    time_hour   TEXT    NOT NULL,
    carrier     TEXT    NOT NULL,
    flight      INTEGER NOT NULL,
    tailnum     TEXT,
    origin      TEXT    NOT NULL,
    dest        TEXT    NOT NULL,
    distance    INTEGER NOT NULL,
    dep_delay   INTEGER,
    arr_delay   INTEGER,
    PRIMARY KEY ("partition", "offset")
) STRICT, WITHOUT ROWID"#;

// A record that comes once more after a crash changes nothing.
const INSERT: &str = r"
INSERT INTO flights VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";

const TOTAL: &str = "SELECT count(*), total(coalesce(dep_delay, 0) + coalesce(arr_delay, 0)) FROM flights";

/// The database of one side.
pub(crate) struct Database {
    // Closed before its folder goes.
    connection: Mutex<Connection>,
    _folder: TempDir,
}

impl Database {
    /// Makes it, in a folder for temporary files.
    pub(crate) fn open() -> Result<Self> {
        let folder = TempDir::new()?;
        let connection = Connection::open(folder.path().join("flights.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // The offsets of saved flights are committed, so the flights must be on the disk and not on their way there.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection), _folder: folder })
    }

    /// Saves all of these flights with their partitions and offsets, or none, and counts them.
    pub(crate) fn save<'a>(
        &self,
        rows: impl Iterator<Item = (i32, i64, &'a Flight)>,
        tally: &Tally,
    ) -> rusqlite::Result<()> {
        tally.begin();
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare_cached(INSERT)?;
        let mut minutes = Vec::with_capacity(BATCH);
        for (partition, offset, flight) in rows {
            minutes.push(flight.minutes());
            insert.execute(params![
                partition,
                offset,
                flight.time_hour,
                flight.carrier,
                flight.flight,
                flight.tailnum,
                flight.origin,
                flight.dest,
                flight.distance,
                flight.dep_delay,
                flight.arr_delay,
            ])?;
        }
        drop(insert);
        transaction.commit()?;
        // Only flights on the disk count.
        for minutes in minutes {
            tally.count(minutes);
        }
        Ok(())
    }

    /// Checks that the table holds the flights that were counted.
    pub(crate) fn check(&self, tally: &Tally) -> Result<()> {
        let total = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?));
        let (count, sum) = self.connection().query_row(TOTAL, [], total)?;
        let (counted, added) = tally.so_far();
        #[expect(clippy::cast_precision_loss, reason = "minutes of a benchmark stay far below 2^52")]
        let added = added as f64;
        ensure!(
            count.cast_unsigned() == counted && (sum - added).abs() < 0.5,
            "{count} rows with {sum} minutes are saved, and {counted} with {added} were counted"
        );
        Ok(())
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // If its holder panicked, the transaction was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
