//! A span that has not ended: a call of a stage, or a record on its way to the broker.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use opentelemetry::trace::{SpanContext, SpanId};
use uuid::Uuid;

use super::{
    Trace,
    finished::{Batch, Finished, What},
    headers,
    root::Root,
    said,
    source::Pipeline,
};
use crate::{
    broker::Delivery,
    observe::Ended,
    record::{Headers, batch_id},
};

/// To how many rows a batch has links.
const LINKS: usize = 128;

/// A span that is to begin, or has begun. One that is dropped before its end says so; one that never began is nothing.
pub struct Span(Option<Box<Work>>);

struct Work {
    root: Arc<Root>,
    id: SpanId,
    name: Arc<str>,
    what: What,
    began: Option<Instant>,
    /// Since when others have the thread.
    paused: Option<Instant>,
    /// How long they had it before.
    others: Duration,
}

impl Span {
    /// Nothing is traced.
    pub(crate) const NONE: Self = Self(None);

    #[cold]
    pub(super) fn of_call(root: &Arc<Root>, stage: &Arc<str>, attempt: u32) -> Self {
        Self::new(root, None, stage, What::Call { attempt, skipped: false })
    }

    #[cold]
    pub(super) fn of_send(root: &Arc<Root>, sink: &Arc<str>) -> Self {
        Self::new(root, None, sink, What::Send { topic: None })
    }

    /// With the traces of all its rows, and with identity and attempt of the first.
    #[cold]
    pub(super) fn of_batch<'t>(
        pipeline: &Arc<Pipeline>,
        stage: &Arc<str>,
        rows: impl ExactSizeIterator<Item = &'t Trace>,
        (first, attempt): (Uuid, u32),
    ) -> Self {
        let count = rows.len();
        let mut traces = rows.filter_map(Trace::ids);
        let links = traces.by_ref().take(LINKS).cloned().collect();
        let batch = Batch {
            pipeline: Arc::clone(&pipeline.name),
            emit_id: batch_id(first, u32::try_from(count).unwrap_or(u32::MAX)),
            attempt,
            rows: count,
            links,
            left_out: traces.count(),
        };
        let root = Arc::new(Root::of_batch(pipeline));
        let id = root.ids.span_id();
        Self::new(&root, Some(id), stage, What::Batch(Box::new(batch)))
    }

    fn new(root: &Arc<Root>, id: Option<SpanId>, name: &Arc<str>, what: What) -> Self {
        Self(Some(Box::new(Work {
            id: id.unwrap_or_else(|| root.pipeline.tracer.span_id()),
            root: Arc::clone(root),
            name: Arc::clone(name),
            what,
            began: None,
            paused: None,
            others: Duration::ZERO,
        })))
    }

    /// The call begins now, unless it has.
    #[inline]
    pub(crate) fn begin(&mut self) {
        if let Some(work) = &mut self.0 {
            work.began.get_or_insert_with(Instant::now);
        }
    }

    /// Others have the thread from now on: their time does not count for the call.
    #[inline]
    pub(crate) fn pause(&mut self) {
        if let Some(work) = &mut self.0 {
            work.paused.get_or_insert_with(Instant::now);
        }
    }

    /// The call goes on.
    #[inline]
    pub(crate) fn resume(&mut self) {
        if let Some(work) = &mut self.0
            && let Some(paused) = work.paused.take()
        {
            work.others += paused.elapsed();
        }
    }

    /// It has ended.
    #[inline]
    pub(crate) fn end(&mut self, ended: Ended<'_>) {
        if let Some(work) = self.0.take() {
            work.end(ended);
        }
    }

    /// The record goes to this topic. Its headers say that this sends it; `None` where they stay as they are.
    pub(crate) fn sends_to(&mut self, topic: &Arc<str>, headers: &Headers) -> Option<Headers> {
        let work = self.0.as_mut()?;
        work.what = What::Send { topic: Some(Arc::clone(topic)) };
        Some(headers::with_parent(headers, &work.root.ids, work.id))
    }

    /// It ends as the delivery does.
    pub(crate) fn ends_with(mut self, delivery: Delivery) -> Delivery {
        if self.0.is_none() {
            return delivery;
        }
        Box::pin(async move {
            let result = delivery.await;
            self.end(result.as_ref().map(|()| true).map_err(|error| error as _));
            result
        })
    }

    /// The trace in which the results of a batch go on.
    pub(crate) fn follow(&self) -> Trace {
        self.0.as_ref().map_or_else(|| Trace::NONE, |work| Trace::from(Arc::clone(&work.root)))
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(work) = self.0.take_if(|work| work.began.is_some()) {
            let why = if thread::panicking() { "a panic" } else { "it was cancelled" };
            work.end(Err(&why));
        }
    }
}

impl Work {
    #[cold]
    fn end(self, ended: Ended<'_>) {
        let Self { root, id, name, mut what, began, paused, others } = self;
        let now = paused.unwrap_or_else(Instant::now);
        let began = began.unwrap_or(now);
        if let (What::Call { skipped, .. }, Ok(false)) = (&mut what, &ended) {
            *skipped = true;
        }
        let ids = &root.ids;
        root.pipeline.tracer.send(Finished {
            ids: SpanContext::new(ids.trace_id(), id, ids.trace_flags(), false, ids.trace_state().clone()),
            parent: if id == ids.span_id() { SpanId::INVALID } else { ids.span_id() },
            parent_is_remote: false,
            name,
            began: root.time(began),
            ended: root.time(now.checked_sub(others).unwrap_or(began)),
            fault: ended.err().map(said),
            what,
        });
    }
}
