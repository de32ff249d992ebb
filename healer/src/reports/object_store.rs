//! Reports as objects of a bucket, or as files of a directory that stands for one.

use std::{fmt, sync::Arc, time::Duration};

use ::object_store::{ObjectStore as Store, PutOptions, local::LocalFileSystem, path::Path};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{FailureReport, FailureReporter, ReportError, distinct::Distinct};
use crate::error::BoxError;

/// How long it may take to put one object, with all attempts.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Puts each report as an object `<prefix>/<yyyy-mm-dd>/<file name>`, with the name of [`FailureReport::file_name`].
///
/// | address | is | feature |
/// | --- | --- | --- |
/// | `s3://bucket/prefix` | S3, or a store with its protocol | `s3` |
/// | `gs://bucket/prefix` | Google Cloud Storage | `gcs` |
/// | `file:///directory` | a local directory | `object-store` |
///
/// Region, endpoint and credentials come from the environment: `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY` and so on, or `GOOGLE_SERVICE_ACCOUNT` and its like; else from the machine or pod that it runs on.
/// Requests that fail are made again, up to [`timeout`](ObjectStore::timeout). Nothing is ever deleted: buckets have rules
/// for that.
///
/// ```
/// use healer::reports::ObjectStore;
///
/// let store = ObjectStore::new("file:///var/lib/flights/reports")?;
/// # Ok::<(), healer::reports::ReportError>(())
/// ```
pub struct ObjectStore {
    store: Arc<dyn Store>,
    /// Scheme and bucket.
    shown: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    timeout: Duration,
    given: Distinct,
    /// Of its own, as that of the pipeline may be ending. `None` only while this is dropped.
    runtime: Option<Runtime>,
}

impl ObjectStore {
    /// A place for reports. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ReportError::Setup`] if there is no such kind of place, or this build lacks its feature; [`ReportError::ObjectStore`]
    /// if its settings in the environment are wrong.
    pub fn new(url: &str) -> Result<Self, ReportError> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (store, shown, prefix) = match scheme {
            "file" => (local(rest)?, "file://".to_owned(), rest),
            "s3" | "s3a" | "gs" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() || url.contains(['@', '?', '#']) {
                    return Err(ReportError::setup(format!(
                        "{scheme}:// is followed by bucket and prefix; all else comes from the environment"
                    )));
                }
                let store = if scheme == "gs" { gcs(bucket)? } else { s3(bucket)? };
                (store, format!("{scheme}://{bucket}"), prefix)
            }
            _ => {
                let why = "the address of an object store begins with s3://, gs:// or file:///";
                return Err(ReportError::setup(why));
            }
        };
        let prefix = Path::from_url_path(prefix).map_err(|error| failed(&shown, error))?.to_string();
        let prefix = if prefix.is_empty() { prefix } else { prefix + "/" };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = Some(runtime.map_err(|error| failed(&shown, error))?);
        Ok(Self { store, shown, prefix, timeout: TIMEOUT, given: Distinct::default(), runtime })
    }

    /// How long it may take to put one object, with all attempts; 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn put(&self, report: &FailureReport) -> Result<(), BoxError> {
        // To block here would panic.
        if Handle::try_current().is_ok() {
            return Err("it was called within an async runtime, not on a thread of its own".into());
        }
        let runtime = self.runtime.as_ref().ok_or("it was dropped")?;
        let name = self.given.name(report.file_name());
        let place = Path::parse(format!("{}{}/{name}", self.prefix, report.day()))?;
        let put = async {
            let put = self.store.put_opts(&place, report.to_json().into(), PutOptions::default());
            tokio::time::timeout(self.timeout, put).await
        };
        match runtime.block_on(put) {
            Ok(put) => put.map(drop).map_err(Into::into),
            Err(_) => {
                Err(format!("it did not answer within {}", humantime::format_duration(self.timeout)).into())
            }
        }
    }
}

impl FailureReporter for ObjectStore {
    fn report(&self, report: &FailureReport) -> Result<(), BoxError> {
        self.put(report).map_err(|error| failed(&self.shown, error).into())
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        // A runtime that is dropped within another one panics.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStore")
            .field("to", &self.shown)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

fn failed(to: &str, source: impl Into<BoxError>) -> ReportError {
    ReportError::ObjectStore { to: to.to_owned(), source: source.into() }
}

fn local(path: &str) -> Result<Arc<dyn Store>, ReportError> {
    if !path.starts_with('/') {
        return Err(ReportError::setup("file:// is followed by a whole path, as in file:///var/reports"));
    }
    Ok(Arc::new(LocalFileSystem::new()))
}

#[cfg(feature = "s3")]
fn s3(bucket: &str) -> Result<Arc<dyn Store>, ReportError> {
    let builder = ::object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket);
    let store = builder.build().map_err(|error| failed("s3://", error))?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "s3"))]
fn s3(_: &str) -> Result<Arc<dyn Store>, ReportError> {
    Err(ReportError::setup("this program was built without healer's feature `s3`"))
}

#[cfg(feature = "gcs")]
fn gcs(bucket: &str) -> Result<Arc<dyn Store>, ReportError> {
    let builder = ::object_store::gcp::GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
    let store = builder.build().map_err(|error| failed("gs://", error))?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "gcs"))]
fn gcs(_: &str) -> Result<Arc<dyn Store>, ReportError> {
    Err(ReportError::setup("this program was built without healer's feature `gcs`"))
}
