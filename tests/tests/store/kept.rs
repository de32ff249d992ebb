//! The local store: it saves work after a restart, and never at the price of a record.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Door, Seen, settings, status, until};
use healer::testing::EmbeddedKafka;
use healer::{Handle, SeekTo, prelude::*};
use healer_tests::kafka::{RealKafka, Record};

/// How many lines there are, and which of them hangs.
const LINES: i64 = 200;
const STUCK: i64 = 40;

/// The offsets that the stages see; one line hangs until the door is open.
#[derive(Default)]
struct World {
    seen: Seen<i64>,
    sent: Seen<i64>,
    door: Door,
    door_used: AtomicBool,
}

#[stage]
fn note(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    world.seen.add(ctx.offset());
    line
}

#[stage]
async fn ask(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    world.door_used.store(true, Ordering::Relaxed);
    world.door.pass().await;
    world.sent.add(ctx.offset());
    line
}

/// All lines are noted; line 40 alone goes to a stage that hangs as well, so that all above it are done before it.
fn app(topic: &str, world: &Arc<World>) -> App {
    let app = pipeline! {
        name "noted";
        lines = kafka::text(topic) => note checkpoint;
        lines => heal;
        lines => filter(|line: &String| line.starts_with("ask"), reason = "plain") => ask => heal;
    };
    app.with(Arc::clone(world))
}

fn values(tag: &str) -> Vec<String> {
    let word = |n| if n == STUCK { "ask" } else { "line" };
    (0..LINES).map(|n| format!("{} {tag} {n}", word(n))).collect()
}

/// Commits have room for their lineage and nothing more, so that the store alone knows which records above are done.
fn config(brokers: impl Into<String>, group: &str, store: &Path) -> Config {
    let settings = settings(brokers, group).store_path(store).drain_budget("100ms");
    settings.metadata_max_bytes(40).build().unwrap()
}

async fn until_stuck(handle: &Handle, world: &World) {
    until("all lines are noted", || world.seen.len() == usize::try_from(LINES).unwrap()).await;
    until("one is left", || {
        status(handle, 0)
            .is_some_and(|status| (status.frontier, status.position, status.pending) == (STUCK, LINES, 1))
    })
    .await;
}

/// Runs until line 40 alone is left, and stops.
async fn leave_one_behind(topic: &str, config: Config) {
    let world = Arc::<World>::default();
    let handle = app(topic, &world).start(config).await.unwrap();
    until_stuck(&handle, &world).await;
    let blocked = status(&handle, 0).unwrap().blocked.unwrap();
    assert_eq!((blocked.offset, &*blocked.stage), (STUCK, "lines.note.filter.ask"));
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!(report.records.cast_signed(), LINES - 1);
    assert_eq!(report.lag.map(u64::cast_signed), Some(LINES - STUCK));
}

/// Runs to the end; says which offsets were worked on.
async fn finish(topic: &str, config: Config) -> BTreeSet<i64> {
    let world = Arc::<World>::default();
    world.door.open();
    let report = app(topic, &world).run_until_end(config).await.unwrap();
    assert_eq!(report.lag, Some(0));
    world.seen.take().into_iter().collect()
}

