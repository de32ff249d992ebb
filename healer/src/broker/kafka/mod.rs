//! The broker as rdkafka sees it; nothing outside this folder knows that library.
//!
//! rdkafka's surprises are dealt with here, once: it panics over header names and commit metadata that are not UTF-8, has no words
//! for leader epochs ([`raw`] for both), drops a client only after the group let it go ([`closing`]), names no partition when an
//! offset is out of range and reports why a request failed only at the next poll ([`client_errors`]).

mod client_errors;
mod closing;
mod codes;
mod consumer;
mod context;
mod errors;
mod lists;
mod metadata;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "healer's own tests use a part of it"))]
pub(crate) mod mock;
mod producer;
mod properties;
mod raw;
mod records;
mod remote;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod transactions;
mod watch;

pub(crate) use consumer::KafkaBroker;
pub(crate) use producer::KafkaProducer;
