//! The journal over a store in memory: rows that are kept, rows that are dropped at a limit, rows that are never believed.

use std::sync::{Arc, Mutex};

use healer_store::{
    DoneAbove, KeyRange, Ledger, MemoryStore, Page, PageLimit, Run, Store, StoreError, Table, Witness,
    WriteBatch,
};

use crate::journal::{Checkpoint, Journal, Loaded, PartitionSnapshot};
use crate::{first_row, open, snapshot};

fn checkpoint(node: &str, topic: &str, partition: i32, json: &str) -> Checkpoint {
    Checkpoint {
        node: node.to_owned(),
        topic: topic.to_owned(),
        partition,
        offset: 5,
        type_name: "flights::Enriched".to_owned(),
        json: json.as_bytes().to_vec(),
    }
}

fn journal(store: &Arc<MemoryStore>, pipeline: &str) -> Journal {
    open(store.clone(), pipeline)
}

#[test]
fn what_was_saved_is_found_and_nothing_else() {
    let store = Arc::new(MemoryStore::new());
    let flights = journal(&store, "flights");
    assert_eq!(flights.load("flights", 0).unwrap(), Loaded::Fresh);
    let rows = [snapshot("flights", 0, 10), snapshot("flights", -1, 20), snapshot("planes", 0, 30)];
    flights.save(&rows, &[checkpoint("enrich", "flights", 0, r#"{"plane":7}"#)], &[]).unwrap();
    for row in &rows {
        assert_eq!(flights.load(&row.topic, row.partition).unwrap(), Loaded::Found(row.clone()));
    }
    assert_eq!(flights.load("flights", 1).unwrap(), Loaded::Fresh);
    assert_eq!(journal(&store, "other").load("flights", 0).unwrap(), Loaded::Fresh);
    assert_eq!(flights.checkpoints("enrich").unwrap()[0].json, br#"{"plane":7}"#);
    assert_eq!(flights.checkpoint("enrich", "flights", 1).unwrap(), None);
}

#[test]
fn a_ledger_survives_the_trip_through_a_snapshot() {
    let store = Arc::new(MemoryStore::new());
    let mut ledger = Ledger::new(1, 100);
    ledger.deliver_run(100, 120).unwrap();
    ledger.settle_run(1, 105, 110).unwrap();
    journal(&store, "p").save(&[PartitionSnapshot::of("t", 0, 1, &ledger, Some(3))], &[], &[]).unwrap();
    let Loaded::Found(found) = journal(&store, "p").load("t", 0).unwrap() else { panic!("not found") };
    assert_eq!((found.frontier, found.position), (100, 120));
    let mut resumed = Ledger::resume(2, found.frontier, found.claim().unwrap());
    assert!(resumed.verify(100, 3));
    let _ = resumed.deliver_known(100, None).unwrap();
    assert_eq!(resumed.done_above().collect::<Vec<_>>(), [Run::new(105, 110)]);
}

#[test]
fn a_snapshot_taken_before_the_claim_could_be_verified_carries_it_over() {
    let claim = DoneAbove { frontier: 10, fingerprint: 3, leader_epoch: None, runs: vec![Run::new(12, 14)] };
    let mut ledger = Ledger::resume(1, 10, claim.clone());
    assert_eq!(PartitionSnapshot::of("t", 0, 1, &ledger, None).claim(), Some(claim));
    ledger.advance(11);
    let moved_on = PartitionSnapshot::of("t", 0, 1, &ledger, None);
    assert_eq!((moved_on.done_above.len(), moved_on.claim()), (0, None));
}

#[test]
fn no_name_can_reach_into_the_rows_of_another() {
    let names =
        ["", "a", "b", "ab", "a\0", "\0a", "a\0\u{1}b", "\0\u{1}a", "a.b", "a<!>0", "<!>", "\u{ff}", "aa"];
    let store = Arc::new(MemoryStore::new());
    let mut saved = Vec::new();
    let mut number = 0;
    for pipeline in names {
        let journal = journal(&store, pipeline);
        for topic in names {
            for partition in [0, 1, -1, i32::MAX, i32::MIN, 0x6100, 0x0001_6100] {
                number += 1;
                let row = snapshot(topic, partition, number);
                journal.save(std::slice::from_ref(&row), &[], &[]).unwrap();
                saved.push((pipeline, row));
            }
            for node in names {
                let value = format!("[{pipeline:?},{node:?},{topic:?}]");
                journal.save(&[], &[checkpoint(node, topic, 0, &value)], &[]).unwrap();
            }
        }
    }
    for (pipeline, row) in saved {
        let found = journal(&store, pipeline).load(&row.topic, row.partition).unwrap();
        assert_eq!(found, Loaded::Found(row));
    }
    for pipeline in names {
        let journal = journal(&store, pipeline);
        assert_eq!(journal.all_checkpoints().unwrap().len(), names.len() * names.len());
        for node in names {
            let found = journal.checkpoints(node).unwrap();
            assert_eq!(found.len(), names.len(), "{pipeline:?} {node:?}");
            for row in found {
                let value = format!("[{pipeline:?},{node:?},{:?}]", row.topic);
                assert_eq!((row.node.as_str(), row.json), (node, value.into_bytes()));
            }
        }
    }
}

#[test]
fn a_forgotten_partition_is_fresh_and_its_neighbours_stay() {
    let store = Arc::new(MemoryStore::new());
    let journal = journal(&store, "p");
    let rows = [snapshot("t", 0, 10), snapshot("t", 1, 10)];
    journal.save(&rows, &[checkpoint("n", "t", 0, "1"), checkpoint("n", "t", 1, "2")], &[]).unwrap();
    journal.forget("t", 0).unwrap();
    assert_eq!(journal.load("t", 0).unwrap(), Loaded::Fresh);
    assert_eq!(journal.load("t", 1).unwrap(), Loaded::Found(rows[1].clone()));
    assert_eq!(journal.all_checkpoints().unwrap(), [checkpoint("n", "t", 1, "2")]);
}

#[test]
fn a_save_that_cannot_be_whole_writes_nothing() {
    let store = Arc::new(MemoryStore::new());
    let journal = journal(&store, "p");
    let good = snapshot("t", 0, 10);
    let behind = PartitionSnapshot { position: 9, ..snapshot("t", 1, 10) };
    let overlap = PartitionSnapshot { done_above: vec![Run::new(10, 12)], ..snapshot("t", 1, 10) };
    for bad in [behind, overlap] {
        let error = journal.save(&[good.clone(), bad], &[], &[]).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("t[1]"), "{error}");
    }
    let huge = Checkpoint { json: vec![b' '; 17 << 20], ..checkpoint("n", "t", 0, "") };
    assert!(matches!(
        journal.save(std::slice::from_ref(&good), &[huge], &[]),
        Err(StoreError::TooLarge { .. })
    ));
    assert!(matches!(journal.load(&"t".repeat(5000), 0), Err(StoreError::TooLarge { .. })));
    assert_eq!(journal.load("t", 0).unwrap(), Loaded::Fresh);
}

/// A back end whose rows and witness a test can tamper with.
#[derive(Default)]
struct Tampered {
    rows: MemoryStore,
    witness: Mutex<Option<Witness>>,
}

impl Store for Tampered {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows.get(table, key)
    }
    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        self.rows.scan(table, keys, limit)
    }
    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        self.rows.write(batch)
    }
    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
    fn witness(&self, _: Table, _: &[u8]) -> Result<Witness, StoreError> {
        Ok(self.witness.lock().unwrap().unwrap_or(Witness::Trusting))
    }
}

