//! Stages that work on several records of a partition at once.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Door, Gate, Seen, settings, status, until};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

/// How many calls may run at once.
const MOST: usize = 4;

/// Watches calls from within: which are at work, and whether any began out of turn.
#[derive(Default)]
struct Watch {
    now: Mutex<Now>,
    /// Records in the order in which their calls began, and in which they reached the next node.
    begun: Seen<String>,
    passed: Seen<String>,
    doors: Mutex<HashMap<String, Arc<Door>>>,
}

#[derive(Default)]
struct Now {
    keys: Vec<Option<String>>,
    most: usize,
    doubled: Vec<String>,
}

impl Watch {
    /// A record that waits at a door of its own.
    fn hold(&self, line: &str) -> Arc<Door> {
        let door = Arc::<Door>::default();
        self.doors.lock().unwrap().insert(line.to_owned(), Arc::clone(&door));
        door
    }

    fn enter(&self, line: &str, key: Option<&[u8]>) -> Option<String> {
        let key = key.map(|key| String::from_utf8_lossy(key).into_owned());
        self.begun.add(line.to_owned());
        let mut now = self.now.lock().unwrap();
        if now.keys.contains(&key) {
            now.doubled.push(line.to_owned());
        }
        now.keys.push(key.clone());
        now.most = now.most.max(now.keys.len());
        key
    }

    fn leave(&self, key: Option<&String>) {
        let mut now = self.now.lock().unwrap();
        let at = now.keys.iter().position(|known| known.as_ref() == key).unwrap();
        now.keys.swap_remove(at);
    }

    async fn work(&self, line: &str, ctx: &Context) {
        let key = self.enter(line, ctx.key());
        let door = self.doors.lock().unwrap().get(line).cloned();
        match door {
            Some(door) => door.pass().await,
            None => tokio::time::sleep(Duration::from_micros(200)).await,
        }
        self.leave(key.as_ref());
    }

    fn most(&self) -> usize {
        self.now.lock().unwrap().most
    }

    fn doubled(&self) -> Vec<String> {
        self.now.lock().unwrap().doubled.clone()
    }
}

#[stage(parallel = MOST)]
async fn by_key(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&line, ctx).await;
    line
}

#[stage(parallel = 3)]
async fn by_key_again(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&format!("{line} again"), ctx).await;
    line
}

#[stage(parallel = MOST, keyless = none)]
async fn by_key_if_any(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&line, ctx).await;
    line
}

#[stage(parallel = MOST, order = partition)]
async fn by_partition(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&line, ctx).await;
    line
}

#[stage(parallel = MOST, order = none)]
async fn in_any_order(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&line, ctx).await;
    line
}

/// Holds its thread, not the pipeline's.
#[stage(parallel = MOST)]
fn with_threads(line: String, ctx: &Context, #[state] watch: &Watch, #[state] gate: &Gate) -> String {
    let key = watch.enter(&line, ctx.key());
    gate.pass();
    watch.leave(key.as_ref());
    line
}

#[stage(blocking)]
fn with_a_thread(line: String, #[state] watch: &Watch, #[state] gate: &Gate) -> String {
    watch.begun.add(line.clone());
    gate.pass();
    line
}

#[stage(parallel = MOST, order = partition)]
async fn fails(line: String, ctx: &Context, #[state] watch: &Watch) -> Result<String, String> {
    watch.work(&line, ctx).await;
    if line == "0" { Err("it is the first".to_owned()) } else { Ok(line) }
}

#[stage(parallel = MOST)]
async fn fails_by_key(line: String, ctx: &Context, #[state] watch: &Watch) -> Result<String, String> {
    watch.work(&line, ctx).await;
    if line == "0" { Err("it is the first".to_owned()) } else { Ok(line) }
}

#[stage]
fn pass(line: String, #[state] watch: &Watch) -> String {
    watch.passed.add(line.clone());
    line
}

struct Ground {
    kafka: EmbeddedKafka,
    watch: Arc<Watch>,
    gate: Arc<Gate>,
}

impl Ground {
    fn new(partitions: u16) -> Self {
        let kafka = EmbeddedKafka::start().unwrap();
        kafka.create_topic("t", partitions).unwrap();
        Self { kafka, watch: Arc::default(), gate: Arc::default() }
    }

