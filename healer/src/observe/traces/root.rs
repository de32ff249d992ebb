//! A record's trace: the data that all of its spans share, and the first span. That span ends when nothing is left of the record.

use std::{
    fmt, mem,
    sync::{Arc, OnceLock},
    time::{Instant, SystemTime},
};

use opentelemetry::trace::{SpanContext, SpanId};

use super::{
    finished::{Finished, What},
    said,
    source::{Pipeline, Source},
    span::Span,
};

/// The trace that a record is in, if any: one pointer in its context.
pub(crate) struct Trace(Option<Arc<Root>>);

/// A clone has none: a user may keep a context for ever, and the trace would never end.
impl Clone for Trace {
    fn clone(&self) -> Self {
        Self(None)
    }
}

/// The data that the spans of a trace share.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) pipeline: Arc<Pipeline>,
    /// Of the first span.
    pub(super) ids: SpanContext,
    clock: Clock,
    /// The record whose span ends with this root; `None` for a batch, whose span is that of its call.
    record: Option<Record>,
    /// Why the record was given up.
    fault: OnceLock<String>,
}

/// One look at the wall clock. All other times are relative to it, so that spans lie within each other even if that clock jumps.
#[derive(Clone, Copy, Debug)]
struct Clock {
    wall: SystemTime,
    began: Instant,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) source: Arc<Source>,
    /// The span that sent it, as its headers say.
    pub(super) parent: Option<SpanId>,
    pub(super) offset: i64,
    pub(super) timestamp: Option<i64>,
}

impl Trace {
    pub(crate) const NONE: Self = Self(None);

    pub(super) fn of(root: Root) -> Self {
        Self::from(Arc::new(root))
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The same trace for another value that the record became.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// The record was given up.
    pub(crate) fn fail(&self, error: &dyn fmt::Display) {
        if let Some(root) = &self.0 {
            // The first reason is why.
            root.fault.get_or_init(|| said(error));
        }
    }

    /// A call of a stage.
    pub(crate) fn call(&self, stage: &Arc<str>, attempt: u32) -> Span {
        self.0.as_ref().map_or(Span::NONE, |root| Span::of_call(root, stage, attempt))
    }

    /// A record that is sent.
    pub(crate) fn sends(&self, sink: &Arc<str>) -> Span {
        self.0.as_ref().map_or(Span::NONE, |root| Span::of_send(root, sink))
    }

    pub(super) fn ids(&self) -> Option<&SpanContext> {
        self.0.as_ref().map(|root| &root.ids)
    }
}

impl From<Arc<Root>> for Trace {
    fn from(root: Arc<Root>) -> Self {
        Self(Some(root))
    }
}

impl Root {
    pub(super) fn of_record(ids: SpanContext, record: Record) -> Self {
        let pipeline = Arc::clone(&record.source.pipeline);
        pipeline.tracer.began_one();
        let mut root = Self::new(&pipeline, ids);
        root.record = Some(record);
        root
    }

    pub(super) fn of_batch(pipeline: &Arc<Pipeline>) -> Self {
        Self::new(pipeline, pipeline.tracer.anew())
    }

    fn new(pipeline: &Arc<Pipeline>, ids: SpanContext) -> Self {
        let clock = Clock { wall: SystemTime::now(), began: Instant::now() };
        Self { pipeline: Arc::clone(pipeline), ids, clock, record: None, fault: OnceLock::new() }
    }

    pub(super) fn time(&self, at: Instant) -> SystemTime {
        let Clock { wall, began } = self.clock;
        wall + at.saturating_duration_since(began)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let Some(Record { source, parent, offset, timestamp }) = self.record.take() else { return };
        let ids = mem::replace(&mut self.ids, SpanContext::NONE);
        let tracer = &self.pipeline.tracer;
        tracer.send(Finished {
            ids,
            parent: parent.unwrap_or(SpanId::INVALID),
            parent_is_remote: parent.is_some(),
            name: Arc::clone(&source.path),
            began: self.clock.wall,
            ended: self.time(Instant::now()),
            fault: self.fault.take(),
            what: What::Record { source, offset, timestamp },
        });
        tracer.ended_one();
    }
}
