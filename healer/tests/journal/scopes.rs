//! Rows of one cluster, group or pipeline are nothing to any other, and rows of the layout before are nobody's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use healer_store::{KeyRange, MemoryStore, Page, PageLimit, Run, Store, StoreError, Table, WriteBatch};

use crate::journal::{Checkpoint, Journal, Loaded, PartitionSnapshot, Scope};

fn snapshot(frontier: i64) -> PartitionSnapshot {
    PartitionSnapshot {
        topic: "orders".to_owned(),
        partition: 0,
        lineage: 1,
        frontier,
        position: frontier + 10,
        done_above: vec![Run::new(frontier + 2, frontier + 4)],
        fingerprint: Some(7),
        leader_epoch: None,
    }
}

fn checkpoint(offset: i64) -> Checkpoint {
    Checkpoint {
        node: "validate".to_owned(),
        topic: "orders".to_owned(),
        partition: 0,
        offset,
        type_name: "Order".to_owned(),
        json: b"1".to_vec(),
    }
}

/// Scopes that differ in one name each, or in where one name ends and the next begins.
fn scopes() -> Vec<Scope> {
    let names = [
        ("c", "blue", "billing"),
        ("c", "green", "billing"),
        ("d", "blue", "billing"),
        ("c", "blue", "other"),
        ("cb", "lue", "billing"),
        ("c", "blueb", "illing"),
        ("", "", ""),
        ("", "c", ""),
        ("c", "", ""),
        ("\u{ff}", "\0", "\u{1}"),
    ];
    names.map(|(cluster, group, pipeline)| Scope::new(cluster, group, pipeline)).into()
}

#[test]
fn what_one_scope_saved_no_other_finds_forgets_or_overwrites() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let journals: Vec<Journal> =
        scopes().into_iter().map(|scope| Journal::open(Arc::clone(&store), scope).unwrap()).collect();
    for (at, journal) in (0..).zip(&journals) {
        assert_eq!(journal.load("orders", 0).unwrap(), Loaded::Fresh, "{}", journal.scope());
        assert_eq!(journal.all_checkpoints().unwrap(), [], "{}", journal.scope());
        journal.save(&[snapshot(at)], &[checkpoint(at)], &[]).unwrap();
    }
    let holds = |at: i64, journal: &Journal| {
        assert_eq!(journal.load("orders", 0).unwrap(), Loaded::Found(snapshot(at)), "{}", journal.scope());
        assert_eq!(journal.checkpoint("validate", "orders", 0).unwrap(), Some(checkpoint(at)));
        assert_eq!(journal.checkpoints("validate").unwrap(), [checkpoint(at)]);
        assert_eq!(journal.all_checkpoints().unwrap(), [checkpoint(at)]);
    };
    for (at, journal) in (0..).zip(&journals) {
        holds(at, journal);
    }
    journals[0].forget("orders", 0).unwrap();
    assert_eq!(journals[0].load("orders", 0).unwrap(), Loaded::Fresh);
    assert_eq!(journals[0].all_checkpoints().unwrap(), []);
    for (at, journal) in (0..).zip(&journals).skip(1) {
        holds(at, journal);
    }
}

#[test]
fn a_store_tells_whose_rows_it_has() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for (at, scope) in (0..).zip(scopes()) {
        let journal = Journal::open(Arc::clone(&store), scope).unwrap();
        match at % 2 {
            0 => journal.save(&[snapshot(at)], &[], &[]).unwrap(),
            _ => journal.save(&[], &[checkpoint(at)], &[]).unwrap(),
        }
    }
    let mut all = scopes();
    all.sort();
    assert_eq!(Journal::scopes(&*store).unwrap(), all);
}

/// Counts the rows that are read.
#[derive(Default)]
struct Counted {
    rows: MemoryStore,
    read: AtomicUsize,
}

