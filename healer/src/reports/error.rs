//! Errors of reports and of the places that they go to.

use std::{io, path::PathBuf};

use crate::error::BoxError;

/// Why a report cannot be read, or did not get to where it was to go.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is no JSON, or not that of a report.
    #[error("this is no failure report: {0}")]
    Malformed(#[source] serde_json::Error),
    /// A newer release wrote it in a format that this one does not know.
    #[error(
        "the failure report has format version {version} and was written by healer {writer}; this healer \
         reads versions up to {newest}: read it with that release or a later one"
    )]
    Newer {
        /// The version of the report.
        version: u32,
        /// The release that wrote it.
        writer: String,
        /// The newest version that this release reads.
        newest: u32,
    },
    /// The reporter itself is set up wrongly.
    #[error("failure reports can't be sent: {why}")]
    Setup {
        /// The mistake, and the right form. Never shows credentials.
        why: String,
    },
    /// The file system refused an operation.
    #[error(
        "could not {action} {path}: {source}; check that it is there, writable by this user, and not full",
        path = path.display()
    )]
    Directory {
        /// The operation that was tried.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// The receiver of the report did not take it.
    #[error("{to} did not take a failure report: {why} (attempt {attempts})")]
    NotTaken {
        /// Scheme, host and port, or bucket; never more of an address.
        to: String,
        /// The reason why the last attempt failed.
        why: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The object store failed.
    #[error("{to} did not take a failure report: {source}")]
    ObjectStore {
        /// Scheme and bucket.
        to: String,
        /// The error of the store.
        source: BoxError,
    },
}

impl ReportError {
    #[cfg(any(feature = "webhook", feature = "object-store"))]
    pub(super) fn setup(why: impl Into<String>) -> Self {
        Self::Setup { why: why.into() }
    }
}
