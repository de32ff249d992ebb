//! The store that survives a restart: sled, and around it the work that sled does not do.
//!
//! sled 0.34 drops damaged pages without an error, panics on some, and does not sync on `flush` (on Linux).
//! So every call is caught, `flush` syncs the file itself, and a *side file* repeats which rows must exist.
//! The folder holds `lock` (held while the store is open), `witness` (the side file, readable text), and
//! `sled/` (the database).
//!
//! Order of writes: rows, sync, side file. A crash in between leaves the rows ahead of the side file, and
//! they are believed; rows behind it were lost, and are reported as such by [`Store::witness`].
//!
//! A disk without room is final for sled, which takes nothing more after it. So the database is closed then, and opened anew by the
//! next call, as after a restart. Changes that no flush made durable are kept until one does, and are written again first:
//! a later flush that succeeds has them too.

mod changes;
mod guard;
mod open;
mod side_file;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crate::store::{KeyRange, Page, PageLimit, Store, StoreError, Table, Witness, Write, WriteBatch};
use changes::{Changes, key_of, range_of};
use side_file::SideFile;

/// A store in a folder of the local disk, for one process at a time.
pub struct SledStore {
    path: PathBuf,
    /// `None` after a disk without room, until it is opened again, and while the store is being dropped. Locked after `side`.
    database: RwLock<Option<::sled::Db>>,
    side: Mutex<Side>,
    /// Why sled is not called any more, once that is so.
    given_up: OnceLock<String>,
    /// Dropped last, so that nobody gets the folder before the database is closed.
    _lock: File,
}

struct Side {
    durable: SideFile,
    /// Written since the last flush.
    unflushed: Changes,
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
            database: RwLock::new(Some(database)),
            side: Mutex::new(Side { durable, unflushed: Changes::default() }),
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

    fn give_up(&self, error: &StoreError) {
        // The first reason is the one that is told.
        let _ = self.given_up.set(error.to_string());
    }

    fn is_usable(&self) -> Result<(), StoreError> {
        let given_up =
            |reason: &String| StoreError::GivenUp { path: self.path.clone(), reason: reason.clone() };
        self.given_up.get().map(given_up).map_or(Ok(()), Err)
    }

    fn is_open(&self) -> bool {
        self.database.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Calls sled, unless an earlier call left it in doubt.
    fn call<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&::sled::Db) -> ::sled::Result<T>,
    ) -> Result<T, StoreError> {
        self.is_usable()?;
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &*database else {
            return Err(StoreError::transient("the database was closed after a failed write"));
        };
        let error = match guard::call(&self.path, action, || work(open)) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        drop(database);
        if matches!(error, StoreError::Full { .. }) {
            tracing::debug!(path = %self.path.display(), %error, "the database is closed, to be opened again");
            self.shut();
        } else {
            // sled stops after an error of the disk, and after a panic its state is not known.
            self.give_up(&error);
        }
        Err(error)
    }

    /// Closes the database, if it is open.
    fn shut(&self) {
        let database = self.database.write().unwrap_or_else(PoisonError::into_inner).take();
        // sled panics here, too, when its files are damaged.
        let closed = guard::call(&self.path, "close", || {
            drop(database);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    }

    /// Opens the database again, if it was closed after a failed write, and writes the changes again that no flush made durable.
    fn reopen(&self, side: &Side) -> Result<(), StoreError> {
        if self.is_open() {
            return Ok(());
        }
        self.is_usable()?;
        let opened = open::database(&self.path).and_then(|database| {
            guard::call(&self.path, "write", || database.apply_batch(side.unflushed.to_sled()))?;
            Ok(database)
        });
        let database = opened.inspect_err(|error| {
            if !error.is_transient() {
                self.give_up(error);
            }
        })?;
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(())
    }

    fn read<T>(&self, work: impl FnOnce(&::sled::Db) -> ::sled::Result<T>) -> Result<T, StoreError> {
        if !self.is_open() {
            self.reopen(&self.side())?;
        }
        self.call("read", work)
    }

    fn sync_database(&self) -> Result<(), StoreError> {
        let path = self.path.join(open::DATABASE).join("db");
        let failed = |source| StoreError::io("sync", &path, source);
        // Syncing any handle syncs the file. sled's own flush leaves its pages to the kernel.
        let file = File::options().write(true).open(&path).map_err(failed)?;
        // The kernel may have dropped pages that it could not write, and would say nothing of them the next time.
        file.sync_all().map_err(failed).inspect_err(|error| self.give_up(error))
    }
}

impl Store for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.read(|database| database.get(key_of(table, key)))?;
        Ok(row.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        if keys.is_empty() {
            return Ok(Page::default());
        }
        self.read(|database| {
            let mut failed = None;
            let rows = database.range(range_of(table, keys)).map_while(|row| match row {
                Ok((key, value)) => Some(Ok((key[1..].to_vec(), value.to_vec()))),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            });
            let page = Page::fill(rows, limit);
            failed.map_or(Ok(page), Err)
        })?
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        // Held throughout, so that no row comes into a range between the look at it and its removal.
        let mut side = self.side();
        self.reopen(&side)?;
        let mut changes = Changes::default();
        for write in batch {
            match write {
                Write::Put { table, key, value, sequence } => {
                    changes.put(key_of(table, &key), value, sequence);
                }
                Write::Remove { table, key } => changes.remove(key_of(table, &key)),
                Write::RemoveRange { table, keys } if !keys.is_empty() => {
                    let range = range_of(table, &keys);
                    let there = |database: &::sled::Db| {
                        database.range(range.clone()).keys().map(|key| Ok(key?.to_vec())).collect()
                    };
                    let there: Vec<_> = self.call("read", there)?;
                    // A row that vanished has its witness still.
                    let witnessed = side.durable.rows.range(range.clone()).map(|(key, _)| key.clone());
                    let gone: Vec<_> =
                        there.into_iter().chain(witnessed).chain(changes.keys_in(range)).collect();
                    for key in gone {
                        changes.remove(key);
                    }
                }
                Write::RemoveRange { .. } => {}
            }
        }
        self.call("write", |database| database.apply_batch(changes.to_sled()))?;
        side.unflushed.append(changes);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut side = self.side();
        self.reopen(&side)?;
        self.call("flush", |database| database.flush())?;
        self.sync_database()?;
        let mut next = side.durable.clone();
        side.unflushed.witness(&mut next.rows);
        if next != side.durable {
            // On failure the old side file stands, which the rows are ahead of; the next flush tries again.
            next.replace(&self.path)?;
            side.durable = next;
        }
        side.unflushed = Changes::default();
        Ok(())
    }

    fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
        let side = self.side();
        Ok(match side.durable.rows.get(&key_of(table, key)) {
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
        self.shut();
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("path", &self.path).finish_non_exhaustive()
    }
}
