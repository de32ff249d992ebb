//! Entries of a store or a commit count only for the cluster, group, pipeline, topic and partition that they are of.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::common::{Seen, settings, until};
use healer::prelude::*;
use healer::store::{Journal, KeyRange, MemoryStore, PageLimit, Scope, Store, Table, WriteBatch};
use healer::testing::{EmbeddedKafka, TestRecord};

const LINES: i64 = 30;
/// The record that fails.
const BAD: i64 = 5;

#[derive(Default)]
struct World {
    done: Seen<i64>,
}

impl World {
    fn took(&self) -> BTreeSet<i64> {
        self.done.take().into_iter().collect()
    }
}

#[stage]
fn plain(line: String, ctx: &Context, #[state] world: &Arc<World>) -> Result<String, String> {
    if line == BAD.to_string() {
        return Err("it is a 5".to_owned());
    }
    world.done.add(ctx.offset());
    Ok(line)
}

/// All above the bad one, up to 10, is done before that one fails.
#[stage(parallel = 64, order = none)]
async fn work(line: String, ctx: &Context, #[state] world: &Arc<World>) -> Result<String, String> {
    let number: i64 = line.parse().map_err(|_| "no number")?;
    match number {
        BAD => {
            until("the others are done", || world.done.len() == 10).await;
            Err("it is a 5".to_owned())
        }
        11.. => std::future::pending().await,
        _ => {
            world.done.add(ctx.offset());
            Ok(line)
        }
    }
}

#[stage]
fn good(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    world.done.add(ctx.offset());
    line
}

fn stops_at_5(world: &Arc<World>) -> App {
    pipeline! { name "billing"; kafka::text("orders") => plain => heal; }.with(Arc::clone(world))
}

fn leaves_5_behind(world: &Arc<World>) -> App {
    pipeline! { name "billing"; kafka::text("orders") => work => heal; }.with(Arc::clone(world))
}

fn mended(world: &Arc<World>) -> App {
    pipeline! { name "billing"; kafka::text("orders") => good => heal; }.with(Arc::clone(world))
}

/// A cluster with the same records as every other, to the very time.
fn cluster() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("orders", 1).unwrap();
    kafka.produce("orders", lines()).unwrap();
    kafka
}

fn lines() -> impl Iterator<Item = TestRecord> {
    (0..LINES).map(|n| TestRecord::new().value(n.to_string()).partition(0).timestamp(1_000_000 + n))
}

/// Commits have room for their lineage and nothing more, so that the store alone knows which records above are done.
fn config(kafka: &EmbeddedKafka, group: &str) -> healer::ConfigBuilder {
    settings(kafka.brokers(), group).drain_budget("100ms").metadata_max_bytes(40)
}

fn on_disk(kafka: &EmbeddedKafka, group: &str, folder: &Path) -> Config {
    config(kafka, group).store_path(folder).build().unwrap()
}

/// Runs until a record fails.
async fn fails(app: App, config: Config) {
    crate::common::failed_record(app.run_until_end(config).await);
}

