//! The store that survives a restart: sled, and around it the work that sled does not do.
//!
//! sled 0.34 drops damaged pages without an error, panics on some, and does not sync on `flush` (on Linux).
//! So every call is caught, `flush` syncs the file itself, and a *side file* repeats which rows must exist.
//! The folder holds `lock` (held while the store is open), `witness` (the side file, readable text), and
//! `sled/` (the database).
//!
//! Order of writes: rows, sync, side file. A crash in between leaves the rows ahead of the side file, and
//! they are believed; rows behind it were lost, and are reported as such by [`Store::witness`].

mod guard;
mod open;
mod side_file;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::store::{Row, Store, StoreError, Table, Witness, Write, WriteBatch};
use side_file::SideFile;

/// A store in a folder of the local disk, for one process at a time.
pub struct SledStore {
    path: PathBuf,
    /// `None` only while the store is being dropped.
    database: Option<::sled::Db>,
    side: Mutex<Side>,
    /// Why sled is not called any more, once that is so.
    given_up: OnceLock<String>,
    /// Dropped last, so that nobody gets the folder before the database is closed.
    _lock: File,
}

struct Side {
    durable: SideFile,
    /// Witnessed rows written since the last flush; `None` for a removed one.
    unflushed: Vec<(Vec<u8>, Option<u64>)>,
}

impl SledStore {
    /// Opens the store in the folder `path`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if it is open elsewhere or in this process, [`StoreError::Version`] if a newer
    /// build wrote it, [`StoreError::Io`] if the folder cannot be used, [`StoreError::Full`] if it has no room,
    /// [`StoreError::Corrupt`] if sled cannot make sense of its files.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = open::lock(path)?;
        let durable = open::claim_side_file(path)?;
        let database = open::database(path)?;
        Ok(Self {
            path: path.to_owned(),
            database: Some(database),
            side: Mutex::new(Side { durable, unflushed: Vec::new() }),
            given_up: OnceLock::new(),
            _lock: lock,
        })
    }

    /// The store's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn side(&self) -> MutexGuard<'_, Side> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls sled, unless an earlier call left it in doubt.
    fn call<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&::sled::Db) -> ::sled::Result<T>,
    ) -> Result<T, StoreError> {
        let given_up =
            |reason: &str| StoreError::GivenUp { path: self.path.clone(), reason: reason.to_owned() };
        if let Some(reason) = self.given_up.get() {
            return Err(given_up(reason));
        }
        let Some(database) = &self.database else {
            return Err(given_up("it is closed"));
        };
        // Every failure of sled is final: it stops by itself after an error of the disk, and after a panic
        // its state is not known.
        guard::call(&self.path, action, || work(database))
            .inspect_err(|error| _ = self.given_up.set(error.to_string()))
    }

    fn sync_database(&self) -> Result<(), StoreError> {
        let path = self.path.join(open::DATABASE).join("db");
        // Syncing any handle syncs the file. sled's own flush leaves its pages to the kernel.
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|source| StoreError::io("sync", path, source))
    }
}

impl Store for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.call("read", |database| database.get(tagged(table, key)))?;
        Ok(row.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        self.call("read", |database| {
            database
                .scan_prefix(tagged(table, prefix))
                .map(|row| row.map(|(key, value)| (key[1..].to_vec(), value.to_vec())))
                .collect()
        })
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut changes = ::sled::Batch::default();
        let mut witnessed = Vec::new();
        for write in batch {
            match write {
                Write::Put { table, key, value, sequence } => {
                    let key = tagged(table, &key);
                    witnessed.extend(sequence.map(|sequence| (key.clone(), Some(sequence))));
                    changes.insert(key, value);
                }
                Write::Remove { table, key } => {
                    let key = tagged(table, &key);
                    changes.remove(key.clone());
                    witnessed.push((key, None));
                }
            }
        }
        let mut side = self.side();
        self.call("write", |database| database.apply_batch(changes))?;
        side.unflushed.append(&mut witnessed);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut side = self.side();
        self.call("flush", |database| database.flush())?;
        self.sync_database()?;
        if side.unflushed.is_empty() {
            return Ok(());
        }
        let mut next = side.durable.clone();
        for (key, sequence) in &side.unflushed {
            match sequence {
                Some(sequence) => _ = next.rows.insert(key.clone(), *sequence),
                None => _ = next.rows.remove(key),
            }
        }
        // On failure the old side file stands, which the rows are ahead of; the next flush tries again.
        next.replace(&self.path)?;
        side.durable = next;
        side.unflushed.clear();
        Ok(())
    }

    fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
        let side = self.side();
        Ok(match side.durable.rows.get(&tagged(table, key)) {
            Some(&sequence) => Witness::Written { sequence },
            None if side.durable.complete => Witness::Unwritten,
            None => Witness::Lost,
        })
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        if self.given_up.get().is_none()
            && let Err(error) = self.flush()
        {
            tracing::warn!(%error, "what was not yet durable in the store may be processed again");
        }
        let database = self.database.take();
        // sled panics here, too, when its files are damaged.
        let closed = guard::call(&self.path, "close", || {
            drop(database);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn tagged(table: Table, key: &[u8]) -> Vec<u8> {
    let mut tagged = Vec::with_capacity(1 + key.len());
    tagged.push(table.tag());
    tagged.extend_from_slice(key);
    tagged
}
