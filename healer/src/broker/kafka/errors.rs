//! Errors of librdkafka in words, each with its request, its broker and the mend.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use super::{
    client_errors::ClientErrors,
    codes::{is_refusal, is_silence, kind},
};
use crate::broker::{BrokerError, BrokerErrorKind as Kind, CommitError, CommitErrorKind};

/// The error of a failed request, in words.
pub(super) fn failed(what: &str, error: &KafkaError, client_errors: &ClientErrors) -> BrokerError {
    match error.rdkafka_error_code() {
        Some(code) => failed_with(what, code, client_errors),
        // Errors without a code carry librdkafka's text or name instead.
        None => text_only(what, &error.to_string(), client_errors),
    }
}

/// A record that was not taken.
pub(super) fn failed_send(what: &str, error: &KafkaError, client_errors: &ClientErrors) -> BrokerError {
    let why = match error.rdkafka_error_code() {
        Some(Code::InvalidRecord) => {
            "the broker finds the record invalid: a compacted topic takes no record without a key; give it a key, or choose another topic"
        }
        Some(Code::InvalidTimestamp) => {
            "the broker does not take the record's time: change the topic's `message.timestamp.before.max.ms` and \
             `message.timestamp.after.max.ms`, or the time"
        }
        Some(Code::InvalidMessage) => "the broker finds the record damaged",
        _ => return failed(what, error, client_errors),
    };
    BrokerError { kind: Kind::Rejected, text: format!("{what} failed: {why} ({})", client_errors.place()) }
}

/// As [`failed`], by the code of the error.
pub(super) fn failed_with(what: &str, code: Code, client_errors: &ClientErrors) -> BrokerError {
    if is_silence(code) {
        return silence(what, code, client_errors);
    }
    let reason = client_errors.reason(code).unwrap_or_else(|| code.to_string());
    let kind = match kind(code) {
        // The same code also stands for a record format that is not written any more.
        Kind::MissingCodec if reason.contains("MagicByte") => Kind::Fatal,
        kind => kind,
    };
    let help = help(code, kind);
    BrokerError { kind, text: format!("{what} failed: {reason} ({}); {help}", client_errors.place()) }
}

/// No answer: the client's own errors tell whether nobody is there or somebody sent us away.
fn silence(what: &str, code: Code, client_errors: &ClientErrors) -> BrokerError {
    if let Some(refusal) = client_errors.refusal() {
        let help = help(refusal.code, Kind::NotAuthorized);
        return BrokerError {
            kind: Kind::NotAuthorized,
            text: format!(
                "{what} failed: authentication failed: {} ({}); {help}",
                refusal.text,
                client_errors.place()
            ),
        };
    }
    let reason = client_errors.last().map_or_else(|| code.to_string(), |heard| heard.text);
    // A listener that wants TLS or SASL says nothing to a client that does not begin with it.
    let hung_up = ["closed by peer", "Broken pipe", "reset by peer", "security.protocol"];
    let hung_up = if hung_up.iter().any(|words| reason.contains(words)) {
        "; a listener for TLS or SASL hangs up like this: check `security.protocol`"
    } else {
        ""
    };
    BrokerError {
        kind: Kind::Unreachable,
        text: format!(
            "{what} failed: no broker answered in time: {reason} ({}); {}{hung_up}",
            client_errors.place(),
            help(code, Kind::Unreachable)
        ),
    }
}

fn text_only(what: &str, reason: &str, client_errors: &ClientErrors) -> BrokerError {
    // The only errors without a code that a running client gives are refused calls: by a fatal error before them, or
    // by a state in which they make no sense.
    let help = "the client cannot be used any more: restart the pipeline";
    BrokerError {
        kind: Kind::Fatal,
        text: format!("{what} failed: {reason} ({}); {help}", client_errors.place()),
    }
}

