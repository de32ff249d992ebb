//! Where the orders of one test come from, and where they go: topics and groups on the broker that all tests share.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::OnceLock;

use healer_tests::kafka::{RealKafka, RealKafkaOptions, Record};
use serde_json::json;

use super::orders::{CARD, DEAD, Kind};

pub struct Shop {
    pub kafka: Kafka,
    pub orders: String,
    pub shipped: String,
    pub group: String,
}

/// Whose broker it is.
pub enum Kafka {
    Shared(&'static RealKafka),
    Own(RealKafka),
}

impl Deref for Kafka {
    type Target = RealKafka;

    fn deref(&self) -> &RealKafka {
        match self {
            Self::Shared(kafka) => kafka,
            Self::Own(kafka) => kafka,
        }
    }
}

impl Shop {
    /// `None`, and a word about it, without a real Kafka.
    pub fn open(partitions: u16) -> Option<Self> {
        static DEAD_IS_THERE: OnceLock<()> = OnceLock::new();
        let kafka = RealKafka::for_test()?;
        DEAD_IS_THERE.get_or_init(|| kafka.create_topic(DEAD, 1, &[]).unwrap());
        Some(Self::at(Kafka::Shared(kafka), partitions))
    }

    /// One whose broker may be killed.
    pub fn alone(partitions: u16) -> Option<Self> {
        let kafka = RealKafka::own_for_test(RealKafkaOptions::default())?;
        kafka.create_topic(DEAD, 1, &[]).unwrap();
        Some(Self::at(Kafka::Own(kafka), partitions))
    }

    fn at(kafka: Kafka, partitions: u16) -> Self {
        let [orders, shipped, group] = ["orders", "shipped", "group"].map(|base| kafka.unique(base));
        kafka.create_topic(&orders, partitions, &[]).unwrap();
        kafka.create_topic(&shipped, 1, &[]).unwrap();
        Self { kafka, orders, shipped, group }
    }

    pub fn order(&self, all: impl IntoIterator<Item = (i32, Kind)>) {
        let records = all.into_iter().map(|(partition, kind)| record(partition, kind, "no note"));
        self.kafka.produce(&self.orders, records).unwrap();
    }

    /// The group's committed offsets.
    pub fn committed(&self) -> BTreeMap<i32, i64> {
        self.kafka.committed(&self.group, &self.orders).unwrap()
    }

    /// How many orders were shipped.
    pub fn shipped(&self) -> i64 {
        self.kafka.end_offsets(&self.shipped).unwrap().values().sum()
    }
}

/// An order with a key of its own: those without one wait for each other.
pub fn record(partition: i32, kind: Kind, note: &str) -> Record {
    let value = json!({ "kind": kind, "note": note, "card": CARD }).to_string();
    let key = format!("key-{}", fastrand::u64(..));
    Record::value(value).key(key).partition(partition).header("tenant", "acme")
}

/// So many good orders in each of these partitions.
pub fn good(partitions: std::ops::Range<i32>, each: usize) -> impl Iterator<Item = (i32, Kind)> {
    partitions.flat_map(move |partition| std::iter::repeat_n((partition, Kind::Good), each))
}

/// The same offset for each of four partitions.
pub fn all_at(offset: i64) -> BTreeMap<i32, i64> {
    (0..4).map(|partition| (partition, offset)).collect()
}
