//! A group that goes back wants its records again: no store of any member, however old, makes one of them skipped.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::common::{Seen, settings, status, until};
use healer::store::{
    Journal, KeyRange, Loaded, MemoryStore, Page, PageLimit, Row, Store, StoreError, Table, Witness,
    WriteBatch,
};
use healer::testing::{EmbeddedKafka, TestRecord};
use healer::{Handle, SeekTo, prelude::*};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const LINES: i64 = 30;
/// The record that the first run leaves behind; the records above it up to `HIGH` are done.
const OPEN: i64 = 5;
const HIGH: i64 = 10;
/// Where the group goes back to.
const BACK: i64 = 2;

/// Room for the lineage beside a commit and for nothing more, so that the store alone knows which records above are done.
const LINEAGE_ALONE: usize = 40;

#[derive(Default)]
struct World {
    done: Seen<i64>,
}

impl World {
    fn took(&self) -> BTreeSet<i64> {
        self.done.take().into_iter().collect()
    }
}

#[stage(parallel = 64, order = none)]
async fn first(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    if ctx.offset() == OPEN || ctx.offset() > HIGH {
        std::future::pending::<()>().await;
    }
    world.done.add(ctx.offset());
    line
}

#[stage(parallel = 64, order = none)]
async fn redo(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    if ctx.offset() >= OPEN {
        std::future::pending::<()>().await;
    }
    world.done.add(ctx.offset());
    line
}

#[stage]
fn good(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    world.done.add(ctx.offset());
    line
}

fn leaves_one_open(world: &Arc<World>) -> App {
    pipeline! { name "x"; o = kafka::text("o") => first; o => heal; }.with(Arc::clone(world))
}

fn stops_there(world: &Arc<World>) -> App {
    pipeline! { name "x"; o = kafka::text("o") => redo; o => heal; }.with(Arc::clone(world))
}

fn does_all(world: &Arc<World>) -> App {
    pipeline! { name "x"; o = kafka::text("o") => good; o => heal; }.with(Arc::clone(world))
}

fn cluster() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("o", 1).unwrap();
    let line = |n: i64| TestRecord::new().value(n.to_string()).partition(0).timestamp(1_000_000 + n);
    kafka.produce("o", (0..LINES).map(line)).unwrap();
    kafka
}

/// Bytes that a commit may carry: none, the lineage alone, the lineage with the claim.
const ROOMS: [usize; 3] = [0, LINEAGE_ALONE, 4096];

fn config(kafka: &EmbeddedKafka, metadata: usize) -> healer::ConfigBuilder {
    settings(kafka.brokers(), "group").drain_budget("100ms").metadata_max_bytes(metadata)
}

fn on_disk(kafka: &EmbeddedKafka, metadata: usize, folder: &Path) -> Config {
    config(kafka, metadata).store_path(folder).build().unwrap()
}

async fn until_stands_at_the_open_one(handle: &Handle) {
    until("the records below are committed", || {
        status(handle, 0).is_some_and(|status| (status.frontier, status.committed) == (OPEN, Some(OPEN)))
    })
    .await;
}

async fn stop(handle: Handle) {
    handle.stop();
    handle.join().await.unwrap();
}

/// Leaves 5 open, with 6 to 10 done.
async fn leave_one_open(kafka: &EmbeddedKafka, app: impl FnOnce(App) -> App, config: Config) {
    let world = Arc::<World>::default();
    let handle = app(leaves_one_open(&world)).start(config).await.unwrap();
    until("all up to there is done but one", || world.done.len() == usize::try_from(HIGH).unwrap()).await;
    until_stands_at_the_open_one(&handle).await;
    stop(handle).await;
    assert_eq!(kafka.committed("group", "o").unwrap()[&0], OPEN);
}

/// Goes back and comes to 5 again, with nothing done above.
async fn go_back(app: App, world: &World, config: Config) {
    let handle = app.start(config).await.unwrap();
    until("it has the partition", || status(&handle, 0).is_some()).await;
    assert_eq!(handle.seek("o", 0, SeekTo::Offset(BACK)).await.unwrap(), BACK);
    until("the records from there on were done again", || world.done.len() == 3).await;
    until_stands_at_the_open_one(&handle).await;
    stop(handle).await;
    assert_eq!(world.took(), (BACK..OPEN).collect());
}

/// Runs until all is done; gives the offsets that were worked on.
async fn finish(app: impl FnOnce(App) -> App, config: Config) -> BTreeSet<i64> {
    let world = Arc::<World>::default();
    app(does_all(&world)).run_until_end(config).await.unwrap();
    world.took()
}

fn all_from_there() -> BTreeSet<i64> {
    (OPEN..LINES).collect()
}

fn but_what_was_done() -> BTreeSet<i64> {
    all_from_there().into_iter().filter(|offset| !(OPEN + 1..=HIGH).contains(offset)).collect()
}

