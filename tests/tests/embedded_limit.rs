//! The embedded Kafka keeps 5 MiB a partition, and says so wherever more is met.
#![allow(clippy::needless_pass_by_value, reason = "a stage takes what flows in")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use healer::{
    Config, Error, OutOfRange, Protocol, StartError,
    prelude::*,
    testing::{EmbeddedError, EmbeddedKafka},
};

/// Ten values of 900,000 bytes for each.
#[stage(flat)]
fn swell(_: String) -> Vec<Vec<u8>> {
    vec![vec![b'x'; 900_000]; 10]
}

#[stage]
fn length(value: Vec<u8>) -> usize {
    value.len()
}

fn reader() -> App {
    pipeline! { name "reader"; kafka::bytes("t") => length => heal; }
}

fn settings(kafka: &EmbeddedKafka, group: &str) -> healer::ConfigBuilder {
    Config::builder().brokers(kafka.brokers()).protocol(Protocol::Consumer).group(group)
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().expect("whole"))).expect("text")
    }
}

#[tokio::test]
async fn a_pipeline_that_would_read_what_the_embedded_kafka_dropped_says_so_with_the_way_out() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).expect("the first one");
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    for topic in ["src", "t"] {
        kafka.create_topic(topic, 1).expect("a topic");
    }
    kafka.produce("t", ["a", "b", "c"]).expect("all are acknowledged");
    kafka.produce("src", ["now"]).expect("all are acknowledged");
    let config = settings(&kafka, "g").build().expect("right");
    assert_eq!(reader().run_until_end(config.clone()).await.expect("it heals").healed, 3);
    assert!(!lines.take().contains("embedded Kafka"));

    // The sink of another pipeline sends more than there is room for.
    let writer = pipeline! { name "writer"; kafka::text("src") => swell => kafka::to_bytes("t") => heal; };
    writer.run_until_end(settings(&kafka, "w").build().expect("right")).await.expect("it heals");
    assert!(matches!(kafka.records("t"), Err(EmbeddedError::Dropped { partition: 0, .. })));

    let error = reader().run_until_end(config).await.expect_err("offset 3 is gone");
    let Error::Start(StartError::Dropped { committed: 3, end: 13, .. }) = &error else { panic!("{error}") };
    let text = error.to_string();
    assert!(text.contains("keeps 5 MiB a partition") && text.contains("more partitions"), "{text}");

    // One that may go on without says it in the log: a new group, and one that chose so.
    for group in ["new", "g"] {
        lines.take();
        let config = settings(&kafka, group).out_of_range(OutOfRange::Earliest).build().expect("right");
        let report = reader().run_until_end(config).await.expect("it goes on");
        assert!((1..10).contains(&report.healed), "{report:?}");
        let told = lines.take();
        assert!(
            told.contains("keeps 5 MiB a partition") && told.contains("topic=\"t\" partition=0"),
            "{group}: {told}"
        );
    }
}
