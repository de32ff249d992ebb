//! Admins and brokers change topics and groups behind a pipeline's back: it leaves out no record that still exists.

mod cut;
mod recreated;
mod reset;
mod truncated;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::common::{Door, Ground, Seen, settings};
use healer::prelude::*;
use healer::{ConfigBuilder, Protocol};
use healer_tests::kafka::{RealKafka, Record};

/// The lines that were read: partition, offset and text.
type Lines = Arc<Seen<(i32, i64, String)>>;

#[stage]
fn note(line: String, ctx: &Context, #[state] seen: &Lines) -> String {
    seen.add((ctx.partition(), ctx.offset(), line.clone()));
    line
}

/// Lets all lines through but `stuck`, which waits at the door.
#[stage]
async fn guard(line: String, #[state] door: &Arc<Door>) -> String {
    if line == "stuck" {
        door.pass().await;
    }
    line
}

/// A pipeline over a topic of its own whose lines may get stuck.
struct Story {
    ground: Ground,
    seen: Lines,
    door: Arc<Door>,
}

impl Deref for Story {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Story {
    fn new(protocol: Protocol, partitions: u16) -> Option<Self> {
        Some(Self::over(RealKafka::for_test()?, protocol, partitions))
    }

    fn over(kafka: &'static RealKafka, protocol: Protocol, partitions: u16) -> Self {
        let ground = Ground::over(kafka, protocol, partitions);
        Self { ground, seen: Lines::default(), door: Arc::default() }
    }

    fn app(&self) -> App {
        let app = pipeline! {
            name "lines";
            lines = kafka::text(&self.topic) => note
                => filter(|line: &String| line != "skipped", reason = "not wanted") => guard;
            lines => heal;
        };
        app.with(Arc::clone(&self.seen)).with(Arc::clone(&self.door))
    }

    fn settings(&self) -> ConfigBuilder {
        settings(self.kafka.brokers(), &self.group).protocol(self.protocol)
    }

    /// Produces so many lines of one text into a partition.
    fn produce(&self, partition: i32, count: usize, text: &str) {
        let line = || Record::value(text).partition(partition);
        self.kafka.produce(&self.topic, std::iter::repeat_with(line).take(count)).unwrap();
    }

    fn set_committed(&self, partition: i32, offset: i64) {
        let offsets = BTreeMap::from([(partition, offset)]);
        self.kafka.set_committed(&self.group, &self.topic, &offsets).unwrap();
    }

    /// The offsets that were read of a partition, in their order, since somebody asked last.
    fn offsets(&self, partition: i32) -> Vec<i64> {
        let seen = self.seen.take().into_iter().filter(|(at, ..)| *at == partition);
        seen.map(|(_, offset, _)| offset).collect()
    }
}