/// Another program sets the group's offset, as a member without a word beside it: this broker takes none from others.
async fn reset(kafka: &EmbeddedKafka, offset: i64) {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", kafka.brokers())
        .set("group.id", "group")
        .set("group.protocol", "consumer");
    client.set("enable.auto.commit", "false");
    let client: BaseConsumer = client.create().unwrap();
    client.subscribe(&["o"]).unwrap();
    until("it has the partition", || {
        drop(client.poll(Duration::ZERO));
        client.assignment().unwrap().count() > 0
    })
    .await;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("o", 0, Offset::Offset(offset)).unwrap();
    client.commit(&offsets, CommitMode::Sync).unwrap();
    drop(client);
    assert_eq!(kafka.committed("group", "o").unwrap()[&0], offset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_member_sought_back_is_done_again_though_an_old_store_has_it_as_done() {
    for metadata in ROOMS {
        let (kafka, a, b) = (cluster(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        leave_one_open(&kafka, |app| app, on_disk(&kafka, metadata, a.path())).await;
        let world = Arc::<World>::default();
        go_back(stops_there(&world), &world, on_disk(&kafka, metadata, b.path())).await;
        let done = finish(|app| app, on_disk(&kafka, metadata, a.path())).await;
        assert_eq!(done, all_from_there(), "the seek asked for all of them (metadata of {metadata} bytes)");
    }
}

/// How a disk answers to writes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Disk {
    #[default]
    Well,
    /// Not yet.
    Slow,
    Full,
}

/// A store on a disk that has a full moment.
#[derive(Default)]
struct MayBeFull {
    rows: MemoryStore,
    disk: Mutex<Disk>,
    changed: Condvar,
}

impl MayBeFull {
    fn ledger(&self) -> Vec<Row> {
        self.rows.scan(Table::Ledger, &KeyRange::all(), PageLimit::default()).unwrap().rows
    }

    fn turns(&self, disk: Disk) {
        *self.disk.lock().unwrap() = disk;
        self.changed.notify_all();
    }
}

impl Store for MayBeFull {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows.get(table, key)
    }
    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
        self.rows.scan(table, keys, limit)
    }
    fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let disk = self.changed.wait_while(self.disk.lock().unwrap(), |disk| *disk == Disk::Slow).unwrap();
        if *disk == Disk::Full {
            return Err(StoreError::backend(std::io::Error::other("no room")));
        }
        self.rows.write(batch)
    }
    fn flush(&self) -> Result<(), StoreError> {
        self.rows.flush()
    }
    fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
        self.rows.witness(table, key)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_full_while_records_were_done_again_skips_none_of_them_later() {
    for metadata in ROOMS {
        let (kafka, store) = (cluster(), Arc::new(MayBeFull::default()));
        let kept = |app: App| app.store(Arc::clone(&store) as Arc<dyn Store>);
        let config = || config(&kafka, metadata).build().unwrap();
        leave_one_open(&kafka, kept, config()).await;

        let world = Arc::<World>::default();
        let handle = kept(stops_there(&world)).start(config()).await.unwrap();
        let kept_rows = Journal::open(Arc::clone(&store) as _, handle.scope().clone()).unwrap();
        let is_all_read = |loaded| matches!(loaded, Loaded::Found(row) if row.position == LINES);
        until("all that is read is saved", || {
            status(&handle, 0).is_some_and(|status| status.position == LINES)
                && is_all_read(kept_rows.load("o", 0).unwrap())
        })
        .await;
        let old = store.ledger();
        store.turns(Disk::Slow);
        assert_eq!(handle.seek("o", 0, SeekTo::Offset(BACK)).await.unwrap(), BACK);
        until("the records from there on were done again", || world.done.len() == 3).await;
        until_stands_at_the_open_one(&handle).await;
        store.turns(Disk::Full);
        let error = handle.join().await.unwrap_err().to_string();
        assert!(error.contains("no room"), "{error}");
        assert_eq!(world.took(), (BACK..OPEN).collect());
        assert_eq!(kafka.committed("group", "o").unwrap()[&0], OPEN);
        assert_eq!(store.ledger(), old, "it is what was done before the seek");
        store.turns(Disk::Well);
        let done = finish(kept, config()).await;
        assert_eq!(done, all_from_there(), "none was skipped (metadata of {metadata} bytes)");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_to_the_very_offset_where_the_group_stands_does_all_above_again() {
    for metadata in ROOMS {
        let (kafka, folder) = (cluster(), tempfile::tempdir().unwrap());
        leave_one_open(&kafka, |app| app, on_disk(&kafka, metadata, folder.path())).await;
        reset(&kafka, OPEN).await;
        let done = finish(|app| app, on_disk(&kafka, metadata, folder.path())).await;
        assert_eq!(done, all_from_there(), "metadata of {metadata} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_that_a_member_without_the_store_followed_is_followed_by_the_store_as_well() {
    for metadata in ROOMS {
        let (kafka, a, b) = (cluster(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        leave_one_open(&kafka, |app| app, on_disk(&kafka, metadata, a.path())).await;
        reset(&kafka, 0).await;
        let world = Arc::<World>::default();
        let handle = stops_there(&world).start(on_disk(&kafka, metadata, b.path())).await.unwrap();
        until_stands_at_the_open_one(&handle).await;
        stop(handle).await;
        assert_eq!(world.took(), (0..OPEN).collect());
        let done = finish(|app| app, on_disk(&kafka, metadata, a.path())).await;
        assert_eq!(done, all_from_there(), "metadata of {metadata} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_has_done_above_is_skipped_again_where_nobody_went_back() {
    for metadata in [LINEAGE_ALONE, 4096] {
        let (kafka, a, b) = (cluster(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        leave_one_open(&kafka, |app| app, on_disk(&kafka, metadata, a.path())).await;
        // Another member has the partition in between, and gets no further.
        let world = Arc::<World>::default();
        let handle = stops_there(&world).start(on_disk(&kafka, metadata, b.path())).await.unwrap();
        until("it has the partition", || status(&handle, 0).is_some()).await;
        stop(handle).await;
        let done = finish(|app| app, on_disk(&kafka, metadata, a.path())).await;
        assert_eq!(done, but_what_was_done(), "metadata of {metadata} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_commits_may_say_nothing_no_store_is_believed() {
    let (kafka, folder) = (cluster(), tempfile::tempdir().unwrap());
    leave_one_open(&kafka, |app| app, on_disk(&kafka, 0, folder.path())).await;
    assert_eq!(finish(|app| app, on_disk(&kafka, 0, folder.path())).await, all_from_there());
}
