//! Failure reports: the input of a stage that failed and how its call ended, kept for a later look.
//!
//! A pipeline that is given a reporter tells it of every record that is given up. The report has the record as it came in (key,
//! value, headers), where it comes from, the stage, the error with its sources, the message and backtrace of a panic; and
//! the stage's own input, where the stage says `#[stage(report)]`. With `report = all` calls that finish are told as well.
//!
//! ```no_run
//! use healer::{prelude::*, reports::Directory};
//!
//! #[stage(on_error = skip)]
//! fn parse(line: String) -> Result<u64, std::num::ParseIntError> {
//!     line.parse()
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let app = pipeline! {
//!     name "numbers";
//!     lines = kafka::text("lines") => parse;
//!     lines => heal;
//! };
//! let app = app.report_failures(Directory::new("reports")?);
//! app.run(Config::from_env()?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to have reports | give | feature |
//! | --- | --- | --- |
//! | as files | [`Directory`] | |
//! | posted to an address | `Webhook` | `webhook` |
//! | in a bucket, or a directory that stands for one | `ObjectStore` | `object-store`; `s3` and `gcs` for these |
//! | anywhere else | a [`FailureReporter`], or a closure | |
//!
//! # Guarantees
//! - Reporting neither stops nor fails a pipeline, and no thread of the pipeline waits for it. Up to 256 reports, and 32 MiB
//!   of them, wait for the one thread that calls the reporter. A report that does not fit in is dropped, and so is one that the
//!   reporter gives an error or a panic for. The number of dropped reports is logged, at most once a second, and counted:
//!   `healer_failure_reports_dropped_total`.
//! - At the end of a pipeline the reports that still wait are written, within a bound.
//! - A record is reported when it is given up, after its last attempt; after a crash there may be reports of the same record
//!   again.
//! - Reports hold the data of records, unredacted: keep them where that data may be.
//! - To have the backtrace of a panic takes a panic hook, and hooks are of the whole process. The first pipeline that is given
//!   a reporter installs one, which calls the hook that was there before, and looks only at panics within stages.
//!
//! # The format
//! JSON; [`FailureReport::from_json`] reads it back. Bytes are `{"text": "…"}` where they are UTF-8 and `{"base64": "…"}`
//! elsewhere:
//!
//! ```
//! use healer::reports::FailureReport;
//!
//! let report = FailureReport::from_json(br#"{
//!     "version": 1,
//!     "healer": "0.1.0",
//!     "pipeline": "numbers",
//!     "stage": "parse",
//!     "path": "lines.parse",
//!     "outcome": "failed",
//!     "written_at": "2026-08-01T12:30:05.123Z",
//!     "kind": "error",
//!     "error": ["invalid digit found in string"],
//!     "attempt": 1,
//!     "emit_id": "019864c5-2d5b-7a3e-9c41-5f2d8e7b6a10",
//!     "topic": "lines",
//!     "partition": 3,
//!     "offset": 41,
//!     "record": { "key": null, "value": { "text": "seven" }, "headers": [] }
//! }"#)?;
//! let record = report.record.expect("it is no batch");
//! assert_eq!(record.value.as_deref(), Some(b"seven".as_slice()));
//! # Ok::<(), healer::reports::ReportError>(())
//! ```

mod directory;
mod distinct;
mod draft;
mod error;
mod file_name;
#[cfg(feature = "object-store")]
mod object_store;
mod panics;
mod queue;
mod raw;
mod report;
mod reporter;
#[cfg(test)]
mod tests;
#[cfg(feature = "webhook")]
mod webhook;
mod weight;

use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "object-store")]
pub use self::object_store::ObjectStore;
#[cfg(feature = "logs")]
pub(crate) use self::panics::see as see_panic;
#[cfg(feature = "webhook")]
pub use self::webhook::Webhook;
pub use self::{
    directory::Directory,
    error::ReportError,
    raw::RawRecord,
    report::{FailureReport, Outcome, PanicReport, RowReport},
    reporter::FailureReporter,
};
pub(crate) use self::{draft::Draft, panics::catch_backtraces, queue::Reports};

/// Data behind a lock of this module is whole, also after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