/// The advice that an error's text gives its reader.
fn help(code: Code, kind: Kind) -> &'static str {
    match kind {
        Kind::NotAuthorized => match code {
            Code::SSL => "check `security.protocol` and the `ssl.*` properties",
            code if is_refusal(code) => {
                "check `security.protocol`, `sasl.mechanisms`, `sasl.username` and `sasl.password`"
            }
            _ => "ask the cluster's owner for the rights (ACLs) that reading, writing and committing need",
        },
        Kind::Unreachable => "check `bootstrap.servers`, the network, and that the brokers run",
        Kind::UnknownTopic => "create the topic, or correct its name",
        Kind::MissingCodec => {
            "this build of healer cannot decompress it: enable the cargo feature `zstd` of `healer`"
        }
        Kind::TooLarge => {
            "raise the client's `message.max.bytes` and the topic's `max.message.bytes`, or send less"
        }
        Kind::Configuration => match code {
            Code::InconsistentGroupProtocol => {
                "the members of a group must agree on `group.protocol` and on the assignor"
            }
            _ => "correct the configuration",
        },
        Kind::Fatal => match code {
            Code::BadMessage | Code::BadCompression | Code::InvalidMessage | Code::InvalidRecord => {
                "the batch is damaged and reading on would lose its records: repair the topic, or commit an offset \
                 behind the batch by hand"
            }
            Code::FencedInstanceId => {
                "another member uses the same `group.instance.id`: give each instance its own"
            }
            // With the `consumer` protocol also a member that comes back after a crash, until the broker gives up its predecessor.
            Code::UnreleasedInstanceId => {
                "another member uses the same `group.instance.id`: give each instance its own, or start again when the \
                 session of one that crashed is over"
            }
            _ => "the client cannot be used any more: restart the pipeline",
        },
        _ => match code {
            Code::PollExceeded => {
                "the group has taken the partitions away: raise `max.poll.interval.ms`, or work less between two polls"
            }
            _ => {
                "this may pass: brokers that start, or whose leaders and coordinators move, answer like this"
            }
        },
    }
}

/// Why a commit failed, and the consequence for the partitions.
pub(super) fn commit_failed(what: &str, error: &KafkaError, client_errors: &ClientErrors) -> CommitError {
    let Some(code) = error.rdkafka_error_code() else {
        let text = failed(what, error, client_errors).text;
        return CommitError { kind: CommitErrorKind::Fatal, text };
    };
    let (kind, help) = match code {
        Code::RebalanceInProgress | Code::AssignPartitions | Code::RevokePartitions => {
            (CommitErrorKind::Rebalancing, "the commit waits until the rebalance is over")
        }
        // A stale epoch is behind, not thrown out: the next heartbeat brings the new one.
        Code::StaleMemberEpoch => {
            (CommitErrorKind::Rebalancing, "the commit waits until the member has its new epoch")
        }
        // A commit that was under way when the group moved on; where the partitions are gone the client says so itself, and
        // where they are kept the next commit carries the new generation.
        Code::IllegalGeneration => {
            (CommitErrorKind::Rebalancing, "the commit waits until the member has its new generation")
        }
        Code::UnknownMemberId | Code::FencedMemberEpoch | Code::AssignmentLost | Code::Outdated => (
            CommitErrorKind::Fenced,
            "the group has gone on without this member: its partitions count as lost",
        ),
        Code::OffsetMetadataTooLarge => (
            CommitErrorKind::Fatal,
            "the broker's `offset.metadata.max.bytes` is below what is written: raise it, or lower healer's \
             `metadata_max_bytes` to it",
        ),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownTopicId => (
            CommitErrorKind::UnknownTopic,
            "the topic is gone: create it again, or take it out of the pipeline",
        ),
        Code::InvalidCommitOffsetSize | Code::NoOffset | Code::State => {
            (CommitErrorKind::Fatal, "the request can never work")
        }
        _ => match kind(code) {
            kind @ (Kind::NotAuthorized | Kind::Fatal | Kind::Configuration | Kind::TooLarge) => {
                (CommitErrorKind::Fatal, self::help(code, kind))
            }
            _ => (CommitErrorKind::Retriable, "it is tried again"),
        },
    };
    let reason = client_errors.reason(code).unwrap_or_else(|| code.to_string());
    CommitError { kind, text: format!("{what} failed: {reason} ({}); {help}", client_errors.place()) }
}
