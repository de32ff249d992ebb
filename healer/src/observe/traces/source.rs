//! Where traces begin: at the source of a pipeline.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    headers,
    init::installed,
    root::{Record, Root, Trace},
    span::Span,
    tracer::Tracer,
};
use crate::broker::{RecordRef, TopicPartition};

/// The tracer of a running pipeline: the one that was there when it started, if there was one.
pub(crate) struct Tracing(Option<Arc<Pipeline>>);

/// Whose records are traced.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) tracer: Arc<Tracer>,
    pub(super) name: Arc<str>,
    pub(super) group: Option<Arc<str>>,
}

/// A partition, as one source of a pipeline reads it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) path: Arc<str>,
    pub(super) partition: TopicPartition,
}

impl Tracing {
    pub(crate) fn of_process(pipeline: &str, group: Option<&str>) -> Self {
        Self::new(installed(), pipeline, group)
    }

    pub(super) fn new(tracer: Option<Arc<Tracer>>, pipeline: &str, group: Option<&str>) -> Self {
        let pipeline = |tracer| Pipeline { tracer, name: Arc::from(pipeline), group: group.map(Arc::from) };
        Self(tracer.map(|tracer| Arc::new(pipeline(tracer))))
    }

    /// Whether anybody sends traces.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn source(&self, path: Arc<str>, partition: &TopicPartition) -> TracedSource {
        let source = |pipeline| Source { pipeline, path, partition: partition.clone() };
        TracedSource(self.0.clone().map(|pipeline| Arc::new(source(pipeline))))
    }

    /// A call of a batch stage: a trace of its own, since its rows are of several, with links to those.
    /// `first` gives identity and attempt of the first row.
    pub(crate) fn batch<'t>(
        &self,
        path: &Arc<str>,
        rows: impl ExactSizeIterator<Item = &'t Trace> + Clone,
        first: impl FnOnce() -> (Uuid, u32),
    ) -> Span {
        match &self.0 {
            Some(pipeline) if rows.clone().any(Trace::is_on) => Span::of_batch(pipeline, path, rows, first()),
            _ => Span::NONE,
        }
    }
}

/// Where the traces of one partition begin.
pub(crate) struct TracedSource(Option<Arc<Source>>);

impl TracedSource {
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.as_ref().is_some_and(|source| source.pipeline.tracer.is_open())
    }

    /// Whether there may be traces at all while this is open.
    pub(crate) fn reads_headers(&self) -> bool {
        self.0.is_some()
    }

    /// The trace of a record, where it is to have one.
    #[cold]
    pub(crate) fn begin(&self, record: &RecordRef<'_>) -> Trace {
        let Some(source) = &self.0 else { return Trace::NONE };
        let parent = headers::parent(record.headers);
        let Some(ids) = source.pipeline.tracer.begin(parent.as_ref()) else { return Trace::NONE };
        let record = Record {
            source: Arc::clone(source),
            parent: parent.map(|parent| parent.span_id()),
            offset: record.offset,
            timestamp: record.timestamp,
        };
        Trace::of(Root::of_record(ids, record))
    }
}
