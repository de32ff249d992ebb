//! Reports as files.

use std::{fs, path::Path};

use super::{
    super::{Directory, FailureReport, FailureReporter, ReportError},
    sample,
};

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("it is a directory");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("it is text");
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort_unstable();
    names
}

/// One that was written in this second.
fn at(second: u32) -> FailureReport {
    let mut report = sample();
    report.written_at = format!("2026-08-01T12:30:{second:02}.000Z");
    report
}

#[test]
fn each_report_is_a_file_that_is_read_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("not/there/yet");
    let directory = Directory::new(&path).expect("it can be made");
    assert_eq!(names(&path), Vec::<String>::new());
    directory.report(&sample()).expect("it is written");
    assert_eq!(names(&path), [sample().file_name()]);
    let json = fs::read(path.join(sample().file_name())).expect("it is there");
    assert!(FailureReport::from_json(&json).expect("it is a report") == sample());
}

#[test]
fn reports_of_the_same_name_do_not_replace_each_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let directory = Directory::new(dir.path()).expect("it is there");
    for _ in 0..3 {
        directory.report(&sample()).expect("it is written");
    }
    let stem = "2026-08-01T123005.123Z-enrich-orders-3-41-2";
    let wanted = [".2.json", ".3.json", ".json"].map(|end| format!("{stem}{end}"));
    assert_eq!(names(dir.path()), wanted);
}

#[test]
fn of_too_many_files_the_oldest_go_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("2026-notes.json"), "mine").expect("it is written");
    let directory = Directory::new(dir.path()).expect("it is there").keep(3);
    for second in [5, 1, 4, 2, 3] {
        directory.report(&at(second)).expect("it is written");
    }
    let mut wanted = [3, 4, 5].map(|second| at(second).file_name()).to_vec();
    wanted.insert(0, "2026-notes.json".to_owned());
    wanted.sort_unstable();
    assert_eq!(names(dir.path()), wanted);

    // Files of an earlier run count as well.
    let again = Directory::new(dir.path()).expect("it is there").keep(2);
    again.report(&at(9)).expect("it is written");
    let mut wanted = [5, 9].map(|second| at(second).file_name()).to_vec();
    wanted.push("2026-notes.json".to_owned());
    wanted.sort_unstable();
    assert_eq!(names(dir.path()), wanted);
}

#[test]
fn a_limit_of_zero_is_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let directory = Directory::new(dir.path()).expect("it is there").keep(0);
    (0..5).for_each(|second| directory.report(&at(second)).expect("it is written"));
    assert_eq!(names(dir.path()).len(), 5);
}

#[test]
fn what_cannot_be_a_directory_is_refused_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("it is written");
    let error = Directory::new(file.join("below")).expect_err("a file has nothing below it");
    assert!(matches!(&error, ReportError::Directory { path, .. } if path.starts_with(&file)), "{error:?}");
    assert!(error.to_string().contains("writable by this user"), "{error}");
}

#[test]
fn a_directory_that_vanishes_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("reports");
    let directory = Directory::new(&path).expect("it can be made");
    fs::remove_dir(&path).expect("it is empty");
    let error = directory.report(&sample()).expect_err("it is gone").to_string();
    assert!(error.contains("write a failure report to") && error.contains("reports"), "{error}");
}
