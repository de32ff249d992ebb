//! Requests that no Rust client can send, sent as bytes: damaged batches, foreign names, codecs that this build lacks.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::*;
use crate::broker::{BrokerErrorKind, MetadataNotText};

fn string(into: &mut Vec<u8>, text: &[u8]) {
    into.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    into.extend(text);
}

fn bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    into.extend(bytes);
}

/// Sends one request and waits for its answer.
fn request(kafka: &MockKafka, api: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(api.to_be_bytes());
    message.extend(version.to_be_bytes());
    message.extend(7_i32.to_be_bytes());
    string(&mut message, b"wire");
    message.extend(body);
    let mut framed = Vec::new();
    bytes(&mut framed, &message);
    let mut stream = TcpStream::connect(kafka.brokers()).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream.write_all(&framed).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// A batch of one record; small lengths only, so that a varint is one byte.
fn batch(attributes: i16, headers: &[&[u8]]) -> Vec<u8> {
    let zigzag = |n: usize| u8::try_from(n * 2).unwrap();
    let mut record = vec![0, 0, 0, zigzag(1), b'k', zigzag(1), b'v', zigzag(headers.len())];
    for name in headers {
        record.push(zigzag(name.len()));
        record.extend(*name);
        record.extend([zigzag(1), b'h']);
    }
    in_batch(attributes, record)
}

fn in_batch(attributes: i16, mut record: Vec<u8>) -> Vec<u8> {
    let zigzag = |n: usize| u8::try_from(n * 2).unwrap();
    record.insert(0, zigzag(record.len()));
    let mut rest = Vec::new();
    rest.extend(attributes.to_be_bytes());
    rest.extend(0_i32.to_be_bytes()); // last offset delta
    rest.extend([0; 16]); // times
    rest.extend([0xff; 14]); // no producer id, epoch, sequence
    rest.extend(1_i32.to_be_bytes());
    rest.extend(record);
    let mut batch = vec![0; 8];
    batch.extend(u32::try_from(rest.len() + 9).unwrap().to_be_bytes());
    batch.extend([0; 4]); // leader epoch
    batch.push(2); // format
    batch.extend([0; 4]); // checksum: wrong, which a client minds only with `check.crcs`
    batch.extend(rest);
    batch
}

fn produce(kafka: &MockKafka, topic: &str, batch: &[u8]) {
    let mut body = Vec::new();
    body.extend((-1_i16).to_be_bytes()); // no transaction
    body.extend((-1_i16).to_be_bytes()); // all replicas
    body.extend(5_000_i32.to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    string(&mut body, topic.as_bytes());
    body.extend(1_i32.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    bytes(&mut body, batch);
    let answer = request(kafka, 0, 3, &body);
    // correlation, topics, name, partitions, partition, error
    let error = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[error..error + 2], [0, 0], "{answer:?}");
}

#[test]
fn a_header_whose_name_is_not_utf8_is_counted_and_all_others_are_read() {
    let kafka = kafka(&[("t", 1)]);
    produce(&kafka, "t", &batch(0, &[b"ok"]));
    produce(&kafka, "t", &batch(0, &[b"a", &[b'x', 0xff], b"b", &[0xff], "ä".as_bytes(), b""]));
    produce(&kafka, "t", &batch(0, &[]));
    let mut cut_off = vec![0, 0, 0, 2, b'k', 2, b'v', 4];
    cut_off.extend([2, b'a', 2, b'h', 60]); // the second name is said to be longer than all that follows
    produce(&kafka, "t", &in_batch(0, cut_off));
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let seen = drive(&mut broker, "4 records", |seen| seen.records.len() >= 4);
    let names =
        |at: usize| seen.records[at].headers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let dropped: Vec<_> = seen.records.iter().map(|record| record.headers.dropped()).collect();
    assert_eq!(
        (names(0), names(1)),
        (vec!["ok".to_owned()], ["a", "b", "ä", ""].map(str::to_owned).to_vec())
    );
    assert_eq!((names(2).len(), names(3).len()), (0, 0), "headers that are cut off cannot be taken apart");
    assert_eq!(dropped, [0, 2, 0, 1]);
    assert!(seen.records.iter().all(|record| record.value.as_deref() == Some(b"v")));
    broker.close(WAIT);
}

#[cfg(not(feature = "zstd"))]
#[test]
fn a_missing_codec_is_named_and_nothing_is_read_past_it() {
    let kafka = kafka(&[("t", 1)]);
    put(&kafka, "t", 0, 0..3);
    produce(&kafka, "t", &batch(4, &[])); // zstd
    put(&kafka, "t", 0, 3..6);
    let mut broker = member(&kafka, []);
    join(&mut broker, "t", 0);
    let missing = |event: &Event| matches!(event, Event::Error(e) if e.kind == BrokerErrorKind::MissingCodec);
    let mut seen = drive(&mut broker, "the error", |seen| seen.events.iter().any(missing));
    let Some(Event::Error(error)) = seen.events.iter().find(|event| missing(event)) else { unreachable!() };
    assert!(error.text.contains("cargo feature `zstd`"), "{error}");
    for _ in 0..20 {
        step(&mut broker, &mut seen);
    }
    assert_eq!(seen.records.iter().map(|r| r.offset).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(broker.positions(), [(100, 3)]);
    broker.close(WAIT);
}

#[test]
fn a_damaged_batch_is_fatal_before_anything_behind_it_is_lent() {
    let kafka = kafka(&[("t", 1)]);
    put(&kafka, "t", 0, 0..3);
    produce(&kafka, "t", &batch(0, &[]));
    put(&kafka, "t", 0, 3..6);
    let mut broker = member(&kafka, [("check.crcs", "true")]);
    join(&mut broker, "t", 0);
    let fatal = |event: &Event| matches!(event, Event::Error(e) if e.kind == BrokerErrorKind::Fatal);
    let seen = drive(&mut broker, "the error", |seen| seen.events.iter().any(fatal));
    assert!(seen.records.iter().all(|record| record.offset < 3), "{:?}", seen.records);
    broker.close(WAIT);
}

#[test]
fn commit_metadata_that_is_not_utf8_is_told_apart_from_none() {
    let kafka = kafka(&[("t", 1)]);
    let mut body = Vec::new();
    string(&mut body, b"g");
    body.extend((-1_i32).to_be_bytes()); // no generation
    string(&mut body, b""); // no member
    body.extend((-1_i64).to_be_bytes()); // kept as long as the broker likes
    body.extend(1_i32.to_be_bytes());
    string(&mut body, b"t");
    body.extend(1_i32.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    body.extend(5_i64.to_be_bytes());
    string(&mut body, &[0xff, 0xfe]);
    let answer = request(&kafka, 8, 2, &body);
    assert_eq!(answer[answer.len() - 2..], [0, 0], "{answer:?}");

    let broker = member(&kafka, []);
    let committed = broker.remote().committed(&[tp("t", 0)], WAIT).unwrap();
    let committed = committed[0].as_ref().unwrap();
    assert_eq!((committed.offset, committed.metadata.clone()), (5, Err(MetadataNotText)));
    broker.close(WAIT);
}
