//! Pipelines of every shape under storms.
//!
//! `HEALER_SIMULATION_SEEDS` says how many seeds each of them runs; `HEALER_SIMULATION_SEED` replays one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    Simulation,
    cluster::Rng,
    hold, is_calm,
    sum::{Sum, Sums},
};
use crate::{prelude::*, testing::TestRecord};

/// The values that were saved, which survive processes, and the chance that makes stages go wrong until it is calm.
struct Outside {
    saved: Mutex<BTreeSet<String>>,
    /// A stage was called as it never may be. No record counts as done from then on, since a panic of a stage is weather here.
    abused: AtomicBool,
    chance: Mutex<Rng>,
    sums: Arc<Sums>,
}

/// How a stage treats a value.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Slow(Duration),
    Fails,
    Panics,
}

impl Outside {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            saved: Mutex::default(),
            abused: AtomicBool::new(false),
            chance: Mutex::new(Rng::new(7)),
            sums: Arc::default(),
        })
    }

    fn save(&self, value: &str) {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).insert(value.to_owned());
    }

    fn has(&self, value: &[u8]) -> bool {
        let value = String::from_utf8_lossy(value);
        !self.abused.load(Ordering::Relaxed)
            && self.sums.faults().is_empty()
            && self.saved.lock().unwrap_or_else(PoisonError::into_inner).contains(&*value)
    }

    fn mood(&self) -> Mood {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        if is_calm() {
            return Mood::Well;
        }
        match chance.below(1_000) {
            0..3 => Mood::Fails,
            3..5 => Mood::Panics,
            5..45 => Mood::Slow(Duration::from_millis(chance.below(300) as u64)),
            45..50 => Mood::Slow(Duration::from_millis(chance.below(30_000) as u64)),
            _ => Mood::Well,
        }
    }

    /// A synchronous stage at work: a slow one holds its thread.
    fn work(&self, value: &str) -> Result<(), String> {
        match self.mood() {
            Mood::Fails => return Err(format!("{value} is not wanted now")),
            Mood::Panics => panic!("{value} is too much"),
            Mood::Slow(time) => hold(time),
            Mood::Well => {}
        }
        self.save(value);
        Ok(())
    }

    async fn work_later(&self, value: &str) -> Result<(), String> {
        match self.mood() {
            Mood::Fails => return Err(format!("{value} is not wanted now")),
            Mood::Panics => panic!("{value} is too much"),
            Mood::Slow(time) => tokio::time::sleep(time).await,
            Mood::Well => tokio::task::yield_now().await,
        }
        self.save(value);
        Ok(())
    }
}

#[stage(crate = crate)]
fn save(value: String, #[state] outside: &Outside) -> Result<String, String> {
    outside.work(&value)?;
    Ok(value)
}

#[stage(crate = crate)]
async fn save_later(value: String, #[state] outside: &Outside) -> Result<String, String> {
    outside.work_later(&value).await?;
    Ok(value)
}

/// Which call was the last to begin for each key in one process, and at which record. No other begins before it has ended. A
/// call that was cancelled does not go on, so it has nothing to say.
#[derive(Default)]
struct Begun(Mutex<BTreeMap<PartitionKey, (u64, i64)>>);

type PartitionKey = (i32, Vec<u8>);

impl Begun {
    fn begin(&self, context: &Context, key: &[u8], outside: &Outside) -> u64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.entry((context.partition(), key.to_vec())).or_default();
        if context.attempt() > 1 && last.1 != context.offset() {
            println!("{} began while {} paused", last.1, context.offset());
            outside.abused.store(true, Ordering::Relaxed);
        }
        *last = (last.0 + 1, context.offset());
        last.0
    }

    fn end(&self, context: &Context, key: &[u8], call: u64, outside: &Outside) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.get(&(context.partition(), key.to_vec())).copied().unwrap_or_default();
        if last.0 != call {
            println!("{} began while {} was at work", last.1, context.offset());
            outside.abused.store(true, Ordering::Relaxed);
        }
    }

    /// Works on a record, and looks whether another one of its key does meanwhile.
    async fn work(
        &self,
        value: String,
        context: &Context,
        key: &[u8],
        outside: &Outside,
    ) -> Result<String, String> {
        let call = self.begin(context, key, outside);
        let done = outside.work_later(&value).await;
        self.end(context, key, call, outside);
        done?;
        Ok(value)
    }
}

