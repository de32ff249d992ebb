//! The store in memory: its limits, and the order of its writes.

use std::time::Duration;

use healer_store::{Limits, MemoryStore, Store, Table, Write, WriteBatch};

#[test]
fn the_default_limits_are_those_of_the_original() {
    let limits = Limits::default();
    assert_eq!((limits.max_rows, limits.max_age), (Some(10_000_000), Some(Duration::from_hours(1))));
}

#[test]
fn a_batch_keeps_the_order_of_its_writes() {
    let mut batch = WriteBatch::new();
    batch.put(Table::State, vec![1], vec![2]);
    batch.remove(Table::State, vec![1]);
    assert!(matches!(batch.writes(), [Write::Put { .. }, Write::Remove { .. }]));
    let store = MemoryStore::new();
    store.write(batch).unwrap();
    assert_eq!(store.get(Table::State, &[1]).unwrap(), None);
}
