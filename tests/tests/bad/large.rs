//! Large records: a record that fits goes through, and the error of one that does not names the setting in its way.

use std::error::Error as _;

use crate::common::{chain, config, failed_record, settings};
use healer::testing::EmbeddedKafka;
use healer::{RecordErrorKind, prelude::*};
use healer_tests::kafka::{RealKafka, Record};

const MEBIBYTE: usize = 1 << 20;

#[tokio::test]
async fn a_value_of_one_mebibyte_goes_through_source_and_sink() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic("out", 1).unwrap();
    kafka.produce("in", [(Some("key"), Some(vec![b'x'; MEBIBYTE]))]).unwrap();
    let app =
        pipeline! { name "large"; values = kafka::bytes("in") => kafka::to_bytes("out"); values => heal; };
    let report = app.run_until_end(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap();
    assert_eq!((report.healed, report.lag), (1, Some(0)));
    assert_eq!(kafka.records("out").unwrap()[0].value.as_ref().map(Vec::len), Some(MEBIBYTE));
}

/// Two topics of one partition; the first holds a small record, a large one, a small one.
fn filled(limit: &str) -> Option<(&'static RealKafka, String, String, String)> {
    let kafka = RealKafka::for_test()?;
    let (from, to) = (kafka.unique("from"), kafka.unique("to"));
    kafka.create_topic(&from, 1, &[]).unwrap();
    kafka.create_topic(&to, 1, &[("max.message.bytes", limit)]).unwrap();
    let records = [vec![b'a'], vec![b'b'; MEBIBYTE], vec![b'c']].map(Record::value);
    kafka.produce(&from, records).unwrap();
    Some((kafka, from, to, kafka.unique("group")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_one_mebibyte_goes_through_a_real_broker() {
    let Some((kafka, from, to, group)) = filled("8388608") else { return };
    let app =
        pipeline! { name "large"; values = kafka::bytes(&from) => kafka::to_bytes(&to); values => heal; };
    let report = app.run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!((report.healed, report.lag), (3, Some(0)));
    let sizes: Vec<_> =
        kafka.read_all(&to).unwrap().into_iter().map(|record| record.value.unwrap().len()).collect();
    assert_eq!(sizes, [1, MEBIBYTE, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_client_finds_too_large_names_the_setting_and_is_not_committed() {
    let Some((kafka, from, to, group)) = filled("8388608") else { return };
    let app =
        pipeline! { name "large"; values = kafka::bytes(&from) => kafka::to_bytes(&to); values => heal; };
    let config = settings(kafka.brokers(), &group).set("message.max.bytes", "10000").build().unwrap();
    let error = failed_record(app.run_until_end(config).await);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::Send));
    assert_eq!(error.stage, format!("values.{to}"));
    let text = chain(&*error);
    assert!(text.contains("message.max.bytes"), "{text}");
    assert!(error.source().is_some(), "{text}");
    assert_eq!(kafka.committed(&group, &from).unwrap()[&0], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_broker_finds_too_large_names_the_setting_and_is_not_committed() {
    let Some((kafka, from, to, group)) = filled("10000") else { return };
    let app =
        pipeline! { name "large"; values = kafka::bytes(&from) => kafka::to_bytes(&to); values => heal; };
    let config = settings(kafka.brokers(), &group).set("message.max.bytes", "8000000").build().unwrap();
    let error = failed_record(app.run_until_end(config).await);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::Send));
    let text = chain(&*error);
    assert!(text.contains("max.message.bytes"), "{text}");
    assert_eq!(kafka.committed(&group, &from).unwrap()[&0], 1);
    assert_eq!(kafka.read_all(&to).unwrap()[0].value.as_deref(), Some(&b"a"[..]));
}
