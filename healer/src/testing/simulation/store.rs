//! A disk that a process's store lies on: it survives the process, or does not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use healer_store::{KeyRange, Page, PageLimit, Store, StoreError, Table, Witness, Write, WriteBatch};

use super::cluster::Rng;

/// How a process's disk comes out of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiskFate {
    /// As it was written last.
    Kept,
    /// The last write is there in part: some of its rows are damaged, others old.
    Torn,
    /// An old copy was put in its place.
    Old,
    /// Empty.
    Gone,
}

impl DiskFate {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Kept => "is as it was",
            Self::Torn => "has the last write in part",
            Self::Old => "is an old copy",
            Self::Gone => "is empty",
        }
    }
}

type Key = (Table, Vec<u8>);

/// The sequence number of each row.
type Witnessed = BTreeMap<Key, u64>;

#[derive(Clone, Default)]
struct Rows(BTreeMap<Key, (Vec<u8>, Option<u64>)>);

impl Rows {
    fn put(&mut self, write: &Write) {
        match write {
            Write::Put { table, key, value, sequence } => {
                self.0.insert((*table, key.clone()), (value.clone(), *sequence));
            }
            Write::Remove { table, key } => drop(self.0.remove(&(*table, key.clone()))),
            Write::RemoveRange { table, keys } => {
                self.0.retain(|(of, key), _| of != table || !keys.contains(key));
            }
        }
    }
}

#[derive(Default)]
struct State {
    now: Rows,
    /// The sequence numbers of the side file, by row; it does not tear.
    witnessed: Witnessed,
    /// Before the last write.
    before: Rows,
    last: Vec<Write>,
    /// A copy from some time ago, with its side file.
    old: Option<(Rows, Witnessed)>,
    writes: u64,
    /// How many of the next writes fail, and whether they may succeed when they are tried again.
    fails: (u32, bool),
}

/// A disk; clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many of the next writes fail, as on a full disk; or the next one does for good.
    pub(super) fn fail(&self, writes: u32, may_pass: bool) {
        self.lock().fails = (writes, may_pass);
    }

    /// The process has ended.
    pub(super) fn end(&self, fate: DiskFate, rng: &mut Rng) {
        let mut state = self.lock();
        state.fails = (0, false);
        match fate {
            DiskFate::Kept => {}
            DiskFate::Torn => {
                let mut rows = state.before.clone();
                for write in &state.last {
                    match (rng.below(3), write) {
                        (0, _) => {}
                        (1, Write::Put { table, key, value, sequence }) if !value.is_empty() => {
                            let mut value = value.clone();
                            let at = rng.below(value.len());
                            value[at] ^= 1 << rng.below(8);
                            rows.0.insert((*table, key.clone()), (value, *sequence));
                        }
                        _ => rows.put(write),
                    }
                }
                state.now = rows;
            }
            DiskFate::Old => {
                if let Some((rows, witnessed)) = state.old.clone() {
                    (state.now, state.witnessed) = (rows, witnessed);
                }
            }
            DiskFate::Gone => *state = State::default(),
        }
    }
}

impl Store for Disk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().now.0.get(&(table, key.to_vec())).map(|(value, _)| value.clone()))
    }

    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        let state = self.lock();
        let from = state.now.0.range((table, keys.start().to_vec())..);
        let rows = from.take_while(|((of, key), _)| *of == table && keys.contains(key));
        Page::fill(rows.map(|((_, key), (value, _))| Ok((key.clone(), value.clone()))), limit)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let mut state = self.lock();
        if let (1.., may_pass) = state.fails {
            state.fails.0 -= 1;
            let error = if may_pass { StoreError::transient } else { StoreError::backend };
            return Err(error("the simulated disk is full"));
        }
        let writes: Vec<Write> = batch.into_iter().collect();
        state.writes += 1;
        if state.writes.is_multiple_of(5) {
            state.old = Some((state.now.clone(), state.witnessed.clone()));
        }
        state.before = state.now.clone();
        for write in &writes {
            state.now.put(write);
            if let Write::Put { table, key, sequence: Some(sequence), .. } = write {
                state.witnessed.insert((*table, key.clone()), *sequence);
            }
        }
        state.last = writes;
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
        let written = self.lock().witnessed.get(&(table, key.to_vec())).copied();
        Ok(written.map_or(Witness::Unwritten, |sequence| Witness::Written { sequence }))
    }
}
