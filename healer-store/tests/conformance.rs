//! The tests of the contract: our own back ends pass them, and each kind of fault fails them with its name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use healer_store::conformance::{keeps_the_contract, keeps_what_was_flushed};
use healer_store::{
    KeyRange, Limits, MemoryStore, Page, PageLimit, Store, StoreError, Table, Witness, Write, WriteBatch,
};

#[test]
fn the_store_in_memory_keeps_the_contract() {
    keeps_the_contract(MemoryStore::new);
    keeps_the_contract(|| MemoryStore::with_limits(Limits::UNLIMITED));
}

#[cfg(feature = "sled")]
mod sled {
    use super::*;
    use healer_store::SledStore;

    /// A store, and the folder that goes with it.
    struct InFolder(SledStore, #[allow(dead_code)] tempfile::TempDir);

    impl Store for InFolder {
        fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.0.get(table, key)
        }
        fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
            self.0.scan(table, keys, limit)
        }
        fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
            self.0.write(batch)
        }
        fn flush(&self) -> Result<(), StoreError> {
            self.0.flush()
        }
        fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
            self.0.witness(table, key)
        }
        fn close(&self) -> Result<(), StoreError> {
            self.0.close()
        }
    }

    #[test]
    fn the_store_on_disk_keeps_the_contract() {
        keeps_the_contract(|| {
            let folder = tempfile::tempdir().unwrap();
            InFolder(SledStore::open(folder.path()).unwrap(), folder)
        });
    }

    #[test]
    fn the_store_on_disk_keeps_what_was_flushed() {
        let folder = tempfile::tempdir().unwrap();
        keeps_what_was_flushed(|| SledStore::open(folder.path()).unwrap());
    }

    #[test]
    fn a_removed_range_takes_the_witnesses_of_rows_that_vanished() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(folder.path()).unwrap();
        let mut batch = WriteBatch::new();
        batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"v".to_vec(), 3);
        store.write(batch).unwrap();
        store.flush().unwrap();
        drop(store);
        std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
        let store = SledStore::open(folder.path()).unwrap();
        assert_eq!(store.witness(Table::Ledger, b"a").unwrap(), Witness::Written { sequence: 3 });
        let mut batch = WriteBatch::new();
        batch.remove_range(Table::Ledger, KeyRange::all());
        store.write(batch).unwrap();
        store.flush().unwrap();
        assert_eq!(store.witness(Table::Ledger, b"a").unwrap(), Witness::Unwritten);
    }
}

