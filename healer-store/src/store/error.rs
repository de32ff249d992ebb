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
        "could not {action} {path}: the disk is full, or a quota or size limit is reached ({source}); make room: \
         a pipeline that runs then goes on, one that has ended can be started again, and no record is lost",
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
    #[error(
        "the snapshot of {topic}[{partition}] is not valid: {reason}; nothing of this save was written and no record is lost: this is a bug of healer, please report it"
    )]
    Invalid {
        /// The snapshot's topic.
        topic: String,
        /// The snapshot's partition.
        partition: i32,
        /// The contradiction.
        reason: String,
    },
    /// A folder was named for the store, and this program cannot keep a store in one.
    #[error(
        "no store can be opened at {path}: the program was built without the cargo feature `sled` of healer; build it with that \
         feature, give a store of your own (`App::store`), or name `memory` instead of the folder",
        path = path.display()
    )]
    NoSled {
        /// The folder.
        path: PathBuf,
    },
    /// A back end of the user's own cannot do it now, and may later.
    #[error(
        "the store does not take it at present: {0}; a pipeline that runs tries again, one that has ended can be started again once the store is back, and no record is lost"
    )]
    Transient(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A back end of the user's own failed for good.
    #[error(
        "the store failed for good: {0}; the pipeline ends and no record is lost: mend the store, then start again"
    )]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps an error of a back end of the user's own that may pass: no connection, a lock, no room. The call is made again.
    ///
    /// ```
    /// use healer_store::StoreError;
    ///
    /// assert!(StoreError::transient("no connection to 10.0.0.7").is_transient());
    /// assert!(!StoreError::backend("the schema is another's").is_transient());
    /// ```
    pub fn transient(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Transient(error.into())
    }

    /// Whether the same call may succeed later, with nothing changed in the program: the disk is full, the folder is in use, a connection is
    /// gone. All else is final.
    pub fn is_transient(&self) -> bool {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted,
            NetworkDown, NetworkUnreachable, NotConnected, ResourceBusy, TimedOut, WouldBlock,
        };
        match self {
            Self::Full { .. } | Self::Locked { .. } | Self::Transient(_) => true,
            Self::Io { source, .. } => matches!(
                source.kind(),
                BrokenPipe
                    | ConnectionAborted
                    | ConnectionRefused
                    | ConnectionReset
                    | HostUnreachable
                    | Interrupted
                    | NetworkDown
                    | NetworkUnreachable
                    | NotConnected
                    | ResourceBusy
                    | TimedOut
                    | WouldBlock
            ),
            _ => false,
        }
    }

    /// Wraps an error of a back end of the user's own that will not pass. The pipeline ends with it.
    pub fn backend(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }

    /// Tells a disk without room from everything else that a file system refuses.
    #[cfg(feature = "sled")]
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
