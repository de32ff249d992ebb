//! Fused stages on threads of their own.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use common::{Gate, Seen, failed_record, settings, until};
use healer::ConfigBuilder;
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

/// The records that ran: partition, number, and the name of the thread.
type Ran = Seen<(i32, usize, String)>;

fn note(line: &str, ctx: &Context, ran: &Ran) {
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    ran.add((ctx.partition(), line.parse().unwrap_or(usize::MAX), thread));
}

#[stage]
fn works(line: String, ctx: &Context, #[state] ran: &Ran) -> String {
    note(&line, ctx, ran);
    line
}

#[stage]
fn waits_in_partition_0(line: String, ctx: &Context, #[state] ran: &Ran, #[state] gate: &Gate) -> String {
    note(&line, ctx, ran);
    if ctx.partition() == 0 {
        gate.pass();
    }
    line
}

#[stage]
fn refuses_7(line: String, ctx: &Context, #[state] ran: &Ran) -> Result<String, String> {
    note(&line, ctx, ran);
    if line == "7" { Err("seven is not liked".to_owned()) } else { Ok(line) }
}

macro_rules! app {
    ($stage:ident) => {
        pipeline! { name "threads"; lines = kafka::text("t") => $stage; lines => heal; }
    };
}

struct Ground {
    kafka: EmbeddedKafka,
    ran: Arc<Ran>,
}

impl Ground {
    /// A topic with so many partitions of so many numbers each.
    fn new(partitions: u16, records: usize) -> Self {
        let kafka = EmbeddedKafka::start().unwrap();
        kafka.create_topic("t", partitions).unwrap();
        let of = |partition| {
            let number =
                move |number: usize| TestRecord::new().value(number.to_string()).partition(partition);
            (0..records).map(number)
        };
        kafka.produce("t", (0..i32::from(partitions)).flat_map(of)).unwrap();
        Self { kafka, ran: Arc::default() }
    }

    fn config(&self) -> ConfigBuilder {
        settings(self.kafka.brokers(), "threads").threads(2)
    }

    fn numbers(&self) -> BTreeMap<i32, Vec<usize>> {
        let mut numbers = BTreeMap::<i32, Vec<usize>>::new();
        for (partition, number, _) in self.ran.all() {
            numbers.entry(partition).or_default().push(number);
        }
        numbers
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_partition_stays_in_order_on_its_thread() {
    let ground = Ground::new(4, 5_000);
    let app = app!(works).with_arc(Arc::clone(&ground.ran));
    let report = app.run_until_end(ground.config().build().unwrap()).await.unwrap();
    assert_eq!((report.records, report.lag), (20_000, Some(0)));
    let numbers = ground.numbers();
    assert_eq!(numbers.len(), 4);
    assert!(numbers.values().all(|numbers| numbers.iter().copied().eq(0..5_000)));
    let mut threads = HashMap::<i32, Vec<String>>::new();
    for (partition, _, thread) in ground.ran.all() {
        let of = threads.entry(partition).or_default();
        if !of.contains(&thread) {
            of.push(thread);
        }
    }
    assert!(threads.values().all(|names| names.len() == 1), "{threads:?}");
    let mut all: Vec<_> = threads.into_values().flatten().collect();
    all.sort();
    all.dedup();
    assert_eq!(all, ["healer-lanes-1", "healer-lanes-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_blocks_leaves_the_partitions_of_other_threads_alone() {
    let ground = Ground::new(2, 2_000);
    let gate = Arc::<Gate>::default();
    let app = app!(waits_in_partition_0).with_arc(Arc::clone(&ground.ran)).with_arc(Arc::clone(&gate));
    let handle = app.start(ground.config().build().unwrap()).await.unwrap();
    until("the other partition is committed", || {
        ground.kafka.committed("threads", "t").unwrap().get(&1) == Some(&2_000)
    })
    .await;
    assert_eq!(ground.numbers()[&0], [0]);
    gate.open();
    until("this one is committed", || {
        ground.kafka.committed("threads", "t").unwrap().get(&0) == Some(&2_000)
    })
    .await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.records, report.fenced), (4_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_fails_stops_the_pipeline_by_name_and_nothing_behind_it_runs() {
    let ground = Ground::new(1, 100);
    let app = app!(refuses_7).with_arc(Arc::clone(&ground.ran));
    let error = failed_record(app.run_until_end(ground.config().build().unwrap()).await);
    assert_eq!((error.offset, &*error.stage), (7, "lines.refuses_7"));
    assert!(ground.numbers()[&0].iter().copied().eq(0..=7));
    assert_eq!(ground.kafka.committed("threads", "t").unwrap().get(&0), Some(&7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_though_a_thread_is_held() {
    let ground = Ground::new(2, 10);
    let gate = Arc::<Gate>::default();
    let app = app!(waits_in_partition_0).with_arc(Arc::clone(&ground.ran)).with_arc(Arc::clone(&gate));
    let config = ground.config().drain_budget("300ms").build().unwrap();
    let handle = app.start(config).await.unwrap();
    until("it is held", || ground.numbers().contains_key(&0)).await;
    until("the other partition is through", || ground.numbers().get(&1).is_some_and(|n| n.len() == 10)).await;
    handle.stop();
    let ended = tokio::time::timeout(Duration::from_secs(30), handle.join()).await;
    assert!(ended.is_ok(), "it ends");
    let committed = ground.kafka.committed("threads", "t").unwrap();
    assert_eq!((committed.get(&0).copied().unwrap_or(0), committed.get(&1)), (0, Some(&10)));
    gate.open();
}
