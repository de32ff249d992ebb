//! Headers whose names are no text: all others stay with their record, wherever it goes, and nothing panics.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use common::{Seen, settings};
use healer::dead_letter;
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, Received};

/// How often anything panicked in this process, caught or not.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            hook(panic);
        }));
    });
}

/// Topics `in`, `out` and `dead` of one partition. The first holds records of these values, each with six headers, two of them
/// of names that are no text.
fn odd(values: &[&str]) -> EmbeddedKafka {
    count_panics();
    let kafka = EmbeddedKafka::start().unwrap();
    for topic in ["in", "out", "dead"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    for value in values {
        let names: [&[u8]; 6] = [b"a", &[0xff], b"b", &[b'x', 0xc3, 0x28], "ä".as_bytes(), b"a"];
        produce(kafka.brokers(), "in", value, &names);
    }
    kafka
}

fn config(kafka: &EmbeddedKafka) -> Config {
    settings(kafka.brokers(), "group").build().unwrap()
}

/// The headers that a record has beside those of healer.
fn own(record: &Received) -> Vec<(&str, &[u8])> {
    let own = record.headers.iter().filter(|(name, _)| !name.starts_with("healer-"));
    own.map(|(name, value)| (name, value.unwrap())).collect()
}

const KEPT: [(&str, &[u8]); 4] = [("a", b"0"), ("b", b"2"), ("ä", b"4"), ("a", b"5")];

#[stage]
fn look(line: String, ctx: &Context, #[state] seen: &Arc<Seen<(usize, usize)>>) -> String {
    seen.add((ctx.headers().len(), ctx.headers().dropped()));
    line
}

#[tokio::test]
async fn a_good_record_passes_stages_and_sinks_with_all_other_headers() {
    let kafka = odd(&["one", "two"]);
    let seen = Arc::<Seen<(usize, usize)>>::default();
    let app = pipeline! {
        name "odd"; lines = kafka::text("in") => look; lines => kafka::to_text("out") => heal;
    };
    let report = app.with(Arc::clone(&seen)).run_until_end(config(&kafka)).await.unwrap();
    assert_eq!((report.healed, report.lag), (2, Some(0)));
    assert_eq!(seen.take(), [(4, 2); 2]);
    let written = kafka.records("out").unwrap();
    assert!(written.iter().all(|record| own(record) == KEPT), "{written:?}");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}

#[stage(on_error = dead_letter("dead"))]
fn refuse(_: String) -> Result<String, String> {
    Err("not today".to_owned())
}

#[stage(on_error = dead_letter("dead"))]
async fn refuse_late(_: String) -> Result<String, String> {
    Err("not today".to_owned())
}

#[tokio::test]
async fn a_letter_has_all_other_headers_and_says_how_many_it_lacks() {
    let kafka = odd(&["one"]);
    let fused = pipeline! { name "fused"; lines = kafka::text("in") => refuse; lines => heal; };
    fused.run_until_end(settings(kafka.brokers(), "fused").build().unwrap()).await.unwrap();
    let late = pipeline! { name "late"; lines = kafka::text("in") => refuse_late; lines => heal; };
    late.run_until_end(settings(kafka.brokers(), "late").build().unwrap()).await.unwrap();
    let letters = kafka.records("dead").unwrap();
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        assert_eq!(own(letter), KEPT, "{letter:?}");
        assert_eq!(letter.headers.get(dead_letter::DROPPED), Some(&b"2"[..]));
        assert_eq!(letter.headers.get(dead_letter::ERROR), Some(&b"not today"[..]));
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}

/// A length as Kafka's records have it.
fn varint(into: &mut Vec<u8>, length: usize) {
    let mut rest = length * 2;
    while rest > 0x7f {
        into.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    into.push(u8::try_from(rest).unwrap());
}

/// Puts a record with headers of these names into partition 0; the value of each is its number.
fn produce(brokers: &str, topic: &str, value: &str, names: &[&[u8]]) {
    let mut record = vec![0, 0, 0, 1]; // attributes, differences of time and offset, no key
    varint(&mut record, value.len());
    record.extend(value.as_bytes());
    varint(&mut record, names.len());
    for (n, name) in names.iter().enumerate() {
        varint(&mut record, name.len());
        record.extend(*name);
        let number = n.to_string();
        varint(&mut record, number.len());
        record.extend(number.as_bytes());
    }
    let mut summed = vec![0, 0]; // attributes
    summed.extend(0_i32.to_be_bytes()); // the difference of the last offset to the first
    summed.extend([0; 16]); // the first and the last time
    summed.extend([0xff; 14]); // no producer number, epoch and sequence
    summed.extend(1_i32.to_be_bytes()); // records
    varint(&mut summed, record.len());
    summed.extend(record);
    let mut batch = vec![0; 8]; // the broker sets the offset
    batch.extend(u32::try_from(summed.len() + 9).unwrap().to_be_bytes());
    batch.extend([0xff, 0xff, 0xff, 0xff, 2]); // no leader epoch; the version of the format
    batch.extend([0; 4]); // a checksum that this broker does not look at
    batch.extend(summed);

    let mut request = vec![0, 0, 0, 3]; // produce, in its third version
    request.extend(1_i32.to_be_bytes()); // the number that the answer repeats
    request.extend([0, 1, b't']); // the client's name
    request.extend([0xff; 4]); // no transaction, acknowledged by all replicas
    request.extend(5_000_i32.to_be_bytes()); // within five seconds
    request.extend(1_i32.to_be_bytes()); // topics
    request.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
    request.extend(topic.as_bytes());
    request.extend(1_i32.to_be_bytes()); // partitions
    request.extend(0_i32.to_be_bytes());
    request.extend(u32::try_from(batch.len()).unwrap().to_be_bytes());
    request.extend(batch);

    let mut broker = TcpStream::connect(brokers).unwrap();
    broker.set_read_timeout(Some(common::LIMIT)).unwrap();
    broker.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    broker.write_all(&request).unwrap();
    let mut size = [0; 4];
    broker.read_exact(&mut size).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    broker.read_exact(&mut answer).unwrap();
    // Before the error: three counters, the topic's length and name, and the partition's number.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[at..at + 2], [0, 0], "{answer:?}");
}