impl Store for Counted {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows.get(table, key)
    }
    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        let page = self.rows.scan(table, keys, limit)?;
        self.read.fetch_add(page.rows.len(), Ordering::Relaxed);
        Ok(page)
    }
    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        self.rows.write(batch)
    }
    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn to_tell_whose_rows_it_has_a_store_reads_few_of_them_and_passes_over_those_that_are_nobodys() {
    let store = Arc::new(Counted::default());
    for scope in scopes() {
        let journal = Journal::open(Arc::clone(&store) as Arc<dyn Store>, scope).unwrap();
        let of = |partition| PartitionSnapshot { partition, ..snapshot(1) };
        journal.save(&(0..100).map(of).collect::<Vec<_>>(), &[], &[]).unwrap();
    }
    // As if a later layout had left them: they begin as ours do, and name no scope.
    let mut batch = WriteBatch::new();
    for key in [&b"\xff\x02"[..], b"\xff\x02\0", b"\xff\x02\xff\xff", b"\xff\x02\0\0\0\0\0\x01", b"\xff\x03"]
    {
        batch.put(Table::Ledger, key.to_vec(), b"a row".to_vec());
    }
    store.write(batch).unwrap();
    let mut all = scopes();
    all.sort();
    assert_eq!(Journal::scopes(&*store).unwrap(), all);
    let read = store.read.load(Ordering::Relaxed);
    assert!(read <= all.len() + 4, "{read} rows were read for {} scopes", all.len());
}

#[test]
fn checkpoints_that_fill_several_pages_are_read_and_forgotten_whole() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let journal = Journal::open(store, Scope::new("c", "blue", "billing")).unwrap();
    let of = |node: &str, partition| Checkpoint { node: node.to_owned(), partition, ..checkpoint(1) };
    let pages = |node| (0..1_500).map(move |partition| of(node, partition));
    let all: Vec<_> = pages("enrich").chain(pages("validate")).collect();
    journal.save(&[], &all, &[]).unwrap();
    assert!(journal.all_checkpoints().unwrap() == all);
    assert!(journal.checkpoints("validate").unwrap() == pages("validate").collect::<Vec<_>>());
    journal.forget("orders", 1_400).unwrap();
    let left: Vec<_> = all.into_iter().filter(|one| one.partition != 1_400).collect();
    assert!(journal.all_checkpoints().unwrap() == left);
}

#[test]
fn commits_of_every_scope_topic_and_partition_have_a_mark_of_their_own() {
    let mut marks = std::collections::BTreeSet::new();
    let mut count = 0;
    for scope in scopes() {
        for topic in ["", "o", "or", "orders"] {
            for partition in [0, 1, -1, i32::MAX] {
                marks.insert(scope.mark(topic, partition));
                count += 1;
            }
        }
    }
    assert_eq!(marks.len(), count);
    // It is written beside offsets, so it must be the same for every version and machine.
    assert_eq!(Scope::new("c", "blue", "billing").mark("orders", 3), 8_783_989_659_520_943_000);
}

/// A row as the layout without groups and clusters had it, under a key that begins with the length of the pipeline's name.
fn before(store: &dyn Store, table: Table, pipeline: &str) {
    let mut key = u16::try_from(pipeline.len()).unwrap().to_be_bytes().to_vec();
    key.extend_from_slice(pipeline.as_bytes());
    key.extend_from_slice(b"\0\x06orders\x80\0\0\0");
    let mut batch = WriteBatch::new();
    batch.put(table, key, b"a row".to_vec());
    store.write(batch).unwrap();
}

#[test]
fn rows_of_the_layout_before_are_removed_once_and_those_of_other_pipelines_stay() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for pipeline in ["billing", "billing2", "bill"] {
        before(&*store, Table::Ledger, pipeline);
        before(&*store, Table::Checkpoint, pipeline);
    }
    let journal = Journal::open(Arc::clone(&store), Scope::new("c", "blue", "billing")).unwrap();
    journal.save(&[snapshot(3)], &[checkpoint(3)], &[]).unwrap();
    assert_eq!(journal.drop_rows_before_scopes().unwrap(), 2);
    assert_eq!(journal.drop_rows_before_scopes().unwrap(), 0);
    assert_eq!(journal.load("orders", 0).unwrap(), Loaded::Found(snapshot(3)));
    assert_eq!(journal.all_checkpoints().unwrap(), [checkpoint(3)]);
    for pipeline in ["billing2", "bill"] {
        let journal = Journal::open(Arc::clone(&store), Scope::new("c", "blue", pipeline)).unwrap();
        assert_eq!(journal.drop_rows_before_scopes().unwrap(), 2, "{pipeline}");
    }
    assert_eq!(Journal::scopes(&*store).unwrap(), [Scope::new("c", "blue", "billing")]);
}
