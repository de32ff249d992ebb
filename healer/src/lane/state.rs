//! The memory of a partition's nodes: rows that live on in the store.
//!
//! **Memory of nodes.** A lane's node asks `Host::keep` for the rows that the store has for it and the partition,
//! and gives an object that hands out its changes. *The cut* is made by the store thread when it is the save's turn. The ledger
//! was read before, and a record changes its row before it ends, so the cut holds all that the ledger said is done. It may hold
//! more: each row says which record it has absorbed last, and a node absorbs no record that is not above it, though it passes its
//! value on. That asks for records in the order of their offsets, key by key. *Which rows are believed*: the mark beside them has
//! the commit's lineage, and its frontier is not below the commit. A frontier above it is a crash between save and commit; one
//! below says that another process had the partition since. Else the nodes begin with nothing, under a new number, and it is
//! logged; the first save of that number removes the rows of the one before. In such a pipeline a restart does the records above
//! the commit again, also those that an earlier owner had done: they may be in no row here. The mark has the count of its rows
//! and a digest of them, so a store that lost a row, or has an old one, is found out. *A late owner*: the store thread asks
//! whether the generation is over before it cuts, and then leaves out its rows and its mark. Saves are written in the order in
//! which they were given, and the memory of a lane that was replaced is asked by nobody. A store is one process's, so this is the
//! whole fence: rows do not follow a partition to another process, and those that stay behind are not believed once that process
//! has committed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::journal::{KeptState, StateRow};

/// A node's memory for one partition.
pub(crate) trait Keeps: Send + Sync {
    /// The rows that changed since the last call. Each is whole: a cut falls between two records, never inside one. Rows that could not be
    /// written are kept and written with the next ones.
    fn cut(&self) -> Vec<StateRow>;
}

/// The memory of all nodes of a partition in one generation.
#[derive(Default)]
pub(crate) struct LaneState {
    /// As in [`StateMark`](crate::journal::StateMark).
    began: u64,
    /// The rows of nodes that have not asked for them.
    kept: Mutex<BTreeMap<String, Vec<StateRow>>>,
    nodes: Mutex<Vec<Keeper>>,
}

/// A node with its memory.
#[derive(Clone)]
struct Keeper {
    node: Arc<str>,
    memory: Arc<dyn Keeps>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LaneState {
    /// With the rows that the store has; `fresh` is a number that nobody has.
    pub(crate) fn new(kept: Option<KeptState>, fresh: u64) -> Self {
        let (began, rows) = kept.map_or((fresh, BTreeMap::new()), |kept| (kept.mark.began, kept.rows));
        Self { began, kept: Mutex::new(rows), nodes: Mutex::default() }
    }

    pub(crate) fn began(&self) -> u64 {
        self.began
    }

    /// Opens a node's memory with the rows that were kept for it.
    pub(crate) fn keep<K: Keeps + 'static>(
        &self,
        node: &Arc<str>,
        open: impl FnOnce(Vec<StateRow>) -> K,
    ) -> Arc<K> {
        let rows = lock(&self.kept).remove(&**node).unwrap_or_default();
        let memory = Arc::new(open(rows));
        lock(&self.nodes).push(Keeper { node: Arc::clone(node), memory: Arc::clone(&memory) as _ });
        memory
    }

    /// Whether a node keeps anything.
    pub(crate) fn is_kept(&self) -> bool {
        !lock(&self.nodes).is_empty()
    }

    /// The rows that changed since the last call, by node and key.
    pub(crate) fn cut(&self, rows: &mut BTreeMap<(Arc<str>, Vec<u8>), StateRow>) {
        // Nodes may run code of users here.
        let nodes = lock(&self.nodes).clone();
        for Keeper { node, memory } in nodes {
            rows.extend(memory.cut().into_iter().map(|row| ((Arc::clone(&node), row.key.clone()), row)));
        }
    }
}
