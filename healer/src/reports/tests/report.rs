//! Reports as JSON, and their names.

use serde_json::{Value, json};

use super::{
    super::{FailureReport, ReportError, file_name::is_report},
    sample,
};

fn read_back(report: &FailureReport) -> FailureReport {
    FailureReport::from_json(&report.to_json()).expect("it is a report")
}

fn parsed(report: &FailureReport) -> Value {
    serde_json::from_slice(&report.to_json()).expect("it is JSON")
}

#[test]
fn a_report_is_read_back_as_it_was() {
    let report = sample();
    // `Debug` would not show the difference.
    assert!(read_back(&report) == report, "{}", String::from_utf8_lossy(&report.to_json()));
    assert!(report.to_json().ends_with(b"}\n"));
}

#[test]
fn a_report_without_a_record_is_read_back_as_it_was() {
    let mut report = sample();
    (report.kind, report.panic, report.timestamp) = (None, None, None);
    (report.record, report.input) = (None, None);
    report.error.clear();
    report.rows.clear();
    assert!(read_back(&report) == report);
    assert_eq!(parsed(&report)["kind"], Value::Null);
}

#[test]
fn an_input_that_is_null_is_not_the_same_as_none() {
    let mut report = sample();
    report.input = Some(Value::Null);
    assert_eq!(read_back(&report).input, Some(Value::Null));
    report.input = None;
    assert_eq!(read_back(&report).input, None);
}

#[test]
fn bytes_are_text_where_they_are_utf_8_and_base64_elsewhere() {
    let json = parsed(&sample());
    assert_eq!(json["record"]["key"], json!({ "base64": "/wD+" }));
    assert_eq!(json["record"]["value"], json!({ "text": "{\"to\": \"Zürich\"}" }));
    let headers = json!([
        { "name": "trace", "value": { "text": "a1" } },
        { "name": "trace", "value": { "base64": "ww==" } },
        { "name": "empty", "value": { "text": "" } },
        { "name": "null", "value": null },
    ]);
    assert_eq!(json["record"]["headers"], headers);
    assert_eq!((&json["outcome"], &json["version"]), (&json!("failed"), &json!(1)));
    assert_eq!(json["emit_id"], json!("00000000-0000-0000-0000-00000000000b"));
}

#[test]
fn bytes_that_are_no_base64_are_refused() {
    let mut json = parsed(&sample());
    json["record"]["key"] = json!({ "base64": "not base64!" });
    let error = FailureReport::from_json(json.to_string().as_bytes()).expect_err("it cannot be read");
    assert!(matches!(error, ReportError::Malformed(_)), "{error}");
}

#[test]
fn a_newer_format_is_refused_by_name_and_what_is_no_report_as_such() {
    let newer = br#"{"version": 2, "healer": "9.1.0", "all": "different"}"#;
    let error = FailureReport::from_json(newer).expect_err("it is newer");
    assert!(matches!(error, ReportError::Newer { version: 2, newest: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("9.1.0"), "{error}");
    for other in [b"{}".as_slice(), b"[1]", b"{\"version\": 1}", b""] {
        let error = FailureReport::from_json(other).expect_err("it is no report");
        assert!(matches!(error, ReportError::Malformed(_)), "{error:?}");
    }
}

#[test]
fn what_a_later_release_adds_is_passed_over() {
    let mut json = parsed(&sample());
    json["weather"] = json!("fine");
    let report = FailureReport::from_json(json.to_string().as_bytes()).expect("the version is known");
    assert!(report == sample());
}

#[test]
fn a_log_line_with_a_report_has_no_data() {
    let line = format!("{:?} {:?}", sample(), sample().record);
    assert!(line.contains("flights.validate.enrich"), "{line}");
    for data in ["Zür", "a1", "seats", "255"] {
        assert!(!line.contains(data), "{data} is in {line}");
    }
}

#[test]
fn a_file_is_named_by_time_stage_and_record() {
    let name = sample().file_name();
    assert_eq!(name, "2026-08-01T123005.123Z-enrich-orders-3-41-2.json");
    assert!(is_report(&name));
    assert!(is_report("2026-08-01T123005.123Z-a-b-0-0-1.2.json"));
    for other in ["notes.json", "2026-08-01.json", "2026-08-01T123005.123Z-a-b-0-0-1.tmp", ".json", ""] {
        assert!(!is_report(other), "{other}");
    }
}

#[test]
fn a_name_is_safe_on_all_file_systems() {
    let mut report = sample();
    report.stage = "../über:*? \\stage".to_owned();
    report.topic = "a/b".to_owned();
    let name = report.file_name();
    assert_eq!(name, "2026-08-01T123005.123Z-..__ber_____stage-a_b-3-41-2.json");
}

#[test]
fn a_long_name_is_cut_and_stays_unique() {
    let mut report = sample();
    report.stage = "s".repeat(300);
    report.topic = "t".repeat(249);
    report.offset = i64::MAX;
    report.attempt = u32::MAX;
    let name = report.file_name();
    assert_eq!(name.len(), 200);
    assert!(name.ends_with("-3-9223372036854775807-4294967295.json"), "{name}");
    assert!(is_report(&name));
    let mut other = report.clone();
    other.topic.push('u');
    assert_ne!(other.file_name(), name);
    report.attempt -= 1;
    assert_ne!(report.file_name(), name);
}

#[test]
fn a_larger_report_weighs_more() {
    let report = sample();
    let mut larger = report.clone();
    larger.record.as_mut().expect("there is one").value = Some(vec![0; 1_000_000]);
    assert!(larger.weight() > report.weight() + 900_000);
    let mut larger = report.clone();
    larger.input = Some(json!([{ "text": "x".repeat(1_000_000) }]));
    assert!(larger.weight() > report.weight() + 900_000);
}