#[cfg(not(feature = "sled"))]
#[test]
fn without_sled_a_folder_is_refused_with_the_ways_out() {
    let error = healer_store::in_folder("/var/lib/flights".as_ref()).err().expect("there is no sled");
    assert!(matches!(error, StoreError::NoSled { .. }) && !error.is_transient(), "{error:?}");
    let text = error.to_string();
    for part in ["/var/lib/flights", "feature `sled`", "`App::store`", "`memory`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    ForgetsTheBorderOfAPage,
    RepeatsTheBorderOfAPage,
    SaysThatThereIsNoMore,
    SaysThatThereIsMore,
    FillsPagesBeyondTheirRows,
    FillsPagesBeyondTheirBytes,
    GivesTheEndOfARange,
    RemovesTheEndOfARange,
    RemovesARangeFirst,
    RemovesARangeLast,
    RemovesInAllTables,
    WritesBackwards,
    LosesTheLastOfALargeBatch,
    KeepsWitnesses,
    TellsAnOlderNumber,
    ReadsNothingOnceClosed,
    FailsToCloseAgain,
}

const BUGS: [(Bug, &str); 17] = [
    (Bug::ForgetsTheBorderOfAPage, "each row is on one page"),
    (Bug::RepeatsTheBorderOfAPage, "each row is on one page"),
    (Bug::SaysThatThereIsNoMore, "each row is on one page"),
    (Bug::SaysThatThereIsMore, "a page without rows must not say that there are more"),
    (Bug::FillsPagesBeyondTheirRows, "no more rows than were asked for"),
    (Bug::FillsPagesBeyondTheirBytes, "no more bytes than were asked for"),
    (Bug::GivesTheEndOfARange, "a range has its start and not its end"),
    (Bug::RemovesTheEndOfARange, "the start of a removed range goes, its end stays"),
    (Bug::RemovesARangeFirst, "the rows that its batch has put before"),
    (Bug::RemovesARangeLast, "and no later ones"),
    (Bug::RemovesInAllTables, "a removal stays in its table"),
    (Bug::WritesBackwards, "a batch is applied in its order"),
    (Bug::LosesTheLastOfALargeBatch, "all rows of a large batch are there"),
    (Bug::KeepsWitnesses, "a witness goes with its row"),
    (Bug::TellsAnOlderNumber, "a witness knows the last number"),
    (Bug::ReadsNothingOnceClosed, "handles read after a pipeline's end"),
    (Bug::FailsToCloseAgain, "`close` failed"),
];

/// A store with a bug.
struct Buggy {
    bug: Bug,
    rows: MemoryStore,
    witnessed: std::sync::Mutex<Vec<(Vec<u8>, u64)>>,
    closed: std::sync::atomic::AtomicBool,
}

impl Store for Buggy {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.bug == Bug::ReadsNothingOnceClosed && self.closed.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(None);
        }
        self.rows.get(table, key)
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        let goes_on = keys.start().last() == Some(&0) && keys.start().len() > 1;
        match self.bug {
            Bug::ForgetsTheBorderOfAPage if goes_on => {
                let mut page =
                    self.rows.scan(table, keys, PageLimit::new(limit.rows() + 1, limit.bytes() + 2))?;
                if page.rows.len() > 1 {
                    page.rows.remove(0);
                }
                page.rows.truncate(limit.rows());
                Ok(page)
            }
            Bug::RepeatsTheBorderOfAPage if goes_on && limit.rows() > 1 => {
                let start = &keys.start()[..keys.start().len() - 1];
                self.rows.scan(table, &KeyRange::new(start, keys.end().map(<[u8]>::to_vec)), limit)
            }
            Bug::SaysThatThereIsNoMore => {
                let mut page = self.rows.scan(table, keys, limit)?;
                page.more = false;
                Ok(page)
            }
            Bug::SaysThatThereIsMore => {
                let mut page = self.rows.scan(table, keys, limit)?;
                page.more |= !keys.is_empty() && limit.rows() == 1;
                Ok(page)
            }
            Bug::FillsPagesBeyondTheirRows => {
                self.rows.scan(table, keys, PageLimit::new(1_000, limit.bytes()))
            }
            Bug::FillsPagesBeyondTheirBytes => {
                self.rows.scan(table, keys, PageLimit::new(limit.rows(), 1 << 30))
            }
            Bug::GivesTheEndOfARange => {
                let end = keys.end().map(|end| [end, &[0]].concat());
                self.rows.scan(table, &KeyRange::new(keys.start(), end), limit)
            }
            _ => self.rows.scan(table, keys, limit),
        }
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let mut writes: Vec<Write> = batch.into_iter().collect();
        for write in &writes {
            let mut witnessed = self.witnessed.lock().unwrap();
            match write {
                Write::Put { key, sequence: Some(sequence), .. } => witnessed.push((key.clone(), *sequence)),
                Write::Remove { key, .. } if self.bug != Bug::KeepsWitnesses => {
                    witnessed.retain(|(of, _)| of != key);
                }
                Write::RemoveRange { keys, .. } if self.bug != Bug::KeepsWitnesses => {
                    witnessed.retain(|(of, _)| !keys.contains(of));
                }
                _ => {}
            }
        }
        let is_range = |write: &Write| matches!(write, Write::RemoveRange { .. });
        match self.bug {
            Bug::RemovesARangeFirst => writes.sort_by_key(|write| !is_range(write)),
            Bug::RemovesARangeLast => writes.sort_by_key(is_range),
            Bug::WritesBackwards => writes.reverse(),
            Bug::LosesTheLastOfALargeBatch if writes.len() > 1_000 => drop(writes.pop()),
            _ => {}
        }
        let mut batch = WriteBatch::new();
        for write in writes {
            match write {
                Write::Put { table, key, value, .. } => batch.put(table, key, value),
                Write::Remove { table, key } => {
                    batch.remove(table, key.clone());
                    if self.bug == Bug::RemovesInAllTables {
                        batch.remove(Table::State, key);
                    }
                }
                Write::RemoveRange { table, keys } => {
                    if let (Bug::RemovesTheEndOfARange, Some(end)) = (self.bug, keys.end()) {
                        batch.remove(table, end.to_vec());
                    }
                    batch.remove_range(table, keys);
                }
            }
        }
        self.rows.write(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.rows.flush()
    }

    fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
        if table != Table::Ledger || !matches!(self.bug, Bug::KeepsWitnesses | Bug::TellsAnOlderNumber) {
            return Ok(Witness::Trusting);
        }
        let witnessed = self.witnessed.lock().unwrap();
        let mut of_key = witnessed.iter().filter(|(of, _)| of == key).map(|(_, sequence)| *sequence);
        let sequence = if self.bug == Bug::TellsAnOlderNumber { of_key.next() } else { of_key.next_back() };
        Ok(sequence.map_or(Witness::Unwritten, |sequence| Witness::Written { sequence }))
    }

    fn close(&self) -> Result<(), StoreError> {
        let again = self.closed.swap(true, std::sync::atomic::Ordering::Relaxed);
        if again && self.bug == Bug::FailsToCloseAgain {
            return Err(StoreError::backend("it is closed"));
        }
        Ok(())
    }
}

