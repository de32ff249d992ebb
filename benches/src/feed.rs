//! The producer of workloads that are fed while sides read: records that say when they were sent, so many a second.

use std::{
    sync::mpsc::Receiver,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use healer_tests::kafka::{RealKafka, Record};
use rdkafka::{
    ClientConfig,
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};

use crate::figures::float;

/// How often records are sent: those that are due since the last time.
const TICK: Duration = Duration::from_millis(1);
/// How many milliseconds of records may wait for the broker before that is said.
const WAITING_MS: f64 = 20.0;
/// How many seconds a broker is warmed up.
const WARM_UP: u64 = 8;
/// How long the acknowledgement of the last records may take.
const FLUSH: Duration = Duration::from_mins(1);

/// When which records are sent.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    /// Records that are there at once, in steps: each when those before it have been worked on. They are not timed.
    pub(crate) steps: Vec<u64>,
    /// Records that follow, timed, after a second of others.
    pub(crate) timed: u64,
    /// How many of them a second.
    pub(crate) per_second: u64,
}

impl Feed {
    /// All records.
    pub(crate) fn total(&self) -> u64 {
        self.steps.iter().sum::<u64>() + self.lead() + self.timed
    }

    /// The records of the first second are sent at the same speed and not timed: the producer connects meanwhile.
    fn lead(&self) -> u64 {
        self.per_second
    }

    /// How many records have been worked on at the end of each step.
    pub(crate) fn marks(&self) -> Vec<u64> {
        let mut sum = 0;
        let ends = self.steps.iter().map(|step| {
            sum += step;
            sum
        });
        ends.collect()
    }

    /// Sends such records to a topic that nobody reads: a broker that has just started takes a second for work that later takes
    /// a millisecond.
    pub(crate) fn warm_up(&self, kafka: &RealKafka, records: impl Iterator<Item = Record>) -> Result<()> {
        let topic = kafka.unique("warm-up");
        kafka.create_topic(&topic, 4, &[])?;
        let feed = Self { steps: Vec::new(), timed: WARM_UP * self.per_second, per_second: self.per_second };
        feed.pace(&kafka.brokers(), &topic, records)?;
        Ok(())
    }

    /// Sends the first step, which is there when a side begins.
    pub(crate) fn begin(
        &self,
        kafka: &RealKafka,
        topic: &str,
        records: &mut impl Iterator<Item = Record>,
    ) -> Result<()> {
        self.step(0, kafka, topic, records)
    }

    /// Sends the rest, each step when `done` says that the one before is done. Returns the reason if latencies are spoilt.
    pub(crate) fn go_on(
        &self,
        kafka: &RealKafka,
        topic: &str,
        mut records: impl Iterator<Item = Record>,
        done: &Receiver<()>,
    ) -> Result<Option<String>> {
        for next in 1..=self.steps.len() {
            if done.recv().is_err() {
                bail!("the side ended before all records were sent");
            }
            if next < self.steps.len() {
                self.step(next, kafka, topic, &mut records)?;
            }
        }
        self.pace(&kafka.brokers(), topic, records)
    }

    fn step(
        &self,
        step: usize,
        kafka: &RealKafka,
        topic: &str,
        records: &mut impl Iterator<Item = Record>,
    ) -> Result<()> {
        let count = usize::try_from(self.steps[step])?;
        kafka.produce(topic, records.take(count).map(|record| stamped(record, 0)))?;
        Ok(())
    }

    fn pace(
        &self,
        brokers: &str,
        topic: &str,
        mut records: impl Iterator<Item = Record>,
    ) -> Result<Option<String>> {
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("partitioner", "murmur2_random")
            // A record is on its way at once: a wait here would count for every side.
            .set("linger.ms", "0")
            .create()?;
        let began = Instant::now();
        let (mut sent, mut most_waiting) = (0, 0);
        let all = self.lead() + self.timed;
        while sent < all {
            let due = began.elapsed().as_secs_f64() * float(self.per_second);
            while sent < all && float(sent) < due {
                let sent_us = if sent < self.lead() { 0 } else { now_us()? };
                let record = stamped(records.next().context("there are no records left")?, sent_us);
                let mut message = BaseRecord::<[u8], [u8]>::to(topic);
                message.key = record.key.as_deref();
                message.payload = record.value.as_deref();
                producer.send(message).map_err(|(error, _)| error).context("a record cannot be sent")?;
                sent += 1;
            }
            if sent > self.lead() {
                most_waiting = most_waiting.max(producer.in_flight_count());
            }
            thread::sleep(TICK);
        }
        producer.flush(FLUSH)?;
        // Some records waited so long before the broker had them; no side is to blame for that.
        let waiting = f64::from(most_waiting) / float(self.per_second) * 1e3;
        let busy = "waited for the broker, so this machine was too busy for latencies";
        Ok((waiting > WAITING_MS).then(|| format!("up to {waiting:.0} ms of records {busy}")))
    }
}

/// The record with its time beside the flight; in the value, since all sides read that and no more.
fn stamped(record: Record, sent_us: u64) -> Record {
    let flight = record.value.unwrap_or_default();
    let mut value = format!(r#"{{"sent_us":{sent_us},"flight":"#).into_bytes();
    value.extend_from_slice(&flight);
    value.push(b'}');
    Record { value: Some(value), ..record }
}

fn now_us() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

#[cfg(test)]
mod tests {
    use healer_tests::kafka::Record;

    use super::{Feed, stamped};
    use crate::flight::Timed;

    #[test]
    fn a_stamped_record_is_a_timed_flight() {
        let flight = healer_tests::flights::read(&healer_tests::flights::sample());
        let flight = flight.expect("a sample").next().expect("a flight").expect("a whole flight");
        let record = stamped(Record::from(flight), 7);
        let timed: Timed = serde_json::from_slice(&record.value.expect("a value")).expect("a timed flight");
        assert_eq!(timed.sent_us, 7);
    }

    #[test]
    fn marks_are_the_ends_of_the_steps() {
        let feed = Feed { steps: vec![10, 90], timed: 50, per_second: 5 };
        assert_eq!((feed.marks(), feed.total()), (vec![10, 100], 155));
    }
}
