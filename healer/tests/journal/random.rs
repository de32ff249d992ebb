//! Rows of the journal at random: saved ones read back, and any others are `Damaged`.

use std::sync::Arc;

use healer_store::{
    KeyRange, MemoryStore, Page, PageLimit, Run, Store, StoreError, Table, Witness, WriteBatch,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::journal::{Checkpoint, Loaded, PartitionSnapshot};
use crate::{first_row, open};

const TOPIC: &str = "t";

fn snapshot() -> impl Strategy<Value = PartitionSnapshot> {
    let pieces = vec((1_i64..1000, 1_i64..1000), 0..40);
    let ends = (prop_oneof![Just(0_i64), any::<i64>().prop_map(|n| n >> 1)], 0_i64..100_000);
    (ends, pieces, any::<(Option<u64>, u64)>()).prop_map(
        |((frontier, ahead), pieces, (fingerprint, lineage))| {
            let mut end = frontier;
            let runs = pieces.into_iter().map(|(gap, length)| {
                let first = end + gap;
                end = first + length;
                Run::new(first, end)
            });
            let done_above = runs.collect();
            let position = frontier + ahead;
            PartitionSnapshot {
                topic: TOPIC.to_owned(),
                partition: 0,
                lineage,
                frontier,
                position,
                done_above,
                fingerprint,
                leader_epoch: None,
            }
        },
    )
}

/// A store that holds one row, under any key.
struct Foreign {
    row: Vec<u8>,
    sequence: Option<u64>,
}

impl Store for Foreign {
    fn get(&self, _: Table, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(Some(self.row.clone()))
    }

    fn scan(&self, _: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        Page::fill([Ok((keys.start().to_vec(), self.row.clone()))], limit)
    }

    fn write(&self, _: WriteBatch) -> Result<(), StoreError> {
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn witness(&self, _: Table, _: &[u8]) -> Result<Witness, StoreError> {
        Ok(self.sequence.map_or(Witness::Trusting, |sequence| Witness::Written { sequence }))
    }
}

/// The row that a journal writes for a snapshot, as its first save.
fn row(snapshot: &PartitionSnapshot) -> Vec<u8> {
    let store = Arc::new(MemoryStore::new());
    let journal = open(Arc::clone(&store) as Arc<dyn Store>, "p");
    journal.save(std::slice::from_ref(snapshot), &[], &[]).unwrap();
    first_row(&*store, Table::Ledger).1
}

fn load(row: Vec<u8>, sequence: Option<u64>, topic: &str) -> Loaded {
    open(Arc::new(Foreign { row, sequence }), "p").load(topic, 0).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_reads_back_as_it_was_saved_unless_it_is_older_than_its_witness(
        saved in snapshot(),
        sequence in prop_oneof![Just(None), (0_u64..4).prop_map(Some)],
    ) {
        let loaded = load(row(&saved), sequence, TOPIC);
        if sequence.is_some_and(|sequence| sequence > 1) {
            prop_assert!(matches!(loaded, Loaded::Damaged { .. }), "{:?}", loaded);
        } else {
            prop_assert_eq!(loaded, Loaded::Found(saved));
        }
    }

    #[test]
    fn a_row_that_was_changed_cut_or_moved_is_damaged(
        saved in snapshot(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = row(&saved);
        let mut changed = whole.clone();
        changed[at.index(whole.len())] ^= flip;
        let cut = whole[..cut.index(whole.len())].to_vec();
        for (row, topic) in [(changed, TOPIC), (cut, TOPIC), (whole, "u")] {
            let loaded = load(row, None, topic);
            prop_assert!(matches!(loaded, Loaded::Damaged { .. }), "{:?}", loaded);
        }
    }

    #[test]
    fn bytes_that_nobody_saved_are_damaged_and_no_checkpoint(
        version in prop_oneof![Just(1_u8), Just(2_u8), any::<u8>()],
        bytes in vec(any::<u8>(), 0..300),
    ) {
        let row: Vec<u8> = std::iter::once(version).chain(bytes).collect();
        let loaded = load(row.clone(), None, TOPIC);
        prop_assert!(matches!(loaded, Loaded::Damaged { .. }), "{:?}", loaded);
        let journal = open(Arc::new(Foreign { row, sequence: None }), "p");
        prop_assert_eq!(journal.checkpoint("n", TOPIC, 0).unwrap(), None);
        prop_assert_eq!(journal.all_checkpoints().unwrap(), []);
    }

    #[test]
    fn checkpoints_read_back_whatever_they_hold(
        node in ".{0,20}",
        type_name in ".{0,20}",
        place in (any::<i32>(), any::<i64>()),
        json in vec(any::<u8>(), 0..300),
    ) {
        let (partition, offset) = place;
        let saved = Checkpoint { node, topic: TOPIC.to_owned(), partition, offset, type_name, json };
        let journal = open(Arc::new(MemoryStore::new()), "p");
        journal.save(&[], std::slice::from_ref(&saved), &[]).unwrap();
        prop_assert_eq!(journal.checkpoints(&saved.node).unwrap(), [saved]);
    }
}

#[test]
fn a_checkpoint_that_turns_up_under_another_key_is_left_out() {
    let store = Arc::new(MemoryStore::new());
    let journal = open(Arc::clone(&store) as Arc<dyn Store>, "p");
    let saved = Checkpoint {
        node: "n".to_owned(),
        topic: TOPIC.to_owned(),
        partition: 0,
        offset: 7,
        type_name: "T".to_owned(),
        json: b"1".to_vec(),
    };
    journal.save(&[], std::slice::from_ref(&saved), &[]).unwrap();
    let row = first_row(&*store, Table::Checkpoint).1;
    let journal = open(Arc::new(Foreign { row, sequence: None }), "p");
    assert_eq!(journal.checkpoint("n", TOPIC, 0).unwrap(), Some(saved));
    for (node, topic, partition) in [("m", TOPIC, 0), ("n", "u", 0), ("n", TOPIC, 1)] {
        assert_eq!(journal.checkpoint(node, topic, partition).unwrap(), None, "{node} {topic} {partition}");
    }
}