impl Tampered {
    fn loads(&self, journal: &Journal, witness: Witness) -> Loaded {
        *self.witness.lock().unwrap() = Some(witness);
        journal.load("t", 0).unwrap()
    }
}

#[test]
fn a_store_behind_its_witness_is_damaged_until_it_is_saved_again() {
    let store = Arc::new(Tampered::default());
    let journal = open(store.clone(), "p");
    let row = snapshot("t", 0, 10);
    let damaged = |loaded| matches!(loaded, Loaded::Damaged { .. });
    assert_eq!(store.loads(&journal, Witness::Unwritten), Loaded::Fresh);
    assert!(damaged(store.loads(&journal, Witness::Written { sequence: 1 })));
    assert!(damaged(store.loads(&journal, Witness::Lost)));

    // The number of the next save is above the witnessed one, so that it is believed again.
    *store.witness.lock().unwrap() = Some(Witness::Written { sequence: 7 });
    journal.save(std::slice::from_ref(&row), &[], &[]).unwrap();
    assert_eq!(store.loads(&journal, Witness::Written { sequence: 8 }), Loaded::Found(row.clone()));
    assert_eq!(store.loads(&journal, Witness::Written { sequence: 7 }), Loaded::Found(row.clone()));
    assert_eq!(store.loads(&journal, Witness::Unwritten), Loaded::Found(row));
    assert!(damaged(store.loads(&journal, Witness::Written { sequence: 9 })));
    assert!(damaged(store.loads(&journal, Witness::Lost)));
}

#[test]
fn a_row_with_any_changed_byte_or_under_another_key_is_damaged() {
    let store = Arc::new(Tampered::default());
    let journal = open(store.clone(), "p");
    journal.save(&[snapshot("t", 0, 10)], &[checkpoint("n", "t", 0, "1")], &[]).unwrap();
    let (key, row) = first_row(&*store, Table::Ledger);
    let put = |table, key: &[u8], row: Vec<u8>| {
        let mut batch = WriteBatch::new();
        batch.put(table, key.to_vec(), row);
        store.write(batch).unwrap();
    };
    for at in 0..row.len() {
        for changed in [row[..at].to_vec(), {
            let mut row = row.clone();
            row[at] ^= 0x10;
            row
        }] {
            put(Table::Ledger, &key, changed);
            assert!(matches!(journal.load("t", 0).unwrap(), Loaded::Damaged { .. }), "byte {at}");
        }
    }
    let mut other = key.clone();
    *other.last_mut().unwrap() ^= 1;
    put(Table::Ledger, &other, row);
    assert!(matches!(journal.load("t", 1).unwrap(), Loaded::Damaged { .. }));

    let (key, mut row) = first_row(&*store, Table::Checkpoint);
    row[8] ^= 1;
    put(Table::Checkpoint, &key, row);
    assert_eq!(journal.checkpoints("n").unwrap(), [], "a damaged checkpoint counts as missing");
}