    /// Lines `0`, `1` and so on of a partition; which key has each?
    fn put(&self, partition: i32, count: i32, key: impl Fn(i32) -> Option<String>) {
        let record = |n: i32| {
            let record = TestRecord::new().value(n.to_string()).partition(partition);
            if let Some(key) = key(n) { record.key(key) } else { record }
        };
        self.kafka.produce("t", (0..count).map(record)).unwrap();
    }

    async fn start(&self, app: App) -> healer::Handle {
        let app = app.with_arc(Arc::clone(&self.watch)).with_arc(Arc::clone(&self.gate));
        app.start(settings(self.kafka.brokers(), "g").drain_budget("1s").build().unwrap()).await.unwrap()
    }

    fn committed(&self) -> BTreeMap<i32, i64> {
        self.kafka.committed("g", "t").unwrap()
    }

    async fn until_committed(&self, partition: i32, offset: i64) {
        until("all is committed", || self.committed().get(&partition) == Some(&offset)).await;
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // A test that fails is not to wait for the threads that it holds.
        self.gate.open();
    }
}

/// A pipeline of these stages.
macro_rules! app {
    ($($stage:ident)=>+) => { pipeline! { name "parallel"; lines = kafka::string("t") => $($stage)=>+; lines => heal; } };
}

fn keys(of: i32) -> impl Fn(i32) -> Option<String> {
    move |n| Some(format!("k{}", n % of))
}

/// The numbers of a key, in the order in which they were noted.
fn of_key(seen: &Seen<String>, key: i32, keys: i32) -> Vec<i32> {
    let numbers = seen.all().into_iter().filter_map(|line| line.parse::<i32>().ok());
    numbers.filter(|n| n % keys == key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_key_go_one_after_the_other_and_others_beside_them() {
    let ground = Ground::new(2);
    ground.put(0, 300, keys(7));
    let handle = ground.start(app!(by_key => pass)).await;
    ground.until_committed(0, 300).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().healed, 300);
    assert_eq!(ground.watch.doubled(), Vec::<String>::new());
    assert_eq!(ground.watch.most(), MOST, "as many as may, and no more");
    for key in 0..7 {
        let wanted: Vec<_> = (0..300).filter(|n| n % 7 == key).collect();
        assert_eq!(of_key(&ground.watch.begun, key, 7), wanted);
        assert_eq!(of_key(&ground.watch.passed, key, 7), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_parallel_stage_keeps_the_order_of_a_key_too() {
    let ground = Ground::new(1);
    ground.put(0, 200, keys(5));
    let handle = ground.start(app!(by_key => by_key_again => pass)).await;
    ground.until_committed(0, 200).await;
    handle.stop();
    handle.join().await.unwrap();
    for key in 0..5 {
        let wanted: Vec<_> = (0..200).filter(|n| n % 5 == key).collect();
        assert_eq!(of_key(&ground.watch.passed, key, 5), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_stuck_holds_its_key_and_no_other() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 100, keys(10));
    let handle = ground.start(app!(by_key => pass)).await;
    until("the other keys are done", || ground.watch.passed.len() == 90).await;
    let blocked = status(&handle, 0).unwrap().blocked.unwrap();
    assert_eq!((blocked.offset, &*blocked.stage), (0, "lines.by_key"));
    assert_eq!(of_key(&ground.watch.begun, 0, 10), [0], "the next of the key waits");
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset == 0));
    door.open();
    ground.until_committed(0, 100).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_key_are_one_row_unless_they_are_to_have_no_order() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 20, |n| (n % 2 == 1).then(|| format!("k{n}")));
    let handle = ground.start(app!(by_key => pass)).await;
    until("those with a key are done", || ground.watch.passed.len() == 10).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(of_key(&ground.watch.begun, 0, 2), [0]);
    door.open();
    ground.until_committed(0, 20).await;
    handle.stop();
    handle.join().await.unwrap();

    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 20, |_| None);
    let handle = ground.start(app!(by_key_if_any => pass)).await;
    until("all but one are done", || ground.watch.passed.len() == 19).await;
    door.open();
    ground.until_committed(0, 20).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn results_leave_in_the_order_of_the_partition_though_calls_overlap() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 50, keys(1));
    let handle = ground.start(app!(by_partition => pass)).await;
    until("the others are begun", || ground.watch.begun.len() == 50).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.passed.len(), 0, "they wait for the first");
    door.open();
    ground.until_committed(0, 50).await;
    handle.stop();
    handle.join().await.unwrap();
    assert_eq!(of_key(&ground.watch.passed, 0, 1), (0..50).collect::<Vec<_>>());
    assert_eq!(ground.watch.most(), MOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_order_nobody_waits_for_a_record_of_his_key() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 50, keys(1));
    let handle = ground.start(app!(in_any_order => pass)).await;
    until("all but one are done", || ground.watch.passed.len() == 49).await;
    door.open();
    ground.until_committed(0, 50).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_block_have_threads_of_their_own_within_the_bound() {
    let ground = Ground::new(2);
    ground.put(0, 20, keys(20));
    ground.put(1, 20, keys(20));
    let handle = ground.start(app!(with_threads => pass)).await;
    until("as many as may are at work", || ground.watch.begun.len() == MOST).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.begun.len(), MOST, "in both partitions together");
    ground.gate.open();
    ground.until_committed(0, 20).await;
    ground.until_committed(1, 20).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_stage_takes_one_record_of_a_partition_at_a_time() {
    let ground = Ground::new(2);
    ground.put(0, 5, keys(5));
    ground.put(1, 5, keys(5));
    let handle = ground.start(app!(with_a_thread => pass)).await;
    until("one of each partition is at work", || ground.watch.begun.len() == 2).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.begun.len(), 2);
    ground.gate.open();
    ground.until_committed(0, 5).await;
    ground.until_committed(1, 5).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[stage(blocking)]
