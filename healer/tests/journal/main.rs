//! The journal over all stores: which rows are kept and for which scope, which are never believed, and the state that kills and
//! damage leave behind.
//!
//! Users can only read a journal. Its own source is therefore compiled in here, in a process of its own: it is killed, its disk is
//! full, and panics of the database are kept quiet.

#[path = "../../src/journal/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "every test uses a part of it, and nothing is outside"
)]
mod journal;

#[cfg(all(unix, feature = "sled"))]
mod crash;
#[cfg(feature = "sled")]
mod disk;
mod draw;
mod ledger_lives;
mod memory;
mod random;
mod rows;
mod scopes;
#[cfg(feature = "sled")]
mod sled;
#[cfg(feature = "sled")]
mod sled_damage;
#[cfg(feature = "sled")]
mod sled_torn;
mod states;

use std::sync::Arc;

use healer_store::{KeyRange, Row, Run, Store, Table, store::rows};
use journal::{Journal, PartitionSnapshot, Scope};

/// The journal of a pipeline in the cluster and the group of these tests.
fn open(store: Arc<dyn Store>, pipeline: &str) -> Journal {
    Journal::open(store, Scope::new("cluster", "group", pipeline)).expect("short names")
}

/// The first row of a table.
fn first_row(store: &dyn Store, table: Table) -> Row {
    rows(store, table, KeyRange::all()).next().expect("there is one").expect("it can be read")
}

/// A partition whose records are done up to the frontier, and two of those above.
fn snapshot(topic: &str, partition: i32, frontier: i64) -> PartitionSnapshot {
    PartitionSnapshot {
        topic: topic.to_owned(),
        partition,
        lineage: 1,
        frontier,
        position: frontier + 10,
        done_above: vec![Run::new(frontier + 2, frontier + 4)],
        fingerprint: Some(frontier.unsigned_abs()),
        leader_epoch: None,
    }
}
