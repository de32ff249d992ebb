//! A second member comes while the first one is at slow work: the partitions that stay wait no longer than the drain may
//! take, and lose and repeat nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Write as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use healer::prelude::*;
use healer::{Handle, Protocol};
use healer_tests::kafka::{RealKafka, Record};

use super::assert_all_committed;
use crate::common::{Seen, settings, until};

const PARTITIONS: i32 = 4;
/// How long the slow work takes: well within the drain budget.
const WORK: Duration = Duration::from_secs(3);
const BUDGET: Duration = Duration::from_secs(6);

/// The records that came to one member on the poll thread: partition, offset and time.
type Arrivals = Arc<Seen<(i32, i64, Instant)>>;

#[stage]
fn arrive(line: String, ctx: &Context, #[state] arrivals: &Arrivals) -> String {
    arrivals.add((ctx.partition(), ctx.offset(), Instant::now()));
    line
}

#[stage]
async fn work(line: String) -> String {
    if line == "slow" {
        tokio::time::sleep(WORK).await;
    }
    line
}

struct Member {
    handle: Handle,
    arrivals: Arrivals,
}

impl Member {
    async fn start(kafka: &RealKafka, topic: &str, group: &str, protocol: Protocol) -> Self {
        let arrivals = Arrivals::default();
        let app = pipeline! { name "member"; lines = kafka::text(topic) => arrive => work; lines => heal; };
        let config =
            settings(kafka.brokers(), group).protocol(protocol).drain_budget(BUDGET).commit_interval("200ms");
        let config = match protocol {
            // Told of the rebalance at a heartbeat, which is while the slow work goes on.
            Protocol::Classic => config.set("heartbeat.interval.ms", "100"),
            _ => config,
        };
        let handle = app.with(Arc::clone(&arrivals)).start(config.build().unwrap()).await.unwrap();
        Self { handle, arrivals }
    }

    fn partitions(&self) -> BTreeSet<i32> {
        self.handle.partitions().into_iter().map(|status| status.partition).collect()
    }

    async fn stop(&self) {
        self.handle.stop();
        self.handle.join().await.unwrap();
    }
}

/// Lines that keep coming to all partitions until it is over; when asked, a slow one to each.
fn load(kafka: &RealKafka, topic: &str, slow: &AtomicBool, over: &AtomicBool) {
    let rounds = (0..).map_while(|_: u64| {
        thread::sleep(Duration::from_millis(10));
        let text = if slow.swap(false, Ordering::Relaxed) { "slow" } else { "line" };
        (!over.load(Ordering::Relaxed)).then_some(text)
    });
    let lines = rounds.flat_map(|text| (0..PARTITIONS).map(move |at| Record::value(text).partition(at)));
    kafka.produce(topic, lines).unwrap();
}

async fn untouched_partitions_go_on(protocol: Protocol) {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
    kafka.create_topic(&topic, u16::try_from(PARTITIONS).unwrap(), &[]).unwrap();
    let (slow, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let producing = {
        let (topic, slow, over) = (topic.clone(), Arc::clone(&slow), Arc::clone(&over));
        tokio::task::spawn_blocking(move || load(kafka, &topic, &slow, &over))
    };
    let first = Member::start(kafka, &topic, &group, protocol).await;
    until("all partitions are read", || first.partitions().len() == 4 && first.arrivals.len() > 400).await;

    let before = first.arrivals.len();
    slow.store(true, Ordering::Relaxed);
    until("the slow work is under way", || first.arrivals.len() > before + 40).await;
    let second = Member::start(kafka, &topic, &group, protocol).await;
    until("the second member works", || second.partitions().len() == 2 && second.arrivals.len() > 200).await;
    let (kept, moved) = (first.partitions(), second.partitions());
    assert_eq!((kept.len(), moved.len()), (2, 2));
    until("the first one goes on", || {
        let handle = first.handle.partitions();
        handle.iter().all(|status| status.committed.is_some_and(|now| now > 300))
    })
    .await;
    over.store(true, Ordering::Relaxed);
    producing.await.unwrap();
    let ends = kafka.end_offsets(&topic).unwrap();
    until("all is committed", || kafka.committed(&group, &topic).unwrap() == ends).await;
    second.stop().await;
    first.stop().await;
    assert_all_committed(kafka, &group, &topic);

    let (arrived, elsewhere) = (first.arrivals.take(), second.arrivals.take());
    let mut pause = Duration::ZERO;
    for at in &kept {
        let mine: Vec<_> = arrived.iter().filter(|(partition, ..)| partition == at).collect();
        let offsets: Vec<_> = mine.iter().map(|(_, offset, _)| *offset).collect();
        assert_eq!(offsets, (0..ends[at]).collect::<Vec<_>>(), "partition {at}: all, each once, in order");
        assert!(!elsewhere.iter().any(|(partition, ..)| partition == at), "partition {at} stayed");
        let gaps = mine.windows(2).map(|pair| pair[1].2 - pair[0].2);
        pause = pause.max(gaps.max().unwrap());
    }
    let all: BTreeSet<_> = arrived.iter().chain(&elsewhere).map(|(at, offset, _)| (*at, *offset)).collect();
    let wanted: BTreeMap<_, _> = ends.clone();
    let wanted = wanted.into_iter().flat_map(|(at, end)| (0..end).map(move |offset| (at, offset)));
    assert_eq!(all, wanted.collect(), "nothing is lost");
    let repeats = arrived.len() + elsewhere.len() - all.len();
    let _ = writeln!(
        stderr(),
        "{protocol:?}: untouched partitions rested for {pause:?}; {repeats} repeats of moved ones"
    );
    assert!(pause < BUDGET + Duration::from_secs(1), "untouched partitions rested for {pause:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untouched_partitions_rest_no_longer_than_the_drain_with_the_classic_protocol() {
    untouched_partitions_go_on(Protocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untouched_partitions_rest_no_longer_than_the_drain_with_the_consumer_protocol() {
    untouched_partitions_go_on(Protocol::Consumer).await;
}
