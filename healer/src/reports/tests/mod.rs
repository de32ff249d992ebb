//! A report to test with, and the tests of all that is done with reports.

mod directory;
mod draft;
#[cfg(feature = "object-store")]
mod object_store;
mod queue;
mod report;
#[cfg(feature = "webhook")]
mod webhook;

use serde_json::json;
use uuid::Uuid;

use crate::topology::Called;

use super::{FailureReport, Outcome, PanicReport, RawRecord, RowReport};

/// A report in which all is said.
fn sample() -> FailureReport {
    let mut report = FailureReport::new("flights", &Called::at("flights.validate.enrich"), Outcome::Failed);
    report.written_at = "2026-08-01T12:30:05.123Z".to_owned();
    report.kind = Some("panic".to_owned());
    report.error = vec!["no such airport".to_owned(), "the table is empty".to_owned()];
    report.panic = Some(PanicReport {
        message: "no such airport".to_owned(),
        backtrace: Some("0: enrich".to_owned()),
        location: Some("src/stages.rs:12:5".to_owned()),
    });
    report.attempt = 2;
    report.emit_id = Uuid::from_u128(11);
    report.topic = "orders".to_owned();
    report.partition = 3;
    report.offset = 41;
    report.timestamp = Some(1_700_000_000_123);
    report.record = Some(RawRecord {
        key: Some(vec![0xff, 0x00, 0xfe]),
        value: Some("{\"to\": \"Zürich\"}".as_bytes().to_vec()),
        headers: vec![
            ("trace".to_owned(), Some(b"a1".to_vec())),
            ("trace".to_owned(), Some(vec![0xc3])),
            ("empty".to_owned(), Some(Vec::new())),
            ("null".to_owned(), None),
        ],
    });
    report.input = Some(json!({ "to": "Zürich", "seats": [1, 2.5, null] }));
    let emit_id = Uuid::from_u128(12);
    report.rows = vec![RowReport {
        topic: "orders".to_owned(),
        partition: 3,
        offset: 42,
        timestamp: Some(12),
        emit_id,
        record: report.record.clone(),
    }];
    report
}
