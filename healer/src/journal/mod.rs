//! The memory of a pipeline across restarts, in its own terms; the bytes below are a [`Store`]'s business.
//!
//! Only the engine writes here: a snapshot says which records are done, so a forged one would lose the others.

mod checkpoint;
mod codec;
mod key;
mod scope;
mod snapshot;
mod state;

pub use checkpoint::Checkpoint;
pub use codec::MAX_ROW_BYTES;
pub use key::MAX_NAME_BYTES;
pub use scope::Scope;
pub use snapshot::PartitionSnapshot;
pub(crate) use state::{KeptState, StateChanges, StateMark, StateRow};

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use healer_store::{
    KeyRange, PageLimit, Store, StoreError, Table, Witness, WriteBatch,
    store::{Row, rows},
};
use key::Key;
use snapshot::SnapshotRow;

/// The store's knowledge of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loaded {
    /// The partition was never saved.
    Fresh,
    /// The partition as it was saved last.
    Found(PartitionSnapshot),
    /// The partition was saved, or may have been, but the rows that are left cannot be believed.
    ///
    /// Resume at the committed offset and skip nothing; the next save makes it good again.
    Damaged {
        /// The fault, for the log.
        reason: String,
    },
}

/// The rows that a store keeps for one pipeline in one group of one cluster: how far its partitions are, and the checkpoints of
/// its nodes.
///
/// It is for reading, also while no pipeline runs, and for forgetting. Only a running pipeline writes. All calls may block on the
/// disk.
///
/// ```
/// use std::sync::Arc;
/// use healer::store::{Journal, Loaded, MemoryStore, Scope, Store};
///
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// for scope in Journal::scopes(&*store)? {
///     println!("the store has rows of {scope}");
/// }
/// let journal = Journal::open(store, Scope::new("hFuB1Oq0SLmIfYFuA2hOmA", "billing-group", "billing"))?;
/// assert_eq!(journal.load("orders", 0)?, Loaded::Fresh);
/// assert!(journal.checkpoints("validate")?.is_empty());
/// # Ok::<(), healer::store::StoreError>(())
/// ```
pub struct Journal {
    store: Arc<dyn Store>,
    scope: Scope,
    /// The sequence number that each partition was saved with last, by key.
    sequences: Mutex<HashMap<Vec<u8>, u64>>,
}

impl Journal {
    /// The journal of `scope` in `store`, which others may share.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] if a name is longer than [`MAX_NAME_BYTES`].
    pub fn open(store: Arc<dyn Store>, scope: Scope) -> Result<Self, StoreError> {
        Key::of(&scope)?;
        Ok(Self { store, scope, sequences: Mutex::default() })
    }

    /// The scopes that a store has rows of, in ascending order. One row is read for each of them.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot be read.
    pub fn scopes(store: &dyn Store) -> Result<Vec<Scope>, StoreError> {
        let mut scopes = BTreeSet::new();
        for table in [Table::Ledger, Table::Checkpoint, Table::State] {
            let (mut left, one) = (KeyRange::prefix(Key::any().as_bytes()), PageLimit::new(1, 0));
            while let Some((key, _)) = store.scan(table, &left, one)?.rows.pop() {
                let scope = key::scope_of(&key);
                // The other rows of a scope are passed over.
                let of_scope = scope.as_ref().and_then(|scope| Key::of(scope).ok());
                left = match of_scope
                    .as_ref()
                    .and_then(|key| Some(KeyRange::prefix(key.as_bytes()).end()?.to_vec()))
                {
                    Some(behind) => KeyRange::new(behind, left.end().map(<[u8]>::to_vec)),
                    None => left.after(&key),
                };
                scopes.extend(scope);
            }
        }
        Ok(scopes.into_iter().collect())
    }

    /// Whose journal it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Removes the rows that an earlier version kept under the pipeline's name alone; says how many there were. Nobody knows of
    /// which group or cluster they are.
    pub(crate) fn drop_rows_before_scopes(&self) -> Result<usize, StoreError> {
        let keys = KeyRange::prefix(Key::before_scopes(&self.scope.pipeline)?.as_bytes());
        let (mut batch, mut found) = (WriteBatch::new(), 0);
        for table in [Table::Ledger, Table::Checkpoint] {
            for row in rows(&*self.store, table, keys.clone()) {
                row?;
                found += 1;
            }
            batch.remove_range(table, keys.clone());
        }
        if found > 0 {
            self.store.write(batch)?;
            self.store.flush()?;
        }
        Ok(found)
    }

