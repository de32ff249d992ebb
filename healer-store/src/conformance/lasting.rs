//! Durability: the rows that a later process finds.

use super::{KEYS, all, get, good, keys, put, put_keys, write};
use crate::store::{KeyRange, PageLimit, Store, Table, Witness};

/// Holds a back end that outlives its process against the rest of the contract: rows that were flushed are there when it is opened again.
///
/// `open` opens the same place each time, which is empty at first; the store before was dropped.
///
/// ```
/// # #[cfg(feature = "sled")] {
/// use healer_store::{SledStore, conformance};
///
/// let folder = tempfile::tempdir()?;
/// conformance::keeps_what_was_flushed(|| SledStore::open(folder.path()).expect("nobody else has the folder"));
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
///
/// At the first rule that is broken, which it names, and at an error of the store.
pub fn keeps_what_was_flushed<S: Store>(open: impl Fn() -> S) {
    let store = open();
    put_keys(&store, Table::State);
    write(&store, |batch| batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"1".to_vec(), 3));
    good(store.flush(), "flush");
    drop(store);

    let store = open();
    let rows = all(&store, Table::State, &KeyRange::all(), PageLimit::default());
    assert_eq!(keys(&rows), KEYS, "rows that were flushed are there when the store is opened again");
    let witness = |store: &S| good(store.witness(Table::Ledger, b"a"), "witness");
    let knows = |seen, sequence| seen == Witness::Trusting || seen == Witness::Written { sequence };
    assert!(knows(witness(&store), 3), "a witness is there again as well: {:?}", witness(&store));
    write(&store, |batch| {
        batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"2".to_vec(), 4);
        batch.remove_range(Table::State, KeyRange::prefix(b"a"));
        batch.put(Table::State, b"a".to_vec(), b"again".to_vec());
    });
    good(store.close(), "close");
    drop(store);

    let store = open();
    assert_eq!(get(&store, Table::Ledger, b"a").as_deref(), Some(&b"2"[..]), "closing flushes");
    assert!(knows(witness(&store), 4), "a witness is there again as well: {:?}", witness(&store));
    assert_eq!(get(&store, Table::State, b"a").as_deref(), Some(&b"again"[..]), "closing flushes");
    let rows = all(&store, Table::State, &KeyRange::all(), PageLimit::default());
    let wanted: Vec<_> = KEYS.iter().filter(|key| **key == b"a" || !key.starts_with(b"a")).copied().collect();
    assert_eq!(keys(&rows), wanted, "rows that were removed do not come back");
}

pub(super) fn is_closed_and_goes_on(store: &dyn Store) {
    put(store, Table::State, &[(b"a", b"1")]);
    write(store, |batch| batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"1".to_vec(), 1));
    good(store.close(), "close");
    let seen = good(store.witness(Table::Ledger, b"a"), "witness");
    assert_ne!(seen, Witness::Unwritten, "closing flushes");
    assert_eq!(
        get(store, Table::State, b"a").as_deref(),
        Some(&b"1"[..]),
        "handles read after a pipeline's end"
    );
    put(store, Table::State, &[(b"b", b"2")]);
    good(store.flush(), "flush");
    good(store.close(), "close");
    let rows = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    assert_eq!(
        keys(&rows),
        [b"a", b"b"],
        "another pipeline goes on with a store that one of them has closed"
    );
}
