//! The fused path allocates nothing of ours per record.
//!
//! It is a test program of its own, because it counts the allocations of the whole process.

use std::{
    alloc::System,
    sync::atomic::{AtomicUsize, Ordering},
};

use healer::{Config, prelude::*, testing::EmbeddedKafka};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const RECORDS: usize = 80_000;

/// Leaves out the start: joining, the first growth of buffers.
const WARM: usize = 20_000;

static SEEN: AtomicUsize = AtomicUsize::new(0);
static AT_WARM: AtomicUsize = AtomicUsize::new(0);
static AT_END: AtomicUsize = AtomicUsize::new(0);

fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

#[stage]
fn count(number: u64) -> u64 {
    match SEEN.fetch_add(1, Ordering::Relaxed) + 1 {
        WARM => AT_WARM.store(allocations(), Ordering::Relaxed),
        RECORDS => AT_END.store(allocations(), Ordering::Relaxed),
        _ => {}
    }
    number
}

#[stage(skip = "odd")]
fn even(number: u64) -> Option<u64> {
    number.is_multiple_of(2).then_some(number)
}

#[tokio::test]
async fn the_fused_path_allocates_nothing_of_ours_per_record() {
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    kafka.create_topic("numbers", 4).expect("a topic");
    let numbers = (0..RECORDS).map(|n| (Some(n.to_string()), Some(n.to_string())));
    kafka.produce("numbers", numbers).expect("all are acknowledged");
    let config = Config::builder().brokers(kafka.brokers()).protocol(healer::Protocol::Consumer);
    let config = config.build().expect("the settings are right");
    let app = pipeline! {
        name "allocations";
        kafka::json::<u64>("numbers") => count => even => heal;
    };
    let report = app.run_until_end(config).await.expect("it heals");
    assert_eq!(report.records, RECORDS as u64);

    let counted = AT_END.load(Ordering::Relaxed) - AT_WARM.load(Ordering::Relaxed);
    let records = RECORDS - WARM;
    println!("{counted} allocations for {records} records");
    // rdkafka makes one of its own for each message that it lends; ours are a few per chunk.
    let ours = counted.saturating_sub(records);
    assert!(ours * 20 < records, "{ours} allocations of ours for {records} records");
}
