//! The contract of [`Store`] as tests, for any back end.
//!
//! Both panic with the rule that was broken. `healer` has them as `healer::testing::store` (feature `testing`).
//!
//! ```
//! use healer_store::{MemoryStore, conformance};
//!
//! conformance::keeps_the_contract(MemoryStore::new);
//! ```

mod lasting;
mod rows;
mod writes;

pub use lasting::keeps_what_was_flushed;

use crate::store::{KeyRange, Page, PageLimit, Row, Store, StoreError, Table, WriteBatch};

const TABLES: [Table; 3] = [Table::Ledger, Table::Checkpoint, Table::State];

/// Holds a back end against all of the contract that needs no second process.
///
/// `open` is called for each rule, and gives an empty store each time: a table, a folder or a map of its own. Rows are up to 16 MiB,
/// since a checkpoint may be.
///
/// # Panics
///
/// At the first rule that is broken, which it names, and at an error of the store.
pub fn keeps_the_contract<S: Store>(open: impl Fn() -> S) {
    for rule in rows::RULES.iter().chain(writes::RULES) {
        rule(&open());
    }
    lasting::is_closed_and_goes_on(&open());
}

fn good<T>(result: Result<T, StoreError>, call: &str) -> T {
    result.unwrap_or_else(|error| panic!("`{call}` failed: {error}"))
}

fn get(store: &dyn Store, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    good(store.get(table, key), "get")
}

fn scan(store: &dyn Store, table: Table, keys: &KeyRange, limit: PageLimit) -> Page {
    good(store.scan(table, keys, limit), "scan")
}

/// All rows of a range, by pages.
fn all(store: &dyn Store, table: Table, keys: &KeyRange, limit: PageLimit) -> Vec<Row> {
    let (mut keys, mut rows) = (keys.clone(), Vec::new());
    loop {
        let page = scan(store, table, &keys, limit);
        let Some((last, _)) = page.rows.last() else {
            assert!(!page.more, "a page without rows must not say that there are more");
            return rows;
        };
        let bytes: usize = page.rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(page.rows.len() <= limit.rows(), "a page has no more rows than were asked for");
        assert!(
            bytes <= limit.bytes() || page.rows.len() == 1,
            "a page has no more bytes than were asked for, but for a single row"
        );
        keys = keys.after(last);
        let more = page.more;
        rows.extend(page.rows);
        if !more {
            return rows;
        }
    }
}

fn write(store: &dyn Store, fill: impl FnOnce(&mut WriteBatch)) {
    let mut batch = WriteBatch::new();
    fill(&mut batch);
    good(store.write(batch), "write");
}

fn put(store: &dyn Store, table: Table, rows: &[(&[u8], &[u8])]) {
    write(store, |batch| {
        for (key, value) in rows {
            batch.put(table, key.to_vec(), value.to_vec());
        }
    });
}

/// Keys that are hard to sort, to end and to continue from, in their order.
const KEYS: [&[u8]; 9] = [
    b"\0",
    b"\0\0",
    b"a",
    b"a\0",
    b"a\xff",
    b"b",
    b"\xc3\x28", // no UTF-8
    b"\xff",
    b"\xff\xff",
];

fn put_keys(store: &dyn Store, table: Table) {
    // Not in their order.
    let rows: Vec<_> = KEYS.iter().rev().map(|key| (*key, *key)).collect();
    put(store, table, &rows);
}

fn keys(rows: &[Row]) -> Vec<&[u8]> {
    rows.iter().map(|(key, _)| key.as_slice()).collect()
}
