//! The limits of the store in memory drop done facts, the oldest first, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use healer_store::{Limits, MemoryStore, Store, Table, WriteBatch};

use crate::journal::Loaded;
use crate::{open, snapshot};

#[test]
fn limits_drop_the_oldest_done_facts_and_never_make_a_pending_offset_done() {
    let now = Arc::new(AtomicU64::new(0));
    let clock = now.clone();
    let limits = Limits::UNLIMITED.max_rows(3).max_age(Duration::from_mins(1));
    let store =
        Arc::new(MemoryStore::with_clock(limits, move || Duration::from_secs(clock.load(Ordering::Relaxed))));
    let journal = open(store.clone(), "p");
    let mut state = WriteBatch::new();
    state.put(Table::State, b"owed".to_vec(), b"a window".to_vec());
    store.write(state).unwrap();
    for partition in 0..5 {
        journal.save(&[snapshot("t", partition, 10)], &[], &[]).unwrap();
    }
    // A partition is as it was saved or it is not known: then its records come again from the committed offset.
    let found =
        |partition| journal.load("t", partition).unwrap() == Loaded::Found(snapshot("t", partition, 10));
    assert_eq!([0, 1, 2, 3, 4].map(found), [false, false, true, true, true]);
    assert_eq!(journal.load("t", 0).unwrap(), Loaded::Fresh);
    now.store(50, Ordering::Relaxed);
    journal.save(&[snapshot("t", 3, 10)], &[], &[]).unwrap();
    now.store(61, Ordering::Relaxed);
    assert_eq!([2, 3, 4].map(found), [false, true, false], "a row that is written again is young again");
    now.store(10_000, Ordering::Relaxed);
    assert!(!found(3));
    assert_eq!(
        store.get(Table::State, b"owed").unwrap(),
        Some(b"a window".to_vec()),
        "what is owed has no limit"
    );
}