#[stage(parallel = 5, retry(2, backoff = "50ms..1s"), timeout = "20s", crate = crate)]
async fn save_by_key(
    value: String,
    context: &Context,
    #[state] outside: &Outside,
    #[state] begun: &Begun,
) -> Result<String, String> {
    begun.work(value, context, context.key().unwrap_or_default(), outside).await
}

/// A value, and which life of its partition in its process it is of: a life ends where records come again.
#[derive(Clone)]
struct OfLife {
    life: u64,
    value: String,
}

/// The order in which records of a key come to places of the pipeline in one process.
#[derive(Default)]
struct InOrder {
    /// The life and the last offset of each partition.
    lives: Mutex<BTreeMap<i32, (u64, i64)>>,
    /// The last offset of each key by place and life.
    last: Mutex<BTreeMap<(&'static str, u64, PartitionKey), i64>>,
}

impl InOrder {
    /// The life that a record begins in. The poll thread lends records in order within a life.
    fn begin(&self, context: &Context) -> u64 {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let (life, last) = lives.entry(context.partition()).or_insert((0, -1));
        if context.offset() <= *last {
            *life += 1;
        }
        *last = context.offset();
        *life
    }

    fn comes(&self, place: &'static str, life: u64, context: &Context, outside: &Outside) {
        let key = (context.partition(), context.key().unwrap_or_default().to_vec());
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.entry((place, life, key)).or_insert(-1);
        let is_next = context.offset() > *last || context.offset() == *last && context.attempt() > 1;
        if !is_next {
            println!("{} came to {place} after {last}", context.offset());
            outside.abused.store(true, Ordering::Relaxed);
        }
        *last = context.offset();
    }
}

#[stage(crate = crate)]
fn numbered(value: String, context: &Context, #[state] order: &InOrder) -> OfLife {
    OfLife { life: order.begin(context), value }
}

#[stage(batch, split, retry(2, backoff = "50ms..1s"), on_error = dead_letter("dead"), crate = crate)]
async fn check_rows_or_bury<'b>(
    rows: BatchMut<'b, OfLife>,
    #[state] outside: &Outside,
) -> Result<BatchMut<'b, OfLife>, String> {
    for (_, row) in rows.iter() {
        outside.work_later(&row.value).await?;
    }
    Ok(rows.map(|row| row))
}

#[stage(parallel = 5, retry(2, backoff = "50ms..1s"), on_error = dead_letter("dead"), crate = crate)]
async fn save_row_by_key(
    row: OfLife,
    context: &Context,
    #[state] outside: &Outside,
    #[state] order: &InOrder,
) -> Result<OfLife, String> {
    order.comes("calls by key", row.life, context, outside);
    outside.work_later(&row.value).await?;
    Ok(row)
}

#[stage(crate = crate)]
fn ends_in_order(row: &OfLife, context: &Context, #[state] outside: &Outside, #[state] order: &InOrder) {
    order.comes("results by key", row.life, context, outside);
}

#[stage(parallel = auto(2..6), order = partition, crate = crate)]
async fn save_in_order(value: String, #[state] outside: &Outside) -> Result<String, String> {
    outside.work_later(&value).await?;
    Ok(value)
}

#[stage(parallel = 2, order = none, retry(3, backoff = "10ms"), crate = crate)]
fn save_with_threads(value: &str, #[state] outside: &Outside) -> Result<String, String> {
    outside.work(value)?;
    Ok(value.to_owned())
}

#[stage(retry(3, backoff = "20ms..2s"), crate = crate)]
fn save_fused(value: &str, #[state] outside: &Outside) -> Result<String, String> {
    outside.work(value).map(|()| value.to_owned())
}

#[stage(retry(2, backoff = "1s"), crate = crate)]
fn save_fused_again(value: &str, #[state] outside: &Outside) -> Result<String, String> {
    outside.work(value).map(|()| value.to_owned())
}

#[stage(batch, crate = crate)]
fn save_rows(rows: &Batch<String>, #[state] outside: &Outside) -> Result<(), String> {
    rows.iter().try_for_each(|(_, value)| outside.work(value))
}

#[stage(batch, split, retry(2, backoff = "50ms..1s"), on_error = dead_letter("dead"), crate = crate)]
fn save_rows_or_bury(rows: &Batch<String>, #[state] outside: &Outside) -> Result<(), String> {
    rows.iter().try_for_each(|(_, value)| outside.work(value))
}

