//! A store in a folder with something in it, for the tests of the sled back end.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use healer_store::{Run, SledStore, StoreError};

use crate::journal::{Checkpoint, Journal, PartitionSnapshot};

pub(crate) const PARTITIONS: i32 = 20;

pub(crate) fn snapshot(partition: i32, save: i64) -> PartitionSnapshot {
    let frontier = i64::from(partition) * 1000 + save;
    PartitionSnapshot {
        topic: "flights".to_owned(),
        partition,
        lineage: 1,
        frontier,
        position: frontier + 900,
        done_above: (1..200).map(|i| Run::new(frontier + 4 * i, frontier + 4 * i + 2)).collect(),
        fingerprint: Some(save.unsigned_abs()),
        leader_epoch: None,
    }
}

pub(crate) fn checkpoint(partition: i32, save: i64) -> Checkpoint {
    Checkpoint {
        node: "enrich".to_owned(),
        topic: "flights".to_owned(),
        partition,
        offset: save,
        type_name: "Enriched".to_owned(),
        json: format!(r#"{{"save":{save},"text":"{}"}}"#, "x".repeat(300)).into_bytes(),
    }
}

pub(crate) fn open(folder: &Path) -> Result<Journal, StoreError> {
    Ok(crate::open(Arc::new(SledStore::open(folder)?), "pipeline"))
}

/// Saves every partition, with the numbers `saves`.
pub(crate) fn fill(folder: &Path, saves: RangeInclusive<i64>) {
    let journal = open(folder).unwrap();
    for save in saves {
        let snapshots: Vec<_> = (0..PARTITIONS).map(|partition| snapshot(partition, save)).collect();
        let checkpoints: Vec<_> = (0..PARTITIONS).map(|partition| checkpoint(partition, save)).collect();
        journal.save(&snapshots, &checkpoints, &[]).unwrap();
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files below a folder that hold anything.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Keeps the panics of sled, where they are expected and caught, out of a test's output.
pub(crate) fn quiet_sled() {
    std::panic::set_hook(Box::new(|info| {
        // Those of the test are not expected.
        if info.location().is_none_or(|at| !at.file().contains("sled-")) {
            eprintln!("{info}");
        }
    }));
}
