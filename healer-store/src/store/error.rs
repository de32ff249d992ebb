//! The errors of a store; every text names the fault, its place and how to mend it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a store could not do its task. None of these ever costs a record: the committed offsets
/// are Kafka's, and records that the store cannot prove done are processed again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another handle of this one, has the store open.
    #[error(
        "the store at {path} is in use by {owner}: end that process, or give this one a folder of its own",
        path = path.display(),
        owner = owner(*pid)
    )]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// The process that wrote last, if the side file says so.
        pid: Option<u32>,
    },
    /// A newer version of this crate wrote the store.
    #[error(
        "the store at {path} has format version {found}, this build reads up to {supported}: \
         run the newer build again, or move the folder away (all that it proves done is then processed again)",
        path = path.display()
    )]
    Version {
        /// The store's folder.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The highest version that this build reads.
        supported: u32,
    },
    /// The file system refused an operation.
    #[error(
        "could not {action} {path}: {source}; check that the folder exists and is writable by this user",
        path = path.display()
    )]
    Io {
        /// The operation that was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The file system's error.
        source: io::Error,
    },
    /// The disk, a quota or a limit on the size of files leaves no room.
    #[error(
        "could not {action} {path}: the disk is full, or a quota or size limit is reached ({source}); make room \
         and start again: no record is lost, what was saved stands, and the rest is processed again",
        path = path.display()
    )]
    Full {
        /// The operation that was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The file system's error.
        source: io::Error,
    },
    /// The database found itself damaged, or panicked on the bytes that it read.
    #[error(
        "the store at {path} is damaged ({reason}): move the folder away and start again; \
         processing resumes at the committed offsets and no record is lost",
        path = path.display()
    )]
    Corrupt {
        /// The store's folder.
        path: PathBuf,
        /// The database's words.
        reason: String,
    },
    /// An earlier call failed in a way that leaves the database in doubt, so it is not called any more.
    #[error(
        "the store at {path} was given up after an earlier failure ({reason}): restart the process; if it \
         fails again, move the folder away",
        path = path.display()
    )]
    GivenUp {
        /// The store's folder.
        path: PathBuf,
        /// The words of the earlier call.
        reason: String,
    },
    /// Something to be stored is larger than a row may be.
    #[error(
        "{what} has {bytes} bytes, the limit is {limit}: make it smaller, or do not keep it in the store"
    )]
    TooLarge {
        /// The thing that was to be stored, in words.
        what: String,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A snapshot contradicts itself and would be useless after a restart.
    #[error("the snapshot of {topic}[{partition}] is not valid: {reason}; nothing of this save was written")]
    Invalid {
        /// The snapshot's topic.
        topic: String,
        /// The snapshot's partition.
        partition: i32,
        /// The contradiction.
        reason: String,
    },
    /// A back end of the user's own failed.
    #[error("the store failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps the error of a back end of the user's own.
    pub fn backend(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }

    /// Tells a disk without room from everything else that a file system refuses.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let path = path.into();
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full { action, path, source },
            _ => Self::Io { action, path, source },
        }
    }
}

fn owner(pid: Option<u32>) -> String {
    match pid {
        None => "another process (its id is unknown)".to_owned(),
        // In containers most processes are number 1.
        Some(pid) if pid == std::process::id() => {
            format!("process {pid} (another handle of this process, or a process of another container)")
        }
        Some(pid) => format!("process {pid}"),
    }
}