#[stage(batch, split, rate = "200/s", circuit_breaker(2, pause = "1s"), on_error = dead_letter("dead"), crate = crate)]
async fn save_batch_or_bury<'b>(
    rows: BatchMut<'b, String>,
    #[state] outside: &Outside,
) -> Result<BatchMut<'b, String>, String> {
    for (_, value) in rows.iter() {
        outside.work_later(value).await?;
    }
    Ok(rows.map(|value| value))
}

#[stage(flat, crate = crate)]
fn twice(value: String) -> [String; 2] {
    [value.clone(), value]
}

#[stage(on_error = dead_letter("dead"), crate = crate)]
fn save_or_bury(value: String, #[state] outside: &Outside) -> Result<String, String> {
    outside.work(&value)?;
    Ok(value)
}

#[stage(parallel = 5, retry(2, backoff = "50ms..1s"), on_error = dead_letter("dead"), crate = crate)]
async fn save_by_key_or_bury(
    value: String,
    context: &Context,
    #[state] outside: &Outside,
    #[state] begun: &Begun,
) -> Result<String, String> {
    begun.work(value, context, context.key().unwrap_or_default(), outside).await
}

/// A key of the stage's own, which some values have none of.
fn last_digit(value: &str) -> Option<u8> {
    assert!(!value.ends_with("17"), "{value} has no key");
    value.bytes().last()
}

#[stage(parallel = 5, order = key(last_digit), retry(2, backoff = "50ms..1s"), on_error = dead_letter("dead"), crate = crate)]
async fn save_by_last_digit_or_bury(
    value: String,
    context: &Context,
    #[state] outside: &Outside,
    #[state] begun: &Begun,
) -> Result<String, String> {
    let key: Vec<u8> = last_digit(&value).into_iter().collect();
    begun.work(value, context, &key, outside).await
}

/// All but every fifth.
fn is_wanted(value: &str) -> bool {
    !value.ends_with('3') && !value.ends_with('8')
}

/// Records of a topic with so many partitions.
fn records(topic: &str, partitions: usize, count: usize) -> Vec<TestRecord> {
    (0..count)
        .map(|n| {
            TestRecord::new()
                .key(format!("k{}", n % 7))
                .value(format!("{topic}{n}"))
                .partition(i32::try_from(n % partitions).unwrap_or(0))
        })
        .collect()
}

