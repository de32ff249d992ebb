//! How the engine's reports on itself are written as JSON: durations are numbers of seconds, bytes are as reports have them.
#![allow(clippy::ref_option, reason = "serde gives a field as it is")]

use std::{borrow::Cow, sync::Arc, time::Duration};

use base64::{DecodeError, Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer};

pub(crate) fn seconds<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    time.as_secs_f64().serialize(to)
}

pub(crate) fn seconds_if_any<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.as_ref().map(Duration::as_secs_f64).serialize(to)
}

// Serde's own impl for `Arc` is behind a feature, and a feature is switched on for the whole program.
pub(crate) fn text<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

pub(crate) fn bytes_if_any<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
    bytes.as_deref().map(Written::of).serialize(to)
}

/// Bytes as they are written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Written<'a> {
    Text(Cow<'a, str>),
    Base64(String),
}

impl<'a> Written<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(Cow::Borrowed(text)),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Text(text) => Ok(text.into_owned().into_bytes()),
            Self::Base64(text) => STANDARD.decode(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use serde_json::{json, to_value};

    use crate::{
        broker::Outage,
        engine::{
            Blocked, CommitHealth, CommittedOffset, Health, HeldBack, HeldPartition, PartitionReport,
            PartitionState, PartitionStatus, Phase, Report, SaveHealth, Stalled, WaitingForPartitions,
        },
        error::Error,
        lane::{OpenCircuit, SendHealth},
    };

    fn blocked(key: &[u8]) -> Blocked {
        Blocked {
            offset: 4,
            stage: Arc::from("lines.charge"),
            lasting: Duration::from_millis(61_250),
            key: Some(key.to_vec()),
            key_is_cut: false,
        }
    }

    fn held_back() -> HeldBack {
        HeldBack { offset: 9, lasting: Duration::from_mins(2) }
    }

    #[test]
    fn all_of_a_pipelines_health_is_json_with_seconds_as_numbers() {
        let topic: Arc<str> = Arc::from("orders");
        let health = Health {
            phase: Phase::Draining,
            outage: Some(Outage { lasting: Duration::from_millis(1500), reason: "no route".to_owned() }),
            unreachable_after: Duration::from_mins(5),
            commits: CommitHealth {
                last: Some(Duration::from_millis(250)),
                failures: 2,
                error: Some("in a rebalance".to_owned()),
                total: 7,
                saving: Some(Duration::from_millis(750)),
            },
            saves: SaveHealth {
                failures: 3,
                lasting: Some(Duration::from_millis(1750)),
                error: Some("the disk is full".to_owned()),
            },
            sends: Some(SendHealth {
                stage: "lines.to_json".to_owned(),
                topic: "orders".to_owned(),
                partition: 3,
                offset: 8,
                lasting: Duration::from_secs(11),
                reason: "a broker throttles".to_owned(),
            }),
            missing_topic: Some("gone".to_owned()),
            polled: Duration::from_micros(500),
            assigned: 4,
            waiting: Some(WaitingForPartitions {
                lasting: Duration::from_secs(45),
                reason: "a session".to_owned(),
            }),
            open_circuits: vec![OpenCircuit {
                stage: Arc::from("lines.charge"),
                lasting: Duration::from_millis(500),
                failures: 3,
                error: "503".to_owned(),
            }],
            uncommitted: None,
            stalled: vec![Stalled { topic: Arc::clone(&topic), partition: 3, blocked: blocked(b"\xff\x00") }],
            held_back: vec![HeldPartition { topic, partition: 1, held_back: held_back() }],
            error: Some(Error::Unreachable("no broker".to_owned())),
        };
        let wanted = json!({
            "phase": "draining",
            "outage": { "lasting": 1.5, "reason": "no route" },
            "unreachable_after": 300.0,
            "commits": { "last": 0.25, "failures": 2, "error": "in a rebalance", "total": 7, "saving": 0.75 },
            "saves": { "failures": 3, "lasting": 1.75, "error": "the disk is full" },
            "sends": {
                "stage": "lines.to_json", "topic": "orders", "partition": 3, "offset": 8, "lasting": 11.0,
                "reason": "a broker throttles",
            },
            "missing_topic": "gone",
            "polled": 0.0005,
            "assigned": 4,
            "waiting": { "lasting": 45.0, "reason": "a session" },
            "open_circuits": [{ "stage": "lines.charge", "lasting": 0.5, "failures": 3, "error": "503" }],
            "uncommitted": null,
            "stalled": [{
                "topic": "orders", "partition": 3,
                "blocked": {
                    "offset": 4, "stage": "lines.charge", "lasting": 61.25, "key": { "base64": "/wA=" },
                    "key_is_cut": false,
                },
            }],
            "held_back": [{ "topic": "orders", "partition": 1, "held_back": { "offset": 9, "lasting": 120.0 } }],
            "error": "no broker",
        });
        assert_eq!(to_value(health).unwrap(), wanted);
        let phases = [Phase::Running, Phase::Draining, Phase::Ended];
        assert_eq!(to_value(phases).unwrap(), json!(["running", "draining", "ended"]));
    }

    #[test]
    fn a_partitions_status_is_json_with_its_key_as_text_where_it_is_text() {
        let status = PartitionStatus {
            topic: Arc::from("orders"),
            partition: 3,
            committed: None,
            frontier: 4,
            position: 9,
            end: Some(12),
            pending: 5,
            done_above: 1,
            data_losses: 0,
            state: PartitionState::HeldBack,
            blocked: Some(blocked(b"customer-7")),
            held_back: Some(held_back()),
        };
        let wanted = json!({
            "topic": "orders", "partition": 3, "committed": null, "frontier": 4, "position": 9, "end": 12,
            "pending": 5, "done_above": 1, "data_losses": 0, "state": "held_back",
            "blocked": {
                "offset": 4, "stage": "lines.charge", "lasting": 61.25, "key": { "text": "customer-7" },
                "key_is_cut": false,
            },
            "held_back": { "offset": 9, "lasting": 120.0 },
        });
        assert_eq!(to_value(status).unwrap(), wanted);
        let unkeyed = Blocked { key: None, ..blocked(b"") };
        assert_eq!(to_value(unkeyed).unwrap()["key"], json!(null));
        for state in PartitionState::ALL {
            assert_eq!(to_value(state).unwrap(), json!(state.text()), "as metrics name it");
        }
    }

    #[test]
    fn the_report_of_a_run_and_a_commit_are_json() {
        let partition = PartitionReport {
            topic: "orders".to_owned(),
            partition: 3,
            start: 2,
            committed: Some(9),
            end: None,
        };
        let report = Report {
            records: 7,
            healed: 5,
            skipped: [("cancelled".to_owned(), 1)].into(),
            dead_lettered: 1,
            commits: 2,
            partitions: vec![partition],
            lag: Some(0),
            fenced: 0,
            duration: Duration::from_millis(2750),
        };
        let wanted = json!({
            "records": 7, "healed": 5, "skipped": { "cancelled": 1 }, "dead_lettered": 1, "commits": 2,
            "partitions": [{ "topic": "orders", "partition": 3, "start": 2, "committed": 9, "end": null }],
            "lag": 0, "fenced": 0, "duration": 2.75,
        });
        assert_eq!(to_value(report).unwrap(), wanted);
        let commit = CommittedOffset { topic: Arc::from("orders"), partition: 3, offset: 9 };
        assert_eq!(to_value(commit).unwrap(), json!({ "topic": "orders", "partition": 3, "offset": 9 }));
    }
}
