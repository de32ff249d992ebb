//! Records that no Rust client writes: header names that are no text, and a codec that this build lacks.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::common::{config, settings};
use healer::testing::EmbeddedKafka;
use healer::{Error, prelude::*};
use healer_tests::kafka::{RealKafka, Record};

/// Two topics of one partition; the first holds a plain record, one with a header whose name is no text, a plain one.
fn odd() -> Option<(&'static RealKafka, String, String, String)> {
    let kafka = RealKafka::for_test()?;
    let (from, to) = (kafka.unique("odd"), kafka.unique("to"));
    kafka.create_topic(&from, 1, &[]).unwrap();
    kafka.create_topic(&to, 1, &[]).unwrap();
    kafka.produce(&from, [Record::value("first").header("h", "1")]).unwrap();
    let headers: [(&[u8], &[u8]); 2] = [(b"plain", b"1"), (b"\xff\xfe", b"2")];
    kafka.produce_odd_headers(&from, 0, b"odd", &headers).unwrap();
    kafka.produce(&from, [Record::value("last")]).unwrap();
    Some((kafka, from, to, kafka.unique("group")))
}

#[stage]
fn tag(line: &String, ctx: &Context) -> String {
    format!("{line} {} {}", ctx.headers().len(), ctx.headers().dropped())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_name_that_is_no_text_does_not_matter_where_no_header_is_read() {
    let Some((kafka, from, ..)) = odd() else { return };
    let app = pipeline! { name "plain"; kafka::text(&from) => map(|line: String| line.len()) => heal; };
    let report = app.run_until_end(config(kafka, &kafka.unique("group"))).await.unwrap();
    assert_eq!((report.healed, report.lag), (3, Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_name_that_is_no_text_holds_up_no_stage_and_no_sink_and_the_others_stay() {
    let Some((kafka, from, to, group)) = odd() else { return };
    let app = pipeline! {
        name "sends"; lines = kafka::text(&from) => tag => kafka::to_text(&to); lines => heal;
    };
    let report = app.run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!((report.healed, report.lag), (3, Some(0)));
    let written = kafka.read_all(&to).unwrap();
    assert_eq!(crate::common::texts(&written), ["first 1 0", "odd 1 1", "last 0 0"]);
    assert_eq!(written[1].headers, [("plain".to_owned(), Some(b"1".to_vec()))]);
}

#[tokio::test]
async fn a_record_compressed_with_zstd_names_the_feature_and_is_not_stepped_over() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic("out", 1).unwrap();
    kafka.produce("in", ["one", "two"].map(|text| (None::<&str>, Some(text)))).unwrap();
    produce_zstd(kafka.brokers(), "in");
    kafka.produce("in", [(None::<&str>, Some("four"))]).unwrap();
    let app = pipeline! { name "text"; lines = kafka::text("in") => kafka::to_text("out"); lines => heal; };
    let config = settings(kafka.brokers(), "group").build().unwrap();
    let error = app.run_until_end(config).await.unwrap_err();
    assert!(matches!(error, Error::Broker(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("cargo feature `zstd`"), "{text}");
    assert!(text.contains("in") && text.contains("restart") || text.contains("enable"), "{text}");
    let committed = kafka.committed("group", "in").unwrap().get(&0).copied();
    assert!(committed.is_none_or(|offset| offset <= 2), "{committed:?}");
    assert!(kafka.records("out").unwrap().len() <= 2, "nothing behind it was read");
}

/// Puts one batch into partition 0 that says of itself that zstd compressed it.
fn produce_zstd(brokers: &str, topic: &str) {
    let mut summed = 4_i16.to_be_bytes().to_vec(); // attributes: zstd
    summed.extend(0_i32.to_be_bytes()); // the difference of the last offset to the first
    summed.extend([0; 16]); // the first and the last time
    summed.extend([0xff; 14]); // no producer number, epoch and sequence
    summed.extend(1_i32.to_be_bytes()); // records
    summed.extend([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0]); // nothing, compressed by zstd
    let mut batch = vec![0; 8]; // the broker sets the offset
    batch.extend(u32::try_from(summed.len() + 9).unwrap().to_be_bytes());
    batch.extend([0xff, 0xff, 0xff, 0xff, 2]); // no leader epoch; the version of the format
    batch.extend([0; 4]); // a checksum that this broker does not look at
    batch.extend(summed);

    let mut request = Vec::new();
    request.extend([0, 0, 0, 3]); // produce, in its third version
    request.extend(1_i32.to_be_bytes()); // the number that the answer repeats
    request.extend([0, 1, b't']); // the client's name
    request.extend((-1_i16).to_be_bytes()); // no transaction
    request.extend((-1_i16).to_be_bytes()); // acknowledged by all replicas
    request.extend(5_000_i32.to_be_bytes()); // within five seconds
    request.extend(1_i32.to_be_bytes()); // topics
    request.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
    request.extend(topic.as_bytes());
    request.extend(1_i32.to_be_bytes()); // partitions
    request.extend(0_i32.to_be_bytes());
    request.extend(u32::try_from(batch.len()).unwrap().to_be_bytes());
    request.extend(batch);

    let mut broker = TcpStream::connect(brokers).unwrap();
    broker.set_read_timeout(Some(crate::common::LIMIT)).unwrap();
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