fn embedded() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    let lines = values("first").into_iter().map(|line| (None::<String>, Some(line)));
    kafka.produce("in", lines).unwrap();
    kafka
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_skips_what_was_done_above_the_record_that_hung() {
    let (kafka, folder) = (embedded(), tempfile::tempdir().unwrap());
    let config = || config(kafka.brokers(), "group", folder.path());
    leave_one_behind("in", config()).await;
    assert_eq!(kafka.committed("group", "in").unwrap()[&0], STUCK);
    assert_eq!(finish("in", config()).await, BTreeSet::from([STUCK]));
    assert_eq!(kafka.committed("group", "in").unwrap()[&0], LINES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_without_the_store_does_all_above_the_commit_again() {
    let (kafka, folder, other) = (embedded(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    leave_one_behind("in", config(kafka.brokers(), "group", folder.path())).await;
    let seen = finish("in", config(kafka.brokers(), "group", other.path())).await;
    assert_eq!(seen, (STUCK..LINES).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_over_without_the_store_skips_what_the_commit_says_was_done() {
    let (kafka, folder, other) = (embedded(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = |folder: &Path| {
        settings(kafka.brokers(), "group").store_path(folder).drain_budget("100ms").build().unwrap()
    };
    leave_one_behind("in", config(folder.path())).await;
    assert_eq!(finish("in", config(other.path())).await, BTreeSet::from([STUCK]));
    assert_eq!(kafka.committed("group", "in").unwrap()[&0], LINES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_is_stopped_again_at_once_still_skips_nothing_wrongly() {
    let (kafka, folder) = (embedded(), tempfile::tempdir().unwrap());
    let config = || config(kafka.brokers(), "group", folder.path());
    leave_one_behind("in", config()).await;
    // The second owner takes over the knowledge of the first one, and leaves it to the third.
    let world = Arc::<World>::default();
    let handle = app("in", &world).start(config()).await.unwrap();
    until("the one line hangs again", || world.door_used.load(Ordering::Relaxed)).await;
    handle.stop();
    handle.join().await.unwrap();
    // It holds the store open, so that checkpoints can be read.
    drop(handle);
    assert_eq!(world.seen.take(), [STUCK]);
    assert_eq!(finish("in", config()).await, BTreeSet::from([STUCK]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_seek_back_a_restart_skips_nothing_that_was_done_before_it() {
    for back_to in [STUCK, STUCK - 5] {
        let (kafka, folder) = (embedded(), tempfile::tempdir().unwrap());
        let config = || config(kafka.brokers(), "group", folder.path());
        let world = Arc::<World>::default();
        let handle = app("in", &world).start(config()).await.unwrap();
        until_stuck(&handle, &world).await;
        // Nothing is done between the seek and the end.
        handle.pause();
        assert_eq!(handle.seek("in", 0, SeekTo::Offset(back_to)).await.unwrap(), back_to);
        handle.stop();
        handle.join().await.unwrap();
        drop(handle);
        assert_eq!(
            finish("in", config()).await,
            (back_to..LINES).collect(),
            "whoever seeks back wants the records again, so the store must not say that they are done"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_records_at_the_same_offsets_are_never_skipped() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, group, folder) = (kafka.unique("in"), kafka.unique("group"), tempfile::tempdir().unwrap());
    let config = || config(kafka.brokers(), &group, folder.path());
    let fill = |tag| {
        kafka.create_topic(&topic, 1, &[]).unwrap();
        kafka.produce(&topic, values(tag).into_iter().map(Record::value)).unwrap();
    };
    fill("first");
    leave_one_behind(&topic, config()).await;
    kafka.delete_topic(&topic).unwrap();
    fill("second");
    // The broker forgets a group's offsets with the topic. With this commit the group looks like a restored or mirrored one.
    kafka.set_committed(&group, &topic, &[(0, STUCK)].into()).unwrap();
    assert_eq!(finish(&topic, config()).await, (STUCK..LINES).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_refused_or_replayed_and_never_skips_a_record() {
    let whole = tempfile::tempdir().unwrap();
    let kafka = embedded();
    leave_one_behind("in", config(kafka.brokers(), "group", whole.path())).await;
    for (what, damage) in DAMAGES {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        damage(folder.path());
        // A group of its own, which stands where the other one stood.
        let kafka = embedded();
        let stood = settings(kafka.brokers(), "group").build().unwrap();
        until_offset(&kafka, stood).await;
        let world = Arc::<World>::default();
        world.door.open();
        let config = config(kafka.brokers(), "group", folder.path());
        match app("in", &world).run_until_end(config).await {
            Ok(report) => {
                assert_eq!(report.lag, Some(0), "{what}");
                let seen: BTreeSet<_> = world.seen.take().into_iter().collect();
                assert_eq!(seen, (STUCK..LINES).collect(), "{what}: replayed from the committed offset");
            }
            Err(error) => {
                let text = error.to_string();
                assert!(matches!(error, healer::Error::Store(_)), "{what}: {text}");
                assert!(text.contains("move the folder away"), "{what}: {text}");
                let committed = kafka.committed("group", "in").unwrap()[&0];
                assert_eq!(committed, STUCK, "{what}: nothing was skipped");
            }
        }
    }
}

/// Commits up to line 40 and no further.
async fn until_offset(kafka: &EmbeddedKafka, config: Config) {
    let app = pipeline! {
        name "before";
        lines = kafka::text("in") => try_map(|line: String| if line.starts_with("ask") { Err("enough") } else { Ok(line) });
        lines => heal;
    };
    crate::common::failed_record(app.run_until_end(config).await);
    assert_eq!(kafka.committed("group", "in").unwrap()[&0], STUCK);
}

type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 5] = [
    ("the rows of the topic flipped", |folder| flip(&folder.join("sled/db"), b"noted")),
    ("the side file flipped", |folder| flip(&folder.join("witness"), b"row ")),
    ("the side file gone", |folder| std::fs::remove_file(folder.join("witness")).unwrap()),
    ("the database gone", |folder| std::fs::remove_dir_all(folder.join("sled")).unwrap()),
    ("the database emptied", |folder| std::fs::write(folder.join("sled/db"), []).unwrap()),
];

/// Inverts 64 bytes from each occurrence of `after` on.
fn flip(file: &Path, after: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap();
    let found: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(after)).collect();
    assert!(!found.is_empty(), "{} does not hold it", file.display());
    for at in found {
        let end = (at + 64).min(bytes.len());
        bytes[at..end].iter_mut().for_each(|byte| *byte = !*byte);
    }
    std::fs::write(file, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
