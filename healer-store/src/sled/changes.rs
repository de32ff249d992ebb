//! The last write of each row, in the keys of the database: a table's tag, then the row's key.

use std::collections::BTreeMap;
use std::ops::Bound;

use ::sled::IVec;

use crate::store::{KeyRange, Table};

/// A row's last write; `None` removes it.
type Change = Option<(IVec, Option<u64>)>;

/// Where a range of a table begins and ends in the database.
pub(super) type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

pub(super) fn key_of(table: Table, key: &[u8]) -> Vec<u8> {
    let mut tagged = Vec::with_capacity(1 + key.len());
    tagged.push(table.tag());
    tagged.extend_from_slice(key);
    tagged
}

/// No range may end before it begins: ordered maps panic on such a one.
pub(super) fn range_of(table: Table, keys: &KeyRange) -> Bounds {
    let start = key_of(table, keys.start());
    let end = keys.end().map_or_else(|| vec![table.tag() + 1], |end| key_of(table, end));
    (Bound::Included(start.clone()), Bound::Excluded(end.max(start)))
}

/// Changes by row; a later one of the same row replaces an earlier one.
#[derive(Default)]
pub(super) struct Changes(BTreeMap<Vec<u8>, Change>);

impl Changes {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>, sequence: Option<u64>) {
        self.0.insert(key, Some((value.into(), sequence)));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.0.insert(key, None);
    }

    pub(super) fn keys_in(&self, range: Bounds) -> impl Iterator<Item = Vec<u8>> {
        self.0.range(range).map(|(key, _)| key.clone())
    }

    pub(super) fn append(&mut self, mut later: Self) {
        self.0.append(&mut later.0);
    }

    pub(super) fn to_sled(&self) -> ::sled::Batch {
        let mut batch = ::sled::Batch::default();
        for (key, change) in &self.0 {
            match change {
                Some((value, _)) => batch.insert(key.as_slice(), value.clone()),
                None => batch.remove(key.as_slice()),
            }
        }
        batch
    }

    /// Notes the sequence numbers of rows that have one, and forgets those of rows that are removed.
    pub(super) fn witness(&self, rows: &mut BTreeMap<Vec<u8>, u64>) {
        for (key, change) in &self.0 {
            match change {
                Some((_, Some(sequence))) => _ = rows.insert(key.clone(), *sequence),
                Some((_, None)) => {}
                None => _ = rows.remove(key),
            }
        }
    }
}