fn only_some_wait(line: String, #[state] watch: &Watch, #[state] gate: &Gate) -> String {
    if line == "wait" {
        watch.begun.add(line.clone());
        gate.pass();
    }
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_blocks_leaves_the_others_alone() {
    let ground = Ground::new(2);
    let handle = ground.start(app!(only_some_wait => pass)).await;
    ground.kafka.produce("t", [TestRecord::new().value("wait").partition(0)]).unwrap();
    until("it blocks", || ground.watch.begun.len() == 1).await;
    ground.put(1, 2_000, |_| None);
    ground.until_committed(1, 2_000).await;
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset == 0));
    ground.gate.open();
    ground.until_committed(0, 1).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_partition_leaves_the_others_their_turn() {
    let ground = Ground::new(2);
    let doors: Vec<_> = (0..MOST).map(|n| ground.watch.hold(&n.to_string())).collect();
    ground.put(0, 1_000, keys(1_000));
    let handle = ground.start(app!(by_key => pass)).await;
    until("one partition has all calls", || ground.watch.begun.len() == MOST).await;
    // Lines of the other partition are told by their keys: they have no number of the first one.
    let record = |n: i32| TestRecord::new().value(format!("other {n}")).key(format!("o{n}")).partition(1);
    ground.kafka.produce("t", (0..10).map(record)).unwrap();
    until("they have arrived", || status(&handle, 1).is_some_and(|status| status.blocked.is_some())).await;
    for door in &doors {
        door.open();
    }
    ground.until_committed(1, 10).await;
    let before = ground.watch.begun.all().iter().position(|line| line == "other 9").unwrap();
    assert!(before < 200, "{before} calls began before: not one in two was its own");
    ground.until_committed(0, 1_000).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_a_record_that_failed_is_not_passed_on_in_another_order() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 20, keys(20));
    let handle = ground.start(app!(fails => pass)).await;
    until("others are done", || ground.watch.begun.len() == 20).await;
    door.open();
    let error = common::failed_record(handle.join().await);
    assert_eq!((error.offset, &*error.stage), (0, "lines.fails"));
    assert_eq!(ground.watch.passed.len(), 0);
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_record_that_failed_nothing_of_its_partition_is_begun() {
    let ground = Ground::new(1);
    let doors: Vec<_> = (0..MOST).map(|n| ground.watch.hold(&n.to_string())).collect();
    ground.put(0, 20, keys(10));
    let handle = ground.start(app!(fails_by_key => pass)).await;
    until("as many as may are at work", || ground.watch.begun.len() == MOST).await;
    doors[0].open();
    until("it drains", || {
        handle.is_finished()
            || status(&handle, 0).is_some_and(|status| status.state != healer::PartitionState::Running)
    })
    .await;
    for door in &doors[1..] {
        door.open();
    }
    let error = common::failed_record(handle.join().await);
    assert_eq!((error.offset, &*error.stage), (0, "lines.fails_by_key"));
    assert_eq!(ground.watch.begun.len(), MOST, "{:?}", ground.watch.begun.all());
    assert_eq!(ground.watch.passed.len(), MOST - 1, "what was at work may end");
}
