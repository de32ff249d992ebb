//! librdkafka's error codes by their kinds, which the engine decides by.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::broker::BrokerErrorKind as Kind;

/// Whether a code says that the broker will not have us.
pub(super) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::SSL
    )
}

/// Whether a code only says that no answer came.
pub(super) fn is_silence(code: Code) -> bool {
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::MessageTimedOut
            | Code::WaitingForCoordinator
            | Code::BrokerNotAvailable
            | Code::NetworkException
    )
}

/// Whether a code says that the broker does not take a record, or one of those beside it in its batch.
pub(super) fn is_of_record(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidMessage
            | Code::InvalidRecord
            | Code::InvalidDifferentRecord
            | Code::InvalidTimestamp
    )
}

/// Whether a code says that an idempotent producer has ended: a new one may send the record.
pub(super) fn is_of_client(code: Code) -> bool {
    matches!(
        code,
        Code::Fatal
            | Code::GaplessGuarantee
            | Code::Inconsistent
            | Code::OutOfOrderSequenceNumber
            | Code::UnknownProducerId
            | Code::InvalidProducerEpoch
    )
}

/// Whether a code says that an offset does not exist.
pub(super) fn is_out_of_range(code: Code) -> bool {
    matches!(code, Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation)
}

/// The kind of a failed request.
pub(super) fn kind(code: Code) -> Kind {
    match code {
        code if is_refusal(code) => Kind::NotAuthorized,
        code if is_silence(code) => Kind::Unreachable,
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::DelegationTokenExpired
        | Code::DelegationTokenAuthorizationFailed => Kind::NotAuthorized,
        Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::UnknownTopicId => Kind::UnknownTopic,
        Code::NotImplemented | Code::UnsupportedCompressionType => Kind::MissingCodec,
        Code::InvalidTopic
        | Code::InvalidArgument
        | Code::InvalidConfig
        | Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InvalidRequiredAcks
        | Code::InconsistentGroupProtocol
        | Code::UnsupportedAssignor
        | Code::UnsupportedVersion
        | Code::UnsupportedFeature
        | Code::UnsupportedForMessageFormat
        | Code::PolicyViolation
        | Code::GroupMaxSizeReached
        | Code::InvalidTimestamp => Kind::Configuration,
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => Kind::TooLarge,
        // The client steps over a batch that it cannot read: going on would lose records.
        Code::BadMessage
        | Code::BadCompression
        | Code::InvalidMessage
        | Code::InvalidRecord
        | Code::Fatal
        | Code::Fenced
        | Code::FencedInstanceId
        | Code::UnreleasedInstanceId
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::GaplessGuarantee
        | Code::CriticalSystemResource => Kind::Fatal,
        _ => Kind::Transient,
    }
}
