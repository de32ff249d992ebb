#!/usr/bin/env bash
# librdkafka 2.12.1 (by rdkafka 0.39.0): a consumer that is closed while it joins, with `group.protocol=consumer`, does not leave.
#
# Expectation. `rd_kafka_consumer_close` is documented to leave the consumer group. The member's id is made by the client, so it could
# leave at any time after its first ConsumerGroupHeartbeat was sent.
# Behaviour. While the answer to the first heartbeat is under way the client counts as not joined: close sends no heartbeat with epoch -1
# and returns at once. The coordinator has the member, gives it partitions, and keeps both until the session times out (45 s by
# default on a broker, 30 s in the mock cluster of librdkafka, which is used here). The next member of the group reads nothing so
# long. Closed after that answer, the same consumer leaves, and the next member has the partition at once.
# Consequence. A process that is stopped right after its start, as in a roll-out that is taken back, makes its group stand still.
# Close only once `rd_kafka_consumer_group_metadata` tells a generation above 0.
# Output seen: see the last lines. Needs cargo, a C compiler, cmake or make, and the package registry; builds in a temporary folder,
# in three minutes, and runs for half a minute.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "ghost"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
rdkafka = "=0.39.0"

[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
//! A member joins a group whose coordinator answers after half a second, and closes; then another one joins.
use std::time::{Duration, Instant};

use rdkafka::{
    consumer::{BaseConsumer, Consumer as _},
    mocking::MockCluster,
    ClientConfig, TopicPartitionList,
};

fn member(brokers: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "g").set("group.protocol", "consumer");
    config.create().expect("a consumer")
}

/// Seconds until the second member has the only partition, where the first one lived so long after it subscribed.
fn seconds(lived: Duration) -> u64 {
    let cluster = MockCluster::new(1).expect("a cluster");
    cluster.create_topic("t", 1, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    let first = member(&brokers);
    // It knows its coordinator.
    let mut list = TopicPartitionList::new();
    list.add_partition("t", 0);
    first.committed_offsets(list, Duration::from_secs(10)).expect("committed offsets");
    cluster.broker_round_trip_time(1, Duration::from_millis(500)).expect("slow");
    first.subscribe(&["t"]).expect("subscribed");
    let end = Instant::now() + lived;
    while Instant::now() < end {
        first.poll(Duration::from_millis(10));
    }
    drop(first); // closes, and waits for that
    cluster.broker_round_trip_time(1, Duration::ZERO).expect("fast");

    let (second, began) = (member(&brokers), Instant::now());
    second.subscribe(&["t"]).expect("subscribed");
    while second.assignment().expect("an assignment").count() == 0 {
        second.poll(Duration::from_millis(10));
    }
    began.elapsed().as_secs()
}

fn main() {
    let while_joining = seconds(Duration::from_millis(100));
    let later = seconds(Duration::from_secs(2));
    println!("closed while joining: {}", if while_joining >= 15 { "the session" } else { "at once" });
    println!("closed later: {}", if later >= 15 { "the session" } else { "at once" });
    eprintln!("{while_joining} s and {later} s");
}
RUST
cargo build --quiet --manifest-path "$work/Cargo.toml"
seen=$("$work/target/debug/ghost")
expected='closed while joining: the session
closed later: at once'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "the client behaves in another way now; seen before:"; echo "$expected"; exit 1; }
