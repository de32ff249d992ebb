//! The rows that nodes keep for a partition, and the mark beside them: the moment that they are of.
//!
//! A row says which record it has absorbed last, so rows of a later moment than the mark's are as good. Rows of an earlier one are not: records
//! would be missing in them.

use std::{collections::BTreeMap, sync::Arc};

use healer_store::{KeyRange, Store, StoreError, Table, WriteBatch};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    codec::{self, Row},
    key::{self, Key},
};

/// A row of one node and partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateRow {
    pub(crate) key: Vec<u8>,
    /// The offset of the last record that it has absorbed. The node passes over records that are not above it.
    pub(crate) applied: i64,
    pub(crate) value: Vec<u8>,
}

/// The moment that the rows of a partition are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateMark {
    /// The lineage of the partition's commits.
    pub(crate) lineage: u64,
    /// All records below are in the rows.
    pub(crate) frontier: i64,
    /// A number drawn when the nodes began with nothing. The first save of a new number removes all rows of the one before.
    pub(crate) began: u64,
}

/// The changes of the nodes of one partition.
#[derive(Debug)]
pub(crate) struct StateChanges {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) mark: StateMark,
    /// By node and key.
    pub(crate) rows: BTreeMap<(Arc<str>, Vec<u8>), StateRow>,
}

/// The rows of all nodes that the store has of a partition, by the node's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptState {
    pub(crate) mark: StateMark,
    pub(crate) rows: BTreeMap<String, Vec<StateRow>>,
}

/// A mark as it is stored.
#[derive(Serialize, Deserialize)]
struct MarkRow {
    lineage: u64,
    frontier: i64,
    began: u64,
    whole: Whole,
}

/// The sum over all rows of a mark: a store that loses one, or has an old one, is found out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Whole {
    rows: u64,
    digest: u64,
}

#[derive(Serialize, Deserialize)]
struct ValueRow {
    applied: i64,
    value: Vec<u8>,
}

impl Row for MarkRow {
    const VERSION: u8 = 1;
}

impl Row for ValueRow {
    const VERSION: u8 = 1;
}

impl Whole {
    /// A row's checksum covers its key, so equal values under two keys do not cancel each other out.
    fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        self.digest ^= xxh3_64(row);
    }

    fn remove(&mut self, row: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.digest ^= xxh3_64(row);
    }
}

/// Adds the changes of a partition to a write.
pub(super) fn write(
    store: &dyn Store,
    partition: &Key,
    changes: &StateChanges,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    let StateChanges { topic, partition: number, mark: StateMark { lineage, frontier, began }, rows } =
        changes;
    let what = || format!("the rows of {topic}[{number}]");
    let known = store.get(Table::State, partition.as_bytes())?;
    let known = known.and_then(|mark| codec::decode::<MarkRow>(partition.as_bytes(), &mark).ok());
    let known = known.filter(|mark| mark.began == *began);
    let mut whole = known.as_ref().map_or_else(Whole::default, |mark| mark.whole);
    if known.is_none() {
        batch.remove_range(Table::State, KeyRange::prefix(partition.as_bytes()));
    }
    for ((node, key), StateRow { applied, value, .. }) in rows {
        let key = partition.clone().node(node)?.row(key).into_bytes();
        if known.is_some()
            && let Some(old) = store.get(Table::State, &key)?
        {
            whole.remove(&old);
        }
        let row = codec::encode(&key, &ValueRow { applied: *applied, value: value.clone() }, what)?;
        whole.add(&row);
        batch.put(Table::State, key, row);
    }
    let mark = MarkRow { lineage: *lineage, frontier: *frontier, began: *began, whole };
    let mark = codec::encode(partition.as_bytes(), &mark, what)?;
    batch.put(Table::State, partition.as_bytes().to_vec(), mark);
    Ok(())
}

/// The rows of a partition's nodes, out of all that the store has of them; an error is the reason not to believe them.
pub(super) fn read(prefix: &[u8], rows: &[(Vec<u8>, Vec<u8>)]) -> Result<Option<KeptState>, String> {
    // No key of the prefix sorts before the mark's, which is the prefix itself.
    let Some(((_, mark), rows)) = rows.split_first().filter(|((key, _), _)| key == prefix) else {
        return Ok(None);
    };
    let MarkRow { lineage, frontier, began, whole } = codec::decode(prefix, mark)?;
    let (mut kept, mut found) = (BTreeMap::<String, Vec<StateRow>>::new(), Whole::default());
    for (key, row) in rows {
        let ValueRow { applied, value } = codec::decode(key, row)?;
        found.add(row);
        let (node, key) = key::row_of(&key[prefix.len()..]).ok_or("a row has a key that is none")?;
        kept.entry(node).or_default().push(StateRow { key, applied, value });
    }
    if found != whole {
        return Err(format!(
            "the store has {} rows, and they are not the {} of the mark",
            found.rows, whole.rows
        ));
    }
    Ok(Some(KeptState { mark: StateMark { lineage, frontier, began }, rows: kept }))
}
