//! Stages that work on several records of a partition at once.

/// A pipeline of these stages.
macro_rules! app {
    ($($stage:ident)=>+) => { pipeline! { name "parallel"; lines = kafka::text("t") => $($stage)=>+; lines => heal; } };
}

#[path = "../common/mod.rs"]
mod common;
mod fairness;
mod order;
mod own_key;
mod sharing;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Door, Gate, Seen, settings, status, until};
use healer::ConfigBuilder;
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

    /// Records that wait at one door.
    fn hold_all(&self, lines: impl IntoIterator<Item = String>) -> Arc<Door> {
        let door = Arc::<Door>::default();
        self.doors.lock().unwrap().extend(lines.into_iter().map(|line| (line, Arc::clone(&door))));
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
        self.work_at(line, ctx.key()).await;
    }

    /// Notes it as work on this key.
    async fn work_at(&self, line: &str, key: Option<&[u8]>) {
        let key = self.enter(line, key);
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

#[stage(blocking)]
fn only_some_wait(line: String, #[state] watch: &Watch, #[state] gate: &Gate) -> String {
    if line == "wait" {
        watch.begun.add(line.clone());
        gate.pass();
    }
    line
}

#[stage(parallel = auto(2..32), order = none)]
async fn as_many_as_it_bears(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    let key = watch.enter(&line, ctx.key());
    tokio::time::sleep(Duration::from_millis(2)).await;
    watch.leave(key.as_ref());
    line
}

#[stage(parallel = 1, order = none)]
async fn alone(line: String, #[state] watch: &Watch) -> String {
    watch.begun.add(line.clone());
    tokio::time::sleep(Duration::from_millis(1)).await;
    line
}

/// Holds each record that has a door, until the door is opened.
#[stage]
async fn held(line: String, ctx: &Context, #[state] watch: &Watch) -> String {
    watch.work(&line, ctx).await;
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
        self.start_with(app, |config| config).await
    }

    async fn start_with(&self, app: App, change: impl Fn(ConfigBuilder) -> ConfigBuilder) -> healer::Handle {
        let app = app.with_arc(Arc::clone(&self.watch)).with_arc(Arc::clone(&self.gate));
        let config = change(settings(self.kafka.brokers(), "g").drain_budget("1s"));
        app.start(config.build().unwrap()).await.unwrap()
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

fn keys(of: i32) -> impl Fn(i32) -> Option<String> {
    move |n| Some(format!("k{}", n % of))
}

/// The numbers of a key, in the order in which they were noted.
fn of_key(seen: &Seen<String>, key: i32, keys: i32) -> Vec<i32> {
    let numbers = seen.all().into_iter().filter_map(|line| line.parse::<i32>().ok());
    numbers.filter(|n| n % keys == key).collect()
}