/// The words of the panic that a body ends with.
fn panic_of(body: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(body)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
}

#[test]
fn each_bug_of_a_back_end_is_found_and_told_by_its_rule() {
    for (bug, rule) in BUGS {
        let told = panic_of(|| {
            keeps_the_contract(|| Buggy {
                bug,
                rows: MemoryStore::new(),
                witnessed: std::sync::Mutex::default(),
                closed: false.into(),
            });
        });
        let told = told.unwrap_or_else(|| panic!("nobody notices a store that {bug:?}"));
        assert!(told.contains(rule), "{bug:?}: {told}");
    }
}

#[test]
fn a_store_that_forgets_is_found_when_it_is_opened_again() {
    let told = panic_of(|| keeps_what_was_flushed(MemoryStore::new));
    assert!(told.is_some_and(|told| told.contains("there when the store is opened again")));
}

#[test]
fn an_iterator_over_rows_reads_all_of_them_page_by_page_and_ends_at_a_page_that_leads_nowhere() {
    struct Endless;
    impl Store for Endless {
        fn get(&self, _: Table, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }
        fn scan(&self, _: Table, _: &KeyRange, _: PageLimit) -> Result<Page, StoreError> {
            let mut page = Page::default();
            page.more = true;
            Ok(page)
        }
        fn write(&self, _: WriteBatch) -> Result<(), StoreError> {
            Ok(())
        }
        fn flush(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    (0..5_000_u32).for_each(|n| batch.put(Table::State, n.to_be_bytes().to_vec(), vec![0; 1_000]));
    store.write(batch).unwrap();
    let rows: Vec<_> =
        healer_store::store::rows(&store, Table::State, KeyRange::all()).map(Result::unwrap).collect();
    assert!(rows.iter().map(|(key, _)| key.clone()).eq((0..5_000_u32).map(|n| n.to_be_bytes().to_vec())));
    let of_none: Vec<_> = healer_store::store::rows(&Endless, Table::State, KeyRange::all()).collect();
    assert!(matches!(of_none.as_slice(), [Err(StoreError::Backend(_))]), "{of_none:?}");
}
