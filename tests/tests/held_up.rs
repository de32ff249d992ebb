//! A synchronous stage that holds the poll thread: the group, the commits and the end go on without it.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Gate, Seen, settings, status, until};
use healer::{Handle, prelude::*, testing::EmbeddedKafka};

/// A topic of two partitions with `count` records each.
fn kafka(count: i32) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    kafka.create_topic("t", 2).expect("a topic");
    for partition in 0..2 {
        put(&kafka, partition, 0..count);
    }
    kafka
}

fn put(kafka: &EmbeddedKafka, partition: i32, numbers: std::ops::Range<i32>) {
    let records = numbers
        .map(|n| healer::testing::TestRecord::new().value(format!("{partition}-{n}")).partition(partition));
    kafka.produce("t", records).expect("acknowledged");
}

/// A pipeline whose synchronous stage notes each record and waits at the gate with one of them.
async fn start(kafka: &EmbeddedKafka, held: &str, gate: &Arc<Gate>, seen: &Arc<Seen<String>>) -> Handle {
    let (held, gate, seen) = (held.to_owned(), Arc::clone(gate), Arc::clone(seen));
    let wait = move |line: String| {
        if line == held {
            gate.pass();
        }
        seen.add(line);
    };
    let config = settings(kafka.brokers(), "g")
        .drain_budget("500ms")
        .set("max.poll.interval.ms", "1500")
        .build()
        .expect("the settings are right");
    let chain = kafka::text("t").stream("lines").map(wait).heal();
    App::new("held").chain(chain).start(config).await.expect("it starts")
}

fn committed(kafka: &EmbeddedKafka, partition: i32) -> Option<i64> {
    kafka.committed("g", "t").expect("commits").get(&partition).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_may_take_longer_than_the_group_waits_for_a_poll() {
    let (kafka, gate, seen) = (kafka(3), Arc::default(), Arc::default());
    let handle = start(&kafka, "0-1", &gate, &seen).await;
    let blocked = || status(&handle, 0).and_then(|status| status.blocked);
    until("the stage holds offset 1", || blocked().is_some_and(|blocked| blocked.offset == 1)).await;
    // Twice as long as the group would wait for the next poll.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let blocked = blocked().expect("it still holds");
    assert_eq!((blocked.offset, &*blocked.stage), (1, "lines"));
    assert!(blocked.lasting >= Duration::from_secs(3));
    // Records that arrive meanwhile are kept.
    put(&kafka, 0, 3..6);
    gate.open();
    until("all is committed", || committed(&kafka, 0) == Some(6) && committed(&kafka, 1) == Some(3)).await;
    handle.stop();
    let report = handle.join().await.expect("nothing was lost on the way");
    assert_eq!((report.records, report.fenced), (9, 0), "the group never took it for dead");
    let mut seen = seen.take();
    let of_held: Vec<_> = seen.iter().filter(|line| line.starts_with("0-")).cloned().collect();
    assert_eq!(of_held, ["0-0", "0-1", "0-2", "0-3", "0-4", "0-5"], "in their order");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_moves_on_while_a_stage_holds_it_and_the_late_result_changes_nothing() {
    let (kafka, gate, seen) = (kafka(3), Arc::default(), Arc::default());
    // Record 0-0 holds up both partitions, so the partition that is taken away is held up, whichever it is.
    let first = start(&kafka, "0-0", &gate, &seen).await;
    let holds = || first.partitions().iter().any(|status| status.blocked.is_some());
    until("the first member is held up", holds).await;
    let open = Arc::new(Gate::default());
    open.open();
    let second = start(&kafka, "", &open, &seen).await;
    until("the second member has its share", || second.partitions().len() == 1).await;
    assert_eq!(first.partitions().len(), 1, "given back while the stage runs");
    let (moved, kept) = (second.partitions()[0].partition, first.partitions()[0].partition);
    until("the second member does what moved", || committed(&kafka, moved) == Some(3)).await;
    gate.open();
    until("the first member goes on", || committed(&kafka, kept) == Some(3)).await;
    first.stop();
    second.stop();
    let fenced = first.join().await.expect("it ends").fenced;
    second.join().await.expect("it ends");
    if moved == 0 {
        assert!(fenced > 0, "its result came too late and is counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_ends_within_its_budget_though_a_stage_holds_the_poll_thread() {
    let (kafka, gate, seen) = (kafka(3), Arc::default(), Arc::default());
    let handle = start(&kafka, "1-2", &gate, &seen).await;
    until("the stage holds", || status(&handle, 1).is_some_and(|status| status.blocked.is_some())).await;
    handle.stop();
    // The gate stays closed until it has ended.
    let report = handle.join().await.expect("it ends");
    assert!(report.records <= 5);
    assert!(committed(&kafka, 1).is_none_or(|offset| offset <= 2), "what the stage holds is not done");
    gate.open();
}
