//! Opening a folder: its lock, its side file, and only then the database.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::guard;
use super::side_file::{self, Found, SideFile, VERSION};
use crate::store::StoreError;

/// Below the folder: sled's own.
pub(super) const DATABASE: &str = "sled";
const LOCK: &str = "lock";

/// sled's page cache, in bytes; its own default is 1 GiB, for rows that a process reads once.
const CACHE_BYTES: u64 = 8 << 20;

/// Takes the folder for this handle; it is free again when the file is dropped.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::io(action, path, source)
    };
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    if let Some(parent) = folder.parent() {
        // So that the folder's name outlives a power cut. Best effort: we may be allowed to pass through the
        // parent without reading it.
        let _ = side_file::sync_folder(parent);
    }
    let path = folder.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(locked(folder)),
        Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
    }
}

fn locked(folder: &Path) -> StoreError {
    StoreError::Locked { path: folder.to_owned(), pid: SideFile::pid(folder) }
}

/// Reads the side file of a folder that is locked, and puts this process's name on it.
pub(super) fn claim_side_file(folder: &Path) -> Result<SideFile, StoreError> {
    let side = match SideFile::read(folder)? {
        Found::Whole { side, .. } => side,
        Found::Newer(found) => {
            return Err(StoreError::Version { path: folder.to_owned(), found, supported: VERSION });
        }
        // The side file is made before the database, so a database without one means that it was lost.
        Found::Nothing => SideFile::new(!folder.join(DATABASE).exists()),
        Found::Damaged => SideFile::new(false),
    };
    if !side.complete {
        tracing::warn!(
            path = %folder.display(),
            "the side file of the store was lost: partitions not saved since then resume at their committed offset"
        );
    }
    side.replace(folder)?;
    Ok(side)
}

/// Opens the database of a folder that is locked.
pub(super) fn database(folder: &Path) -> Result<::sled::Db, StoreError> {
    let path = folder.join(DATABASE);
    let config = ::sled::Config::new()
        .path(&path)
        .cache_capacity(CACHE_BYTES)
        // The store flushes at the end of each save; sled's own thread would only panic out of our sight.
        .flush_every_ms(None);
    let mut tries = 0;
    loop {
        match guard::call(&path, "open", || config.open()) {
            // We hold the folder, so this is a handle of our own whose threads are still letting go.
            Err(StoreError::Io { source, .. }) if source.to_string().contains("could not acquire lock") => {
                tries += 1;
                if tries > 50 {
                    return Err(locked(folder));
                }
                thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}
