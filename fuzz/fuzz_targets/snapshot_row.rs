//! A snapshot's row from a disk that nobody can trust: damaged, or a snapshot that contradicts nothing.
//!
//! Half of the rows are sealed with the right checksum, or no input would ever reach the code behind it.
#![no_main]

use std::sync::Arc;

use healer_fuzz::bounded;
use healer_store::{KeyRange, MemoryStore, Page, PageLimit, Store, StoreError, Table, Witness, WriteBatch};
use journal::{Journal, Loaded, Scope};
use libfuzzer_sys::fuzz_target;

// Users can only read a journal, and this target writes as well.
#[path = "../../healer/src/journal/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod journal;

fn open(store: impl Store) -> Journal {
    Journal::open(Arc::new(store), Scope::new("c", "g", "p")).expect("short names")
}

/// The most bytes for a row: the runs of the largest map with the growth of their vector, and 1 MiB at most that serde reserves
/// for a length whose bytes it has not yet seen; besides, the row's own size some times.
fn limit(row: usize) -> usize {
    (4 << 20) + 8 * row
}

/// A store that holds one row under any key.
struct Foreign {
    sealed: bool,
    sequence: Option<u64>,
    body: Vec<u8>,
}

impl Store for Foreign {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.sealed {
            return Ok(Some(self.body.clone()));
        }
        let mut hasher = crc32fast::Hasher::new();
        let version = if table == Table::Ledger { 2 } else { 1 };
        hasher.update(&[version]);
        hasher.update(&(key.len() as u64).to_be_bytes());
        hasher.update(key);
        hasher.update(&self.body);
        let mut row = vec![version];
        row.extend(hasher.finalize().to_be_bytes());
        row.extend(&self.body);
        Ok(Some(row))
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        let row = self.get(table, keys.start())?.map(|row| Ok((keys.start().to_vec(), row)));
        Page::fill(row, limit)
    }

    fn write(&self, _: WriteBatch) -> Result<(), StoreError> {
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn witness(&self, _: Table, _: &[u8]) -> Result<Witness, StoreError> {
        Ok(self.sequence.map_or(Witness::Trusting, |sequence| Witness::Written { sequence }))
    }
}

fuzz_target!(|input: (bool, Option<u64>, &[u8])| {
    let (sealed, sequence, body) = input;
    let store = Foreign { sealed, sequence, body: body.to_vec() };
    let journal = open(store);
    let loaded = bounded(limit(body.len()), || journal.load("t", 0)).expect("this store reads");
    match loaded {
        Loaded::Damaged { reason } => assert!(!reason.is_empty()),
        Loaded::Found(found) => {
            assert!(sealed, "a checksum by chance is one in 2^32");
            assert!(found.topic == "t" && found.partition == 0 && found.position >= found.frontier);
            assert!(found.done_above.iter().all(|run| run.first > found.frontier && run.end > run.first));
            let again = open(MemoryStore::default());
            again.save(std::slice::from_ref(&found), &[], &[]).expect("what was read can be written");
            assert_eq!(again.load("t", 0).expect("memory reads"), Loaded::Found(found));
        }
        other => panic!("there was a row, so this is wrong: {other:?}"),
    }
    for checkpoint in bounded(limit(body.len()), || journal.checkpoints("n")).expect("this store reads") {
        assert!(sealed && checkpoint.json.len() <= body.len());
    }
});