    /// Saves partitions, checkpoints and rows of nodes in one atomic write that is durable on return: all of it or nothing.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the save failed or is not certain to last. Nothing is lost by it: earlier rows
    /// stand, and saving again is always right.
    pub(crate) fn save(
        &self,
        snapshots: &[PartitionSnapshot],
        checkpoints: &[Checkpoint],
        states: &[&StateChanges],
    ) -> Result<(), StoreError> {
        if snapshots.is_empty() && checkpoints.is_empty() && states.is_empty() {
            return Ok(());
        }
        // Held throughout, so that a later sequence number is never written before an earlier one.
        let mut sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = WriteBatch::new();
        for snapshot in snapshots {
            let key = self.partition_key(&snapshot.topic, snapshot.partition)?.into_bytes();
            let last = match sequences.get(&key) {
                Some(&last) => last,
                None => self.last_sequence(&key)?,
            };
            let sequence = last.saturating_add(1);
            let row = SnapshotRow::new(snapshot, sequence)?;
            let what = || format!("the snapshot of {}[{}]", snapshot.topic, snapshot.partition);
            let value = codec::encode(&key, &row, what)?;
            sequences.insert(key.clone(), sequence);
            batch.put_witnessed(Table::Ledger, key, value, sequence);
        }
        for checkpoint in checkpoints {
            let key = self.checkpoint_key(&checkpoint.node, &checkpoint.topic, checkpoint.partition)?;
            let what = || format!("the checkpoint of node {}", checkpoint.node);
            let value = codec::encode(key.as_bytes(), checkpoint, what)?;
            batch.put(Table::Checkpoint, key.into_bytes(), value);
        }
        for changes in states {
            let key = self.partition_key(&changes.topic, changes.partition)?;
            state::write(&*self.store, &key, changes, &mut batch)?;
        }
        self.store.write(batch)?;
        self.store.flush()
    }

    /// The last saved state of a partition.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot tell; treat it like [`Loaded::Damaged`] or stop.
    pub fn load(&self, topic: &str, partition: i32) -> Result<Loaded, StoreError> {
        let key = self.partition_key(topic, partition)?;
        let row = self.store.get(Table::Ledger, key.as_bytes())?;
        let witness = self.store.witness(Table::Ledger, key.as_bytes())?;
        Ok(match judge(key.as_bytes(), row.as_deref(), witness, topic, partition) {
            Ok(None) => Loaded::Fresh,
            Ok(Some(snapshot)) => Loaded::Found(snapshot),
            Err(reason) => Loaded::Damaged { reason },
        })
    }

    /// Forgets a partition, its checkpoints and the rows that nodes keep for it in this scope, as when its topic was deleted and made again: records done above the
    /// committed offset are then processed again, unless the commit itself tells of them.
    ///
    /// A crash in the middle may leave the partition [`Loaded::Damaged`], which skips nothing either.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if that failed or is not certain to last.
    pub fn forget(&self, topic: &str, partition: i32) -> Result<(), StoreError> {
        let mut sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = WriteBatch::new();
        for row in self.rows_of(&Key::of(&self.scope)?) {
            let (key, row) = row?;
            if readable(&key, &row).is_some_and(|of| of.topic == topic && of.partition == partition) {
                batch.remove(Table::Checkpoint, key);
            }
        }
        let key = self.partition_key(topic, partition)?.into_bytes();
        batch.remove_range(Table::State, KeyRange::prefix(&key));
        // Cleared so that the next save asks the store again, should this removal fail half-way.
        sequences.remove(&key);
        batch.remove(Table::Ledger, key);
        self.store.write(batch)?;
        self.store.flush()
    }

