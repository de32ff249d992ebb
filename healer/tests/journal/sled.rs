//! The sled back end where it meets the file system: locks, versions, lost files, crashes between writes.

use std::fs;

use healer_store::{SledStore, Store, StoreError, Table, Witness};

use crate::disk::{PARTITIONS, checkpoint, copy, fill, open, snapshot};
use crate::journal::Loaded;

#[test]
fn what_was_saved_is_found_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1..=3);
    let journal = open(folder.path()).unwrap();
    for partition in 0..PARTITIONS {
        assert_eq!(journal.load("flights", partition).unwrap(), Loaded::Found(snapshot(partition, 3)));
    }
    assert_eq!(journal.load("flights", PARTITIONS).unwrap(), Loaded::Fresh);
    let checkpoints: Vec<_> = (0..PARTITIONS).map(|partition| checkpoint(partition, 3)).collect();
    assert_eq!(journal.checkpoints("enrich").unwrap(), checkpoints);
    journal.forget("flights", 0).unwrap();
    drop(journal);
    assert_eq!(open(folder.path()).unwrap().load("flights", 0).unwrap(), Loaded::Fresh);
}

#[test]
fn a_second_open_in_the_same_process_says_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = SledStore::open(folder.path()).unwrap();
    let error = SledStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    drop(first);
    SledStore::open(folder.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1..=1);
    let path = folder.path().join("witness");
    let text = "healer-store 9\nanything\n";
    fs::write(&path, format!("{text}crc {:08x}\n", crc32fast::hash(text.as_bytes()))).unwrap();
    let error = SledStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Version { found: 9, supported: 1, .. }), "{error}");
    assert!(error.to_string().contains("run the newer build again"), "{error}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("healer-store 9"), "it was left alone");
}

#[test]
fn a_folder_that_cannot_be_used_is_a_typed_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = SledStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_a_typed_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let user_may_write_anyway = fs::write(folder.path().join("probe"), "").is_ok();
    let opened = SledStore::open(folder.path());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if !user_may_write_anyway {
        assert!(matches!(opened, Err(StoreError::Io { .. })));
    }
}

#[test]
fn rows_that_are_ahead_of_the_side_file_are_believed_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1..=1);
    let old = fs::read(folder.path().join("witness")).unwrap();
    fill(folder.path(), 1..=2);
    // As if the process had ended between the sync of the rows and the side file.
    fs::write(folder.path().join("witness"), old).unwrap();
    let journal = open(folder.path()).unwrap();
    for partition in 0..PARTITIONS {
        assert_eq!(journal.load("flights", partition).unwrap(), Loaded::Found(snapshot(partition, 2)));
    }
    journal.save(&[snapshot(0, 3)], &[], &[]).unwrap();
    assert_eq!(journal.load("flights", 0).unwrap(), Loaded::Found(snapshot(0, 3)));
}

#[test]
fn an_older_copy_of_the_database_is_damaged_and_made_good_by_the_next_save() {
    let folder = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    fill(folder.path(), 1..=1);
    copy(folder.path(), old.path());
    fill(folder.path(), 1..=2);
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    copy(&old.path().join("sled"), &folder.path().join("sled"));
    let journal = open(folder.path()).unwrap();
    assert!(matches!(journal.load("flights", 0).unwrap(), Loaded::Damaged { .. }));
    journal.save(&[snapshot(0, 3)], &[], &[]).unwrap();
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert_eq!(journal.load("flights", 0).unwrap(), Loaded::Found(snapshot(0, 3)));
    assert!(matches!(journal.load("flights", 1).unwrap(), Loaded::Damaged { .. }));
}

#[test]
fn a_lost_side_file_or_database_is_never_taken_for_a_new_store() {
    let whole = tempfile::tempdir().unwrap();
    fill(whole.path(), 1..=2);
    for lost in ["witness", "sled"] {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        let path = folder.path().join(lost);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
        let journal = open(folder.path()).unwrap();
        for partition in 0..PARTITIONS {
            let loaded = journal.load("flights", partition).unwrap();
            assert!(matches!(loaded, Loaded::Damaged { .. }), "{lost}: {loaded:?}");
        }
        journal.save(&[snapshot(0, 3)], &[], &[]).unwrap();
        drop(journal);
        let journal = open(folder.path()).unwrap();
        assert_eq!(journal.load("flights", 0).unwrap(), Loaded::Found(snapshot(0, 3)), "{lost}");
        assert!(matches!(journal.load("flights", 1).unwrap(), Loaded::Damaged { .. }), "{lost}");
    }
}

#[test]
fn rows_are_witnessed_only_once_they_are_durable() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    let mut batch = healer_store::WriteBatch::new();
    batch.put_witnessed(Table::Ledger, b"key".to_vec(), b"value".to_vec(), 5);
    store.write(batch).unwrap();
    assert_eq!(store.witness(Table::Ledger, b"key").unwrap(), Witness::Unwritten);
    store.flush().unwrap();
    assert_eq!(store.witness(Table::Ledger, b"key").unwrap(), Witness::Written { sequence: 5 });
    assert_eq!(store.witness(Table::State, b"key").unwrap(), Witness::Unwritten);
}
