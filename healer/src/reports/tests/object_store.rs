//! Reports as objects, in a directory that stands for a bucket.

use std::{fs, path::Path};

use super::{
    super::{FailureReport, FailureReporter, ObjectStore, ReportError},
    sample,
};

fn open(path: &Path) -> ObjectStore {
    ObjectStore::new(&format!("file://{}", path.display())).expect("a place")
}

#[test]
fn a_report_is_put_below_its_day() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&dir.path().join("reports"));
    store.report(&sample()).expect("it is put");
    store.report(&sample()).expect("it is put");
    let day = dir.path().join("reports/2026-08-01");
    let name = sample().file_name();
    for name in [name.replace(".json", ".2.json"), name] {
        let json = fs::read(day.join(name)).expect("it is there");
        assert!(FailureReport::from_json(&json).expect("it is a report") == sample());
    }
    assert_eq!(fs::read_dir(day).expect("it is there").count(), 2);
}

#[test]
fn a_place_that_refuses_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("it is written");
    let error = open(&file).report(&sample()).expect_err("a file has nothing below it");
    let kind = error.downcast_ref::<ReportError>();
    assert!(matches!(kind, Some(ReportError::ObjectStore { .. })), "{error:?}");
    assert!(error.to_string().starts_with("file:// did not take a failure report: "), "{error}");
}

#[tokio::test]
async fn within_a_runtime_it_neither_blocks_nor_panics_also_when_it_is_dropped() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let error = store.report(&sample()).expect_err("it would block").to_string();
    assert!(error.contains("within an async runtime"), "{error}");
    drop(store);
}

#[test]
fn what_is_no_place_is_refused() {
    let local = ["", "reports", "file://reports", "ftp://host/"];
    let remote = ["s3://", "gs:///prefix", "s3://me:secret@bucket/", "s3://bucket/?token=secret"];
    for url in local.into_iter().chain(remote) {
        let error = ObjectStore::new(url).expect_err(url);
        assert!(matches!(error, ReportError::Setup { .. }), "{url}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_bucket_without_its_feature_is_refused_by_name() {
    let error = ObjectStore::new("s3://bucket/prefix").expect_err("it is not built in").to_string();
    assert!(error.contains("feature `s3`"), "{error}");
}
