//! Reports as files of a directory.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{FailureReport, FailureReporter, ReportError, distinct::Distinct, file_name::is_report, lock};
use crate::error::BoxError;

/// How many files are kept.
const KEPT: usize = 10_000;

/// Writes each report to a file of its own, named [`FailureReport::file_name`].
///
/// A file is written under another name and then renamed, so a reader of the directory finds whole reports only. The
/// names sort by time. Of too many files the oldest go; nothing but reports is ever deleted. Several pipelines may share a
/// directory; processes that do may for a while keep more than the limit.
pub struct Directory {
    path: PathBuf,
    /// Where a file is written: a name that nobody else has.
    draft: PathBuf,
    keep: usize,
    given: Distinct,
    /// How many reports there are, as far as is known. Locked while one is written, so that there is one draft.
    files: Mutex<usize>,
}

impl Directory {
    /// A directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`ReportError::Directory`] if it cannot be made, or if no file can be written to it.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, ReportError> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let path = path.into();
        let number = OPENED.fetch_add(1, Relaxed);
        let draft = path.join(format!(".healer-{}-{number}.tmp", process::id()));
        match prepare(&path, &draft) {
            Ok(files) => {
                let files = Mutex::new(files);
                Ok(Self { path, draft, keep: KEPT, given: Distinct::default(), files })
            }
            Err(source) => Err(ReportError::Directory { action: "write to", path, source }),
        }
    }

    /// How many files are kept, 10,000 by default; with more of them the oldest goes. 0: all are kept.
    pub fn keep(mut self, most_files: usize) -> Self {
        self.keep = most_files;
        self
    }

    fn write(&self, report: &FailureReport, files: &mut usize) -> io::Result<()> {
        let name = self.given.name(report.file_name());
        fs::write(&self.draft, report.to_json())?;
        fs::rename(&self.draft, self.path.join(name))?;
        *files += 1;
        Ok(())
    }

    /// Deletes the oldest beyond the limit; how many are left.
    fn make_room(&self) -> io::Result<usize> {
        let mut names = reports(&self.path)?;
        names.sort_unstable();
        let surplus = names.len().saturating_sub(self.keep);
        for name in &names[..surplus] {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // Another process that shares the directory may have been faster.
                _ => {}
            }
        }
        Ok(names.len() - surplus)
    }

    fn failed(&self, action: &'static str, source: io::Error) -> BoxError {
        ReportError::Directory { action, path: self.path.clone(), source }.into()
    }
}

impl FailureReporter for Directory {
    fn report(&self, report: &FailureReport) -> Result<(), BoxError> {
        let mut files = lock(&self.files);
        let written = self.write(report, &mut files);
        written.map_err(|source| self.failed("write a failure report to", source))?;
        if self.keep > 0 && *files > self.keep {
            let action = "delete the oldest failure reports (the newest was written) of";
            *files = self.make_room().map_err(|source| self.failed(action, source))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Directory");
        shown.field("path", &self.path).field("keep", &self.keep).finish_non_exhaustive()
    }
}

/// Makes it, tries it, and counts the reports that are there.
fn prepare(path: &Path, draft: &Path) -> io::Result<usize> {
    fs::create_dir_all(path)?;
    fs::write(draft, b"")?;
    fs::remove_file(draft)?;
    Ok(reports(path)?.len())
}

/// The names of all reports of a directory.
fn reports(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_report(name)));
    }
    Ok(names)
}
