//! A store that ends with its process, for tests and for pipelines that a replay does not hurt.

mod limits;

pub use limits::Limits;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{KeyRange, Page, PageLimit, Store, StoreError, Table, Write, WriteBatch};

/// Tells the time since any fixed moment; must not go back.
type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// When a row was written: the time, then a number that makes it unique.
type Written = (Duration, u64);

/// Rows in memory, the oldest of which are dropped at a limit.
///
/// The store only ever holds *done* offsets of a partition, never pending ones: to drop a row makes the
/// engine process records again, and can never make it pass one. [`Table::State`] is not touched by limits.
pub struct MemoryStore {
    limits: Limits,
    clock: Clock,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    by_key: BTreeMap<(Table, Vec<u8>), (Vec<u8>, Written)>,
    /// The rows that limits may drop, the oldest first.
    by_age: BTreeMap<Written, (Table, Vec<u8>)>,
    writes: u64,
}

impl MemoryStore {
    /// An empty store with the default [`Limits`].
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty store with `limits`.
    pub fn with_limits(limits: Limits) -> Self {
        let start = Instant::now();
        Self::with_clock(limits, move || start.elapsed())
    }

    /// An empty store that takes its time from `clock`: the time since any fixed moment, never going back.
    pub fn with_clock(limits: Limits, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { limits, clock: Box::new(clock), rows: Mutex::default() }
    }

    /// The rows, without those that are too old.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        let now = (self.clock)();
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(max_age) = self.limits.max_age {
            while rows.by_age.first_key_value().is_some_and(|(&(at, _), _)| now.saturating_sub(at) > max_age)
            {
                rows.drop_oldest();
            }
        }
        rows
    }
}

impl Rows {
    fn of<'a>(&'a self, table: Table, keys: &'a KeyRange) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let from = self.by_key.range((table, keys.start().to_vec())..);
        from.take_while(move |((of, key), _)| *of == table && keys.contains(key))
            .map(|((_, key), (value, _))| (key.as_slice(), value.as_slice()))
    }

    fn put(&mut self, now: Duration, table: Table, key: Vec<u8>, value: Vec<u8>) {
        let written = (now, self.writes);
        self.writes += 1;
        let old = self.by_key.insert((table, key.clone()), (value, written));
        if let Some((_, old)) = old {
            self.by_age.remove(&old);
        }
        if table != Table::State {
            self.by_age.insert(written, (table, key));
        }
    }

    fn remove(&mut self, table: Table, key: Vec<u8>) {
        if let Some((_, written)) = self.by_key.remove(&(table, key)) {
            self.by_age.remove(&written);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, row)) = self.by_age.pop_first() {
            self.by_key.remove(&row);
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows().by_key.get(&(table, key.to_vec())).map(|(value, _)| value.clone()))
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        let rows = self.rows();
        Page::fill(rows.of(table, keys).map(|(key, value)| Ok((key.to_vec(), value.to_vec()))), limit)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let now = (self.clock)();
        let mut rows = self.rows();
        for write in batch {
            match write {
                Write::Put { table, key, value, .. } => rows.put(now, table, key, value),
                Write::Remove { table, key } => rows.remove(table, key),
                Write::RemoveRange { table, keys } => {
                    let keys: Vec<_> = rows.of(table, &keys).map(|(key, _)| key.to_vec()).collect();
                    for key in keys {
                        rows.remove(table, key);
                    }
                }
            }
        }
        if let Some(max_rows) = self.limits.max_rows {
            while rows.by_age.len() > max_rows {
                rows.drop_oldest();
            }
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("limits", &self.limits).finish_non_exhaustive()
    }
}
