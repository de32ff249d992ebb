//! Writing: in order, all of a batch, and from several threads.

use std::thread;

use super::{KEYS, all, get, good, keys, put, put_keys, write};
use crate::store::{KeyRange, PageLimit, Store, Table, Witness, WriteBatch};

pub(super) const RULES: &[fn(&dyn Store)] = &[
    keeps_the_order_of_a_batch,
    takes_an_empty_batch,
    removes_what_is_in_a_range,
    keeps_the_order_of_a_removed_range,
    takes_large_batches,
    takes_batches_from_several_threads,
    tells_of_rows_no_more_than_it_knows,
];

fn keeps_the_order_of_a_batch(store: &dyn Store) {
    put(store, Table::State, &[(b"a", b"0"), (b"b", b"0")]);
    write(store, |batch| {
        batch.put(Table::State, b"a".to_vec(), b"1".to_vec());
        batch.remove(Table::State, b"a".to_vec());
        batch.remove(Table::State, b"b".to_vec());
        batch.put(Table::State, b"b".to_vec(), b"1".to_vec());
        batch.put(Table::State, b"c".to_vec(), b"1".to_vec());
        batch.put(Table::State, b"c".to_vec(), b"2".to_vec());
        batch.remove(Table::State, b"was never there".to_vec());
    });
    let left = [b"a", b"b", b"c"].map(|key| get(store, Table::State, key));
    assert_eq!(left, [None, Some(b"1".to_vec()), Some(b"2".to_vec())], "a batch is applied in its order");
}

fn takes_an_empty_batch(store: &dyn Store) {
    put_keys(store, Table::State);
    good(store.write(WriteBatch::new()), "write");
    let rows = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    assert_eq!(keys(&rows), KEYS, "an empty batch changes nothing");
}

fn removes_what_is_in_a_range(store: &dyn Store) {
    for start in KEYS {
        for end in KEYS.map(Some).into_iter().chain([None]) {
            put_keys(store, Table::State);
            put_keys(store, Table::Ledger);
            let range = KeyRange::new(start, end.map(<[u8]>::to_vec));
            write(store, |batch| batch.remove_range(Table::State, range.clone()));
            let wanted: Vec<_> = KEYS.iter().filter(|key| !range.contains(key)).copied().collect();
            let left = all(store, Table::State, &KeyRange::all(), PageLimit::default());
            assert_eq!(keys(&left), wanted, "the start of a removed range goes, its end stays ({range:?})");
            let others = all(store, Table::Ledger, &KeyRange::all(), PageLimit::default());
            assert_eq!(keys(&others), KEYS, "a range is removed in its own table alone");
        }
    }
}

fn keeps_the_order_of_a_removed_range(store: &dyn Store) {
    put(store, Table::State, &[(b"k1", b"0"), (b"k2", b"0")]);
    write(store, |batch| {
        batch.put(Table::State, b"k3".to_vec(), b"before".to_vec());
        batch.remove_range(Table::State, KeyRange::prefix(b"k"));
        batch.put(Table::State, b"k2".to_vec(), b"behind".to_vec());
    });
    let left = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    let wanted = [(b"k2".to_vec(), b"behind".to_vec())];
    assert_eq!(left, wanted, "a removed range has the rows that its batch has put before, and no later ones");
}

fn takes_large_batches(store: &dyn Store) {
    let key = |n: u32| n.to_be_bytes().to_vec();
    write(store, |batch| (0..10_000).for_each(|n| batch.put(Table::State, key(n), n.to_le_bytes().to_vec())));
    let rows = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    let whole = (0..10_000).map(|n| (key(n), n.to_le_bytes().to_vec()));
    assert!(rows.into_iter().eq(whole), "all rows of a large batch are there");
    write(store, |batch| batch.remove_range(Table::State, KeyRange::new(key(10), key(9_990))));
    let left = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    let wanted: Vec<_> = (0..10).chain(9_990..10_000).map(key).collect();
    assert_eq!(keys(&left), wanted, "a range of any length is removed");
}

fn takes_batches_from_several_threads(store: &dyn Store) {
    let key = |thread: u8, n: u8| vec![thread, n];
    let writes = |thread: u8| {
        (0..50).for_each(|n| put(store, Table::State, &[(&key(thread, n), b"value")]));
        good(store.flush(), "flush");
    };
    thread::scope(|scope| {
        (0..4).for_each(|thread| drop(scope.spawn(move || writes(thread))));
    });
    let rows = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    let wanted: Vec<_> = (0..4).flat_map(|thread| (0..50).map(move |n| key(thread, n))).collect();
    assert_eq!(keys(&rows), wanted, "rows that several threads write are all there");
}

fn tells_of_rows_no_more_than_it_knows(store: &dyn Store) {
    let witness = |key: &[u8]| good(store.witness(Table::Ledger, key), "witness");
    let knows_nothing = |witness| matches!(witness, Witness::Trusting | Witness::Unwritten);
    assert!(knows_nothing(witness(b"a")), "nobody has written it");
    for sequence in [7, 9] {
        write(store, |batch| batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"v".to_vec(), sequence));
        good(store.flush(), "flush");
        let seen = witness(b"a");
        let wanted = Witness::Written { sequence };
        assert!(seen == Witness::Trusting || seen == wanted, "a witness knows the last number: {seen:?}");
    }
    put(store, Table::Checkpoint, &[(b"a", b"v")]);
    for rows in [KeyRange::prefix(b"a"), KeyRange::all()] {
        write(store, |batch| batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"v".to_vec(), 11));
        good(store.flush(), "flush");
        write(store, |batch| batch.remove_range(Table::Ledger, rows));
        good(store.flush(), "flush");
        assert!(knows_nothing(witness(b"a")), "a witness goes with its row: {:?}", witness(b"a"));
    }
    write(store, |batch| batch.put_witnessed(Table::Ledger, b"a".to_vec(), b"v".to_vec(), 13));
    good(store.flush(), "flush");
    write(store, |batch| batch.remove(Table::Ledger, b"a".to_vec()));
    good(store.flush(), "flush");
    assert!(knows_nothing(witness(b"a")), "a witness goes with its row: {:?}", witness(b"a"));
}
