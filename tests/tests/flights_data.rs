//! The data of the examples: the contents of the files agree with their README.

use std::path::Path;

use healer_tests::flights::{self, Counts, Flight, SAMPLE, WHOLE};
use healer_tests::workspace;

fn all(path: &Path) -> Vec<Flight> {
    flights::read(path).unwrap().map(Result::unwrap).collect()
}

fn counts(flights: &[Flight]) -> Counts {
    let mut counts = Counts::default();
    for flight in flights {
        counts.add(flight);
    }
    counts
}

#[test]
fn the_sample_holds_what_it_says() {
    let sample = all(&flights::sample());
    assert_eq!(counts(&sample), SAMPLE);
    let first: serde_json::Value = serde_json::from_slice(&sample[0].json).unwrap();
    assert_eq!(first["carrier"], "UA");
    assert_eq!(first["dep_time"], 517);
    assert_eq!(first["time_hour"], "2013-01-01T10:00:00Z");
    assert_eq!(first.as_object().unwrap().len(), 19);
    assert_eq!(sample[0].key.as_deref(), Some(&b"N14228"[..]));
    let cancelled = sample.iter().find(|flight| flight.is_cancelled()).unwrap();
    let cancelled: serde_json::Value = serde_json::from_slice(&cancelled.json).unwrap();
    assert!(cancelled["dep_time"].is_null() && cancelled["arr_delay"].is_null());
    let keyless = sample.iter().find(|flight| flight.key.is_none()).unwrap();
    let keyless: serde_json::Value = serde_json::from_slice(&keyless.json).unwrap();
    assert!(keyless["tailnum"].is_null());
}

#[test]
fn the_whole_file_holds_what_it_says_and_the_sample_is_taken_evenly_from_it() {
    let Some(path) = flights::whole_for_test() else {
        return;
    };
    let whole = all(&path);
    assert_eq!(counts(&whole), WHOLE);
    assert_eq!(WHOLE.flown(), 328_521);
    let sample = all(&flights::sample());
    for (at, flight) in sample.iter().enumerate() {
        assert_eq!(*flight, whole[at * whole.len() / sample.len()], "row {at}");
    }
}

#[test]
fn the_readme_says_the_same_and_the_folder_stays_small() {
    let folder = workspace().join("examples/data");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for counts in [SAMPLE, WHOLE] {
        let row = [counts.records, counts.cancelled, counts.late, counts.keyless].map(|n| format!("{n} |"));
        assert!(readme.contains(&row.join(" ")), "{counts:?}");
    }
    let sizes = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    assert!(sizes.sum::<u64>() < 1 << 20);
}