    /// The rows of a partition's nodes; `None` where there are none that can be believed.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot tell.
    pub(crate) fn kept_state(&self, topic: &str, partition: i32) -> Result<Option<KeptState>, StoreError> {
        let prefix = self.partition_key(topic, partition)?;
        // No save comes between two pages.
        let _saving = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = rows(&*self.store, Table::State, KeyRange::prefix(prefix.as_bytes()));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let damaged = |reason| {
            tracing::warn!(
                topic,
                partition,
                reason,
                "the rows that nodes kept are damaged and are not believed: the nodes begin with nothing"
            );
            None
        };
        Ok(state::read(prefix.as_bytes(), &rows).unwrap_or_else(damaged))
    }

    /// The last checkpoint of a node for one partition; a damaged one counts as missing and is logged.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot be read.
    pub fn checkpoint(
        &self,
        node: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let key = self.checkpoint_key(node, topic, partition)?;
        let row = self.store.get(Table::Checkpoint, key.as_bytes())?;
        Ok(row.and_then(|row| readable(key.as_bytes(), &row)))
    }

    /// The last checkpoints of a node, one a partition, ordered by topic and partition.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot be read.
    pub fn checkpoints(&self, node: &str) -> Result<Vec<Checkpoint>, StoreError> {
        self.scan_checkpoints(&Key::of(&self.scope)?.node(node)?)
    }

    /// The last checkpoints of all nodes of the pipeline in this scope.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot be read.
    pub fn all_checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        self.scan_checkpoints(&Key::of(&self.scope)?)
    }

    fn scan_checkpoints(&self, prefix: &Key) -> Result<Vec<Checkpoint>, StoreError> {
        let read = |row: Result<Row, StoreError>| row.map(|(key, row)| readable(&key, &row)).transpose();
        self.rows_of(prefix).filter_map(read).collect()
    }

    /// The rows of checkpoints whose keys begin so.
    fn rows_of(&self, prefix: &Key) -> impl Iterator<Item = Result<Row, StoreError>> {
        rows(&*self.store, Table::Checkpoint, KeyRange::prefix(prefix.as_bytes()))
    }

    /// The pipeline has ended: all that it saved is made durable.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if that is not certain.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.store.close()
    }

    /// The highest sequence number that anyone remembers of a partition.
    fn last_sequence(&self, key: &[u8]) -> Result<u64, StoreError> {
        let row = self.store.get(Table::Ledger, key)?;
        let stored =
            row.and_then(|row| codec::decode::<SnapshotRow>(key, &row).ok()).map_or(0, |row| row.sequence);
        Ok(match self.store.witness(Table::Ledger, key)? {
            Witness::Written { sequence } => sequence.max(stored),
            _ => stored,
        })
    }

    fn partition_key(&self, topic: &str, partition: i32) -> Result<Key, StoreError> {
        Key::of(&self.scope)?.partition(topic, partition)
    }

    fn checkpoint_key(&self, node: &str, topic: &str, partition: i32) -> Result<Key, StoreError> {
        Key::of(&self.scope)?.node(node)?.partition(topic, partition)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Weighs a row against its witness; an error is the reason not to believe it.
fn judge(
    key: &[u8],
    row: Option<&[u8]>,
    witness: Witness,
    topic: &str,
    partition: i32,
) -> Result<Option<PartitionSnapshot>, String> {
    if witness == Witness::Lost {
        return Err("the side file beside the store was lost, so the store may have lost rows too".to_owned());
    }
    let Some(row) = row else {
        return match witness {
            Witness::Written { sequence } => {
                Err(format!("its row vanished; it was saved as number {sequence}"))
            }
            _ => Ok(None),
        };
    };
    let row: SnapshotRow = codec::decode(key, row)?;
    match witness {
        Witness::Written { sequence } if row.sequence < sequence => {
            Err(format!("its row is save number {}, but number {sequence} was made durable", row.sequence))
        }
        _ => row.into_snapshot(topic, partition).map(Some),
    }
}

fn readable(key: &[u8], row: &[u8]) -> Option<Checkpoint> {
    codec::decode(key, row)
        .inspect_err(
            |reason| tracing::warn!(%reason, "a damaged checkpoint is left out; the node will run again"),
        )
        .ok()
}
