//! The rows that nodes keep: whole or not believed.

use std::{collections::BTreeMap, sync::Arc};

use healer_store::{KeyRange, MemoryStore, Store, Table, WriteBatch, store::rows};

use crate::{
    journal::{Journal, StateChanges, StateMark, StateRow},
    open, snapshot,
};

fn changes(began: u64, frontier: i64, rows: &[(&str, &str, &str)]) -> StateChanges {
    let rows = rows.iter().map(|(node, key, value)| {
        let (key, value) = (key.as_bytes().to_vec(), value.as_bytes().to_vec());
        ((Arc::from(*node), key.clone()), StateRow { key, applied: frontier - 1, value })
    });
    let mark = StateMark { lineage: 7, frontier, began };
    StateChanges { topic: "t".into(), partition: 3, mark, rows: rows.collect() }
}

fn save(journal: &Journal, changes: &StateChanges) {
    journal.save(&[], &[], &[changes]).unwrap();
}

/// The values by node and key.
fn values(journal: &Journal) -> Option<BTreeMap<(String, String), String>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let kept = journal.kept_state("t", 3).unwrap()?;
    let rows = kept.rows.iter().flat_map(|(node, rows)| rows.iter().map(move |row| (node, row)));
    Some(rows.map(|(node, row)| ((node.clone(), text(&row.key)), text(&row.value))).collect())
}

fn row(node: &str, key: &str, value: &str) -> ((String, String), String) {
    ((node.to_owned(), key.to_owned()), value.to_owned())
}

#[test]
fn rows_are_found_as_they_were_written_last_by_node_and_key() {
    let journal = open(Arc::new(MemoryStore::new()), "p");
    assert_eq!(values(&journal), None);
    save(&journal, &changes(1, 5, &[("sum", "a", "1"), ("sum", "", "2"), ("max", "a", "3")]));
    save(&journal, &changes(1, 9, &[("sum", "a", "4"), ("sum", "b", "5")]));
    let wanted = [row("max", "a", "3"), row("sum", "", "2"), row("sum", "a", "4"), row("sum", "b", "5")];
    assert_eq!(values(&journal), Some(wanted.into()));
    let kept = journal.kept_state("t", 3).unwrap().unwrap();
    assert_eq!(kept.mark, StateMark { lineage: 7, frontier: 9, began: 1 });
    assert_eq!(kept.rows["max"][0].applied, 4);
    assert_eq!(journal.kept_state("t", 2).unwrap(), None, "that is another partition");
}

#[test]
fn rows_of_an_earlier_beginning_go_with_the_first_save_of_the_next_one() {
    let journal = open(Arc::new(MemoryStore::new()), "p");
    save(&journal, &changes(1, 5, &[("sum", "a", "1"), ("sum", "b", "2")]));
    save(&journal, &changes(2, 6, &[("sum", "a", "3")]));
    assert_eq!(values(&journal), Some([row("sum", "a", "3")].into()));
    save(&journal, &changes(2, 7, &[("sum", "b", "4")]));
    assert_eq!(values(&journal), Some([row("sum", "a", "3"), row("sum", "b", "4")].into()));
}

/// The store goes on with some rows as they were before the last save, or with a damaged one.
#[test]
fn a_store_that_has_lost_a_row_or_has_an_old_one_is_not_believed_until_nodes_begin_anew() {
    let rows = |store: &MemoryStore| {
        rows(store, Table::State, KeyRange::all()).collect::<Result<Vec<_>, _>>().unwrap()
    };
    for at in 0..3 {
        for damage in ["lost", "old", "changed"] {
            let store = Arc::new(MemoryStore::new());
            let journal = open(Arc::clone(&store) as _, "p");
            save(&journal, &changes(1, 5, &[("sum", "a", "1"), ("sum", "b", "2")]));
            let old = rows(&store)[at].clone();
            save(&journal, &changes(1, 6, &[("sum", "a", "3"), ("sum", "b", "4")]));
            let mut batch = WriteBatch::new();
            match damage {
                // Without a mark there is nothing to believe.
                "lost" => batch.remove(Table::State, old.0),
                "old" => batch.put(Table::State, old.0, old.1),
                _ => {
                    let (key, mut row) = rows(&store)[at].clone();
                    *row.last_mut().unwrap() ^= 1;
                    batch.put(Table::State, key, row);
                }
            }
            store.write(batch).unwrap();
            assert_eq!(values(&journal), None, "row {at} is {damage}");
            save(&journal, &changes(2, 7, &[("sum", "a", "5")]));
            assert_eq!(values(&journal), Some([row("sum", "a", "5")].into()), "row {at} was {damage}");
        }
    }
}

#[test]
fn a_forgotten_partition_has_no_rows_and_its_scope_is_told_while_it_has_some() {
    let store = Arc::new(MemoryStore::new());
    let (journal, other) = (open(Arc::clone(&store) as _, "p"), open(Arc::clone(&store) as _, "q"));
    save(&journal, &changes(1, 5, &[("sum", "a", "1")]));
    assert_eq!(Journal::scopes(&*store).unwrap(), [journal.scope().clone()]);
    assert_eq!(values(&other), None);
    other.forget("t", 3).unwrap();
    assert!(values(&journal).is_some(), "that was another pipeline's");
    journal.save(&[snapshot("t", 3, 5)], &[], &[]).unwrap();
    journal.forget("t", 3).unwrap();
    assert_eq!(values(&journal), None);
    assert!(Journal::scopes(&*store).unwrap().is_empty());
}
