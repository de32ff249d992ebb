//! Without the feature `opentelemetry` nothing is traced, and nothing of it is in the program.
#![allow(clippy::unused_self, reason = "as with the feature")]

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::Ended;
use crate::{
    broker::{Delivery, RecordRef, TopicPartition},
    record::Headers,
};

/// The tracer of a running pipeline: none.
pub(crate) struct Tracing;

impl Tracing {
    pub(crate) fn of_process(_: &str, _: Option<&str>) -> Self {
        Self
    }

    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn source(&self, _: Arc<str>, _: &TopicPartition) -> TracedSource {
        TracedSource
    }

    pub(crate) fn batch<'t>(
        &self,
        _: &Arc<str>,
        _: impl ExactSizeIterator<Item = &'t Trace> + Clone,
        _: impl FnOnce() -> (Uuid, u32),
    ) -> Span {
        Span
    }
}

/// Where no traces begin.
pub(crate) struct TracedSource;

impl TracedSource {
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn reads_headers(&self) -> bool {
        false
    }

    pub(crate) fn begin(&self, _: &RecordRef<'_>) -> Trace {
        Trace
    }
}

/// The trace that no record is in.
#[derive(Clone)]
pub(crate) struct Trace;

impl Trace {
    pub(crate) const NONE: Self = Self;

    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn share(&self) -> Self {
        Self
    }

    pub(crate) fn fail(&self, _: &dyn fmt::Display) {}

    pub(crate) fn call(&self, _: &Arc<str>, _: u32) -> Span {
        Span
    }

    pub(crate) fn sends(&self, _: &Arc<str>) -> Span {
        Span
    }
}

/// The span that no call has.
pub struct Span;

impl Span {
    pub(crate) const NONE: Self = Self;

    pub(crate) fn begin(&mut self) {}

    pub(crate) fn pause(&mut self) {}

    pub(crate) fn resume(&mut self) {}

    pub(crate) fn end(&mut self, _: Ended<'_>) {}

    pub(crate) fn sends_to(&mut self, _: &Arc<str>, _: &Headers) -> Option<Headers> {
        None
    }

    pub(crate) fn ends_with(self, delivery: Delivery) -> Delivery {
        delivery
    }

    pub(crate) fn follow(&self) -> Trace {
        Trace
    }
}