fn seeds() -> u64 {
    std::env::var("HEALER_SIMULATION_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40)
}

/// Runs a pipeline whose every wanted value is to be saved.
fn run(
    build: impl Fn(App) -> App + Send + Sync + 'static,
    change: impl Fn(Simulation<Arc<Outside>>) -> Simulation<Arc<Outside>>,
) {
    let build = move |outside: &Arc<Outside>| build(App::new("simulated").with_arc(Arc::clone(outside)));
    let simulation = Simulation::new(Outside::new, build)
        .topic("t", 4, records("t", 4, 150))
        .done_when(|outside, record| {
            let value = record.value().unwrap_or_default();
            outside.has(value) || !is_wanted(&String::from_utf8_lossy(value))
        })
        .seeds(0..seeds());
    match change(simulation).run() {
        Ok(report) => println!("{report}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn fused_stages() {
    let build = |app: App| {
        let wanted =
            kafka::text("t").stream("t").filter(|value: &String| is_wanted(value)).reason("unwanted");
        app.chain(wanted.then(save::stage()).heal())
    };
    run(build, |simulation| simulation);
}

#[test]
fn asynchronous_stages() {
    let build = |app: App| app.chain(kafka::text("t").stream("t").then(save_later::stage()).heal());
    run(build, |simulation| simulation);
}

/// So many that the core does not look at all of them each time.
#[test]
fn fused_stages_of_many_partitions() {
    let build = |app: App| {
        let all = kafka::text("many").stream("many").then(save::stage()).heal();
        app.chain(all).chain(kafka::text("t").stream("t").then(save_later::stage()).heal())
    };
    run(build, |simulation| simulation.topic("many", 40, records("many", 40, 200)));
}

/// Each partition has its thread, and the poll thread goes on meanwhile.
#[test]
fn fused_stages_on_threads_of_their_own() {
    let build = |app: App| {
        let wanted =
            kafka::text("t").stream("t").filter(|value: &String| is_wanted(value)).reason("unwanted");
        app.chain(wanted.then(save::stage()).heal())
    };
    run(build, |simulation| simulation.config(|config| config.threads(2)));
}

#[test]
fn asynchronous_stages_behind_threads() {
    let build = |app: App| {
        app.chain(kafka::text("t").stream("t").then(save::stage()).then(save_later::stage()).heal())
    };
    run(build, |simulation| simulation.config(|config| config.threads(3)));
}

/// A task may end its record while the poll thread is held up by the next one of the same chunk.
#[test]
fn asynchronous_stages_behind_fused_ones() {
    let build = |app: App| {
        app.chain(kafka::text("t").stream("t").then(save::stage()).then(save_later::stage()).heal())
    };
    run(build, |simulation| simulation);
}

#[test]
fn batches() {
    let build = |app: App| {
        app.chain(kafka::text("t").stream("t").batch(4).within("200ms").then(save_rows::stage()).heal())
    };
    run(build, |simulation| simulation);
}

#[test]
fn batches_behind_asynchronous_stages() {
    let build = |app: App| {
        let saved = kafka::text("t").stream("t").then(save_later::stage());
        app.chain(saved.batch(3).within("1s").then(save_rows::stage()).heal())
    };
    run(build, |simulation| simulation);
}

#[test]
fn two_ways_one_of_them_to_a_sink() {
    let build = |app: App| {
        let both = kafka::text("t").stream("t").fan_out(|all| all.then(save::stage()).heal());
        app.chain(both.and(|all| {
            let wanted = all.filter(|value: &String| is_wanted(value)).reason("unwanted");
            wanted.then(kafka::to_text("out")).heal()
        }))
    };
    run(build, |simulation| {
        simulation.sink("out").done_when(|outside, record| {
            let value = record.value().unwrap_or_default();
            let sent = record.was_sent("out", value) || !is_wanted(&String::from_utf8_lossy(value));
            sent && outside.has(value)
        })
    });
}

#[test]
fn two_topics_that_become_one_stream_of_many_children() {
    let build = |app: App| {
        let (into, both) = union("both");
        let some = kafka::text("t").stream("t").then(twice::stage()).to(&into);
        let others = kafka::text("u").stream("u").to(&into);
        app.chain(some).chain(others).chain(both.then(save_later::stage()).heal())
    };
    run(build, |simulation| simulation.topic("u", 2, records("u", 2, 60)));
}

/// Only groups, processes and disks have faults: then also the order and the repeats are as promised.
#[test]
fn topics_that_are_only_written_to() {
    let build = |app: App| app.chain(kafka::text("t").stream("t").then(save_later::stage()).heal());
    run(build, |simulation| simulation.append_only().config(|config| config.in_flight(100)));
}

#[test]
fn parallel_stages_by_key_behind_those_that_give_many() {
    let build = |app: App| {
        let all = kafka::text("t").stream("t").then(twice::stage()).then(save_by_key::stage());
        app.with(Begun::default()).chain(all.then(save_later::stage()).heal())
    };
    run(build, |simulation| simulation);
}

#[test]
fn fused_stages_with_attempts() {
    let build = |app: App| {
        let all = kafka::text("t").stream("t").then(save_fused::stage()).then(save_fused_again::stage());
        app.chain(all.then(save_later::stage()).heal())
    };
    run(build, |simulation| simulation);
}

#[test]
fn fused_stages_with_attempts_behind_tasks() {
    let build = |app: App| {
        let all = kafka::text("t").stream("t").then(save_later::stage()).then(save_fused::stage());
        let all = all.then(twice::stage()).then(save_fused_again::stage());
        app.chain(all.heal())
    };
    run(build, |simulation| simulation);
}

/// A record that fails is buried: the broker has its dead letter before the group commits past it.
fn run_with_graves(build: impl Fn(App) -> App + Send + Sync + 'static) {
    run(build, |simulation| {
        simulation.sink("dead").done_when(|outside, record| {
            let value = record.value().unwrap_or_default();
            outside.has(value) || record.was_sent("dead", value)
        })
    });
}

#[test]
fn dead_letters_of_fused_stages() {
    run_with_graves(|app| {
        let all = kafka::text("t").stream("t").then(save_or_bury::stage());
        let both = all.fan_out(|all| all.then(save::stage()).heal());
        let app = app.on_error(OnError::dead_letter("dead"));
        app.chain(both.and(|all| all.then(twice::stage()).then(save_later::stage()).heal()))
    });
}

#[test]
fn dead_letters_of_parallel_stages() {
    run_with_graves(|app| {
        let all = kafka::text("t").stream("t").then(save_by_key_or_bury::stage());
        app.with(Begun::default()).chain(all.then(save_or_bury::stage()).heal())
    });
}

#[test]
fn dead_letters_of_parallel_stages_by_a_key_of_their_own() {
    run_with_graves(|app| {
        let all = kafka::text("t").stream("t").then(save_by_last_digit_or_bury::stage());
        app.with(Begun::default()).chain(all.then(save_or_bury::stage()).heal())
    });
}

#[test]
fn dead_letters_of_single_rows_of_batches() {
    run_with_graves(|app| {
        let all = kafka::text("t").stream("t").then(save_or_bury::stage()).batch(4).within("200ms");
        app.chain(all.then(save_rows_or_bury::stage()).then(save_batch_or_bury::stage()).heal())
    });
}

#[test]
fn parallel_stages_of_any_order_one_behind_the_other() {
    let build = |app: App| {
        let all = kafka::text("t").stream("t").then(save_in_order::stage()).then(save_with_threads::stage());
        app.chain(all.heal())
    };
    run(build, |simulation| simulation);
}

/// Rows go on one by one, in lanes of their partitions again.
fn rows_one_by_one(app: App) -> App {
    let rows = kafka::text("t").stream("t").then(numbered::stage()).batch(4).within("200ms");
    let rows = rows.then(check_rows_or_bury::stage()).unbatch();
    app.with(InOrder::default())
        .chain(rows.then(save_row_by_key::stage()).then(ends_in_order::stage()).heal())
}

#[test]
fn rows_that_go_on_one_by_one_keep_the_order_of_their_key() {
    run_with_graves(rows_one_by_one);
}

#[test]
fn rows_that_go_on_one_by_one_keep_the_order_of_their_key_where_topics_are_only_written_to() {
    run(rows_one_by_one, |simulation| {
        simulation.append_only().sink("dead").done_when(|outside, record| {
            let value = record.value().unwrap_or_default();
            outside.has(value) || record.was_sent("dead", value)
        })
    });
}

#[test]
fn rows_that_go_on_one_by_one_after_their_batch_went_two_ways() {
    let build = |app: App| {
        let rows = kafka::text("t").stream("t").then(twice::stage()).batch(5).within("200ms");
        let both = rows.fan_out(|all| all.unbatch().then(save_later::stage()).heal());
        app.chain(both.and(|all| all.unbatch().batch(3).within("100ms").then(save_rows::stage()).heal()))
    };
    run(build, |simulation| simulation);
}

/// A pipeline over a node that keeps the sum of each partition's numbers, four of which are in one topic.
fn run_sums(
    build: impl Fn(App, Sum) -> App + Send + Sync + 'static,
    sum: impl Fn(Sum) -> Sum + Send + Sync + 'static,
    change: impl Fn(Simulation<Arc<Outside>>) -> Simulation<Arc<Outside>>,
) {
    let build = move |outside: &Arc<Outside>| {
        build(App::new("simulated").with_arc(Arc::clone(outside)), sum(Sum::new(&outside.sums, 4)))
    };
    let simulation = Simulation::new(Outside::new, build)
        .topic("t", 4, records("t", 4, 150))
        .append_only()
        .done_when(|outside, record| outside.has(record.value().unwrap_or_default()))
        .seeds(0..seeds());
    match change(simulation).run() {
        Ok(report) => println!("{report}"),
        Err(failure) => panic!("{failure}"),
    }
}

/// The sum has each record once, after all kills, rebalances and full disks.
#[test]
fn a_sum_that_is_kept() {
    let build = |app: App, sum| app.chain(kafka::text("t").stream("t").then(save::stage()).then(sum).heal());
    run_sums(build, |sum| sum, |simulation| simulation.processes(1).disks_last());
}

/// Records that the sum has absorbed are still at work elsewhere.
#[test]
fn a_sum_that_is_kept_beside_an_asynchronous_stage() {
    let build = |app: App, sum| {
        let both = kafka::text("t").stream("t").fan_out(|all| all.then(sum).heal());
        app.chain(both.and(|all| all.then(save_later::stage()).heal()))
    };
    run_sums(build, |sum| sum, |simulation| simulation.processes(1).disks_last());
}

/// Disks are lost, and partitions move to processes that have never seen them, or not for long.
#[test]
fn a_sum_behind_tasks_on_threads_that_begins_anew_where_its_rows_are_not_the_commits() {
    let build = |app: App, sum| {
        let all = kafka::text("t").stream("t").then(save::stage()).then(save_later::stage());
        app.chain(all.then(sum).heal())
    };
    run_sums(build, Sum::may_begin_anew, |simulation| simulation.config(|config| config.threads(2)));
}
