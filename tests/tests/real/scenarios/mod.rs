//! The hard scenarios of a consumer group on a real Kafka; all of them are listed in `docs/testing.md`.

mod claims;
mod dead_letters;
mod late;
mod nothing;
mod poison;
mod revoke;
mod shares;
mod slow;
mod statics;

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use crate::common::{Ground, Seen, settings, status};
use healer::prelude::*;
use healer::{ConfigBuilder, Handle, PartitionStatus, Protocol};
use healer_tests::kafka::{GroupLog, Record, TakenCommit};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// The records that one member has read: partition and offset.
type Places = Arc<Seen<(i32, i64)>>;

/// Where records that wait do so, until they are let go.
struct Turnstile(Semaphore);

impl Turnstile {
    fn let_go(&self, records: usize) {
        self.0.add_permits(records);
    }

    /// Nobody waits any more.
    fn open(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

#[stage]
fn note(line: String, ctx: &Context, #[state] seen: &Places) -> String {
    seen.add((ctx.partition(), ctx.offset()));
    line
}

/// Only lines that wait come here.
#[stage]
async fn wait(line: String, #[state] turnstile: &Arc<Turnstile>) -> String {
    turnstile.pass().await;
    line
}

/// A pipeline in that group, with a store of its own: another machine.
struct Member {
    handle: Handle,
    seen: Places,
    turnstile: Arc<Turnstile>,
    _store: TempDir,
}

impl Ground {
    /// A drain lasts 300 ms at most, and a member hears of a rebalance soon.
    fn settings(&self) -> ConfigBuilder {
        let settings = settings(self.kafka.brokers(), &self.group).protocol(self.protocol);
        let settings = settings.drain_budget("300ms");
        if self.protocol == Protocol::Classic {
            settings.set("heartbeat.interval.ms", "100")
        } else {
            settings
        }
    }

    async fn start(&self, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Member {
        let store = tempfile::tempdir().unwrap();
        let (seen, turnstile) = (Places::default(), Arc::new(Turnstile(Semaphore::new(0))));
        // Lines that are quick end before the asynchronous stage, which takes one at a time of a partition.
        let app = pipeline! {
            name "lines";
            lines = kafka::text(&self.topic) => note
                => filter(|line: &String| line.starts_with("wait"), reason = "quick") => wait;
            lines => heal;
        };
        let app = app.with(Arc::clone(&seen)).with(Arc::clone(&turnstile));
        let config = change(self.settings().store_path(store.path())).build().unwrap();
        Member { handle: app.start(config).await.unwrap(), seen, turnstile, _store: store }
    }

    fn produce<'a>(&self, partition: i32, lines: impl IntoIterator<Item = &'a str>) {
        let records = lines.into_iter().map(|line| Record::value(line).partition(partition));
        self.kafka.produce(&self.topic, records).unwrap();
    }

    /// A producer that sends each record at once. It runs on, because its start takes most of a second.
    fn feed(&self) -> Sender<Record> {
        let (sender, records) = channel();
        let (kafka, topic) = (self.kafka, self.topic.clone());
        tokio::task::spawn_blocking(move || kafka.produce(&topic, records).unwrap());
        sender
    }

    fn log(&self) -> GroupLog {
        self.kafka.group_log(&self.group).unwrap()
    }

    /// All commits that the broker took for a partition, oldest first.
    fn commits(&self, partition: i32) -> Vec<TakenCommit> {
        let mut all = self.log().commits;
        all.retain(|commit| (&*commit.topic, commit.partition) == (&*self.topic, partition));
        all
    }
}

impl Member {
    fn partitions(&self) -> Vec<i32> {
        self.handle.partitions().iter().map(|status| status.partition).collect()
    }

    fn status(&self, partition: i32) -> Option<PartitionStatus> {
        status(&self.handle, partition)
    }

    fn committed(&self, partition: i32) -> Option<i64> {
        self.status(partition)?.committed
    }

    /// The offsets that it has read of a partition so far, in their order.
    fn offsets(&self, partition: i32) -> Vec<i64> {
        self.seen.all().into_iter().filter(|(at, _)| *at == partition).map(|(_, offset)| offset).collect()
    }

    async fn stop(&self) -> healer::Report {
        self.handle.stop();
        self.handle.join().await.unwrap()
    }
}

/// One story, under both protocols at once.
async fn under_both<F: Future<Output = ()>>(story: impl Fn(Protocol) -> F) {
    tokio::join!(story(Protocol::Classic), story(Protocol::Consumer));
}

/// A record that is done at once.
fn quick(partition: i32) -> Record {
    Record::value("quick").partition(partition)
}

/// The lines `0` up to `count`; which of them wait?
fn lines(count: i64, waits: impl Fn(i64) -> bool) -> impl Iterator<Item = &'static str> {
    (0..count).map(move |offset| if waits(offset) { "wait" } else { "quick" })
}

/// Two members that share two partitions: the first one's comes first.
async fn two_share(
    ground: &Ground,
    change: impl Fn(ConfigBuilder) -> ConfigBuilder,
) -> ([Member; 2], [i32; 2]) {
    let first = ground.start(&change).await;
    crate::common::until("the first member has all", || first.partitions().len() == 2).await;
    let second = ground.start(&change).await;
    crate::common::until("they share", || first.partitions().len() == 1 && second.partitions().len() == 1)
        .await;
    let partitions = [first.partitions()[0], second.partitions()[0]];
    ([first, second], partitions)
}