/// Runs a pipeline that leaves 5 open and has 0 to 4 and 6 to 10 done.
async fn leave_5_behind(kafka: &EmbeddedKafka, group: &str, run: impl AsyncFnOnce(App)) {
    let world = Arc::<World>::default();
    run(leaves_5_behind(&world)).await;
    assert_eq!(world.took(), (0..=10).filter(|n| *n != BAD).collect());
    assert_eq!(kafka.committed(group, "orders").unwrap()[&0], BAD);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_does_what_another_group_has_done_above_the_offset_where_both_stand() {
    let (kafka, folder) = (cluster(), tempfile::tempdir().unwrap());
    let world = Arc::<World>::default();
    fails(stops_at_5(&world), on_disk(&kafka, "blue", folder.path())).await;
    leave_5_behind(&kafka, "green", async |app| fails(app, on_disk(&kafka, "green", folder.path())).await)
        .await;
    assert_eq!(kafka.committed("blue", "orders").unwrap()[&0], BAD);

    world.took();
    mended(&world).run_until_end(on_disk(&kafka, "blue", folder.path())).await.unwrap();
    assert_eq!(world.took(), (BAD..LINES).collect(), "blue did none of it before");
    mended(&world).run_until_end(on_disk(&kafka, "green", folder.path())).await.unwrap();
    let left = (BAD..LINES).filter(|n| !(6..=10).contains(n)).collect();
    assert_eq!(world.took(), left, "what blue did in between has not cost green what it knew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_share_a_store_in_memory_at_the_same_time_do_not_disturb_each_other() {
    let (kafka, store) = (cluster(), Arc::new(MemoryStore::new()));
    let app = |app: App| app.store(Arc::clone(&store) as Arc<dyn Store>);
    let config = |group| config(&kafka, group).build().unwrap();
    let (blue, green) = (Arc::<World>::default(), Arc::<World>::default());
    let (first, second) = tokio::join!(
        app(stops_at_5(&blue)).run_until_end(config("blue")),
        app(leaves_5_behind(&green)).run_until_end(config("green")),
    );
    crate::common::failed_record(first);
    crate::common::failed_record(second);
    assert_eq!(green.took(), (0..=10).filter(|n| *n != BAD).collect());
    blue.took();
    let (first, second) = tokio::join!(
        app(mended(&blue)).run_until_end(config("blue")),
        app(mended(&green)).run_until_end(config("green")),
    );
    first.unwrap();
    second.unwrap();
    assert_eq!(blue.took(), (BAD..LINES).collect());
    assert_eq!(green.took(), (BAD..LINES).filter(|n| !(6..=10).contains(n)).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_of_another_cluster_is_no_evidence_though_all_names_and_records_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let here = cluster();
    leave_5_behind(&here, "group", async |app| fails(app, on_disk(&here, "group", folder.path())).await)
        .await;
    drop(here);
    // In the other one the group stands at the same record, with another store.
    let (there, other) = (cluster(), tempfile::tempdir().unwrap());
    let world = Arc::<World>::default();
    fails(stops_at_5(&world), on_disk(&there, "group", other.path())).await;
    assert_eq!(there.committed("group", "orders").unwrap()[&0], BAD);
    world.took();
    mended(&world).run_until_end(on_disk(&there, "group", folder.path())).await.unwrap();
    assert_eq!(world.took(), (BAD..LINES).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_was_renamed_does_all_again_that_its_old_name_did_above_the_offset() {
    // Whether the store alone knows, or the commit's text as well.
    for metadata in [0, 40, 4096] {
        let (kafka, store) = (cluster(), Arc::new(MemoryStore::new()));
        let config = || config(&kafka, "group").metadata_max_bytes(metadata).build().unwrap();
        leave_5_behind(&kafka, "group", async |app| {
            fails(app.store(Arc::clone(&store) as Arc<dyn Store>), config()).await;
        })
        .await;
        let world = Arc::<World>::default();
        let renamed = pipeline! { name "invoices"; kafka::text("orders") => good => heal; };
        let renamed = renamed.with(Arc::clone(&world)).store(Arc::clone(&store) as Arc<dyn Store>);
        renamed.run_until_end(config()).await.unwrap();
        assert_eq!(
            world.took(),
            (BAD..LINES).collect(),
            "a pipeline of another name does other work, so nothing of it is done (metadata of {metadata} bytes)"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_of_another_name_has_nothing_skipped_though_its_records_are_the_same() {
    let (kafka, store) = (cluster(), Arc::new(MemoryStore::new()));
    let config = || config(&kafka, "group").build().unwrap();
    let kept = |app: App| app.store(Arc::clone(&store) as Arc<dyn Store>);
    leave_5_behind(&kafka, "group", async |app| fails(kept(app), config()).await).await;

    kafka.create_topic("orders-2", 1).unwrap();
    kafka.produce("orders-2", lines()).unwrap();
    let world = Arc::<World>::default();
    let stops = pipeline! { name "billing"; kafka::text("orders-2") => plain => heal; };
    fails(kept(stops.with(Arc::clone(&world))), config()).await;
    assert_eq!(kafka.committed("group", "orders-2").unwrap()[&0], BAD);
    world.took();
    let again = pipeline! { name "billing"; kafka::text("orders-2") => good => heal; };
    kept(again.with(Arc::clone(&world))).run_until_end(config()).await.unwrap();
    assert_eq!(
        world.took(),
        (BAD..LINES).collect(),
        "it stands at the same offset, before the same record, and none of its own was done above"
    );
}

#[test]
fn no_two_clusters_of_a_process_have_the_same_id() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ids = BTreeSet::new();
    for _ in 0..10 {
        // The last one is gone, and its memory is free for the next.
        let kafka = cluster();
        let world = Arc::<World>::default();
        let handle =
            runtime.block_on(mended(&world).start(config(&kafka, "group").build().unwrap())).unwrap();
        assert!(ids.insert(handle.scope().cluster.clone()), "{ids:?}");
        handle.stop();
        runtime.block_on(handle.join()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_of_another_group_or_cluster_are_not_those_of_this_one() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let app = || {
        let app = pipeline! {
            name "billing";
            lines = kafka::text("orders") => good checkpoint;
            lines => heal;
        };
        app.with(Arc::<World>::default()).store(Arc::clone(&store))
    };
    let (here, there) = (cluster(), cluster());
    app().run_until_end(config(&here, "blue").build().unwrap()).await.unwrap();
    for (kafka, group) in [(&here, "green"), (&there, "blue")] {
        // No record comes to it, so it has only checkpoints that it finds.
        let handle =
            app().start(config(kafka, group).start(healer::Start::Latest).build().unwrap()).await.unwrap();
        until("it has the partition", || !handle.partitions().is_empty()).await;
        assert!(handle.checkpoints("good").unwrap().is_empty(), "{group}");
        handle.stop();
        handle.join().await.unwrap();
    }
    let handle = app().start(config(&here, "blue").build().unwrap()).await.unwrap();
    let found = handle.checkpoints("good").unwrap();
    assert_eq!(found.iter().map(|one| one.offset).collect::<Vec<_>>(), [LINES - 1]);
    let journal = Journal::open(Arc::clone(&store), handle.scope().clone()).unwrap();
    assert_eq!(journal.checkpoints("good").unwrap(), found);
    journal.forget("orders", 0).unwrap();
    assert!(journal.checkpoints("good").unwrap().is_empty());
    handle.stop();
    handle.join().await.unwrap();
}

/// Keeps the log lines of this process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A row under the pipeline's name alone, as stores had them before groups and clusters were told apart.
fn put_old_row(store: &dyn Store, table: Table, pipeline: &str) {
    let mut key = u16::try_from(pipeline.len()).unwrap().to_be_bytes().to_vec();
    key.extend_from_slice(pipeline.as_bytes());
    key.extend_from_slice(b"\0\x06orders\x80\0\0\0");
    let mut batch = WriteBatch::new();
    batch.put(table, key, b"a row of an earlier version".to_vec());
    store.write(batch).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_an_earlier_version_is_told_once_and_begun_anew() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let told = || {
        let lines = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&lines).into_owned();
        text.lines()
            .filter(|line| line.contains("rows of an earlier version"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (kafka, store) = (cluster(), Arc::new(MemoryStore::new()));
    put_old_row(&*store, Table::Ledger, "billing");
    put_old_row(&*store, Table::Checkpoint, "billing");
    put_old_row(&*store, Table::Ledger, "another");
    let world = Arc::<World>::default();
    for run in 0..2 {
        let app = mended(&world).store(Arc::clone(&store) as Arc<dyn Store>);
        app.run_until_end(config(&kafka, "group").build().unwrap()).await.unwrap();
        let told = told();
        assert_eq!(told.len(), 1, "run {run}: {told:?}");
        assert!(told[0].contains("WARN") && told[0].contains("rows=2"), "{}", told[0]);
        assert!(told[0].contains("may run again"), "{}", told[0]);
    }
    assert_eq!(world.took(), (0..LINES).collect());
    let scopes = Journal::scopes(&*store).unwrap();
    assert_eq!(scopes, [Scope::new(scopes[0].cluster.clone(), "group", "billing")]);
    let others = KeyRange::prefix(b"\0\x07another");
    let left = store.scan(Table::Ledger, &others, PageLimit::default()).unwrap().rows;
    assert_eq!(left.len(), 1, "it is not this pipeline's");
}
