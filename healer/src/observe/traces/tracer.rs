//! The tracer decides whether a record is traced, and takes spans in. One serves all pipelines that were started with it.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceFlags, TraceState};
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample as _,
};
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use super::finished::Finished;
use crate::observe::Complaints;

/// How many spans may wait to be sent.
const ROOM: usize = 8_192;

#[derive(Debug)]
pub(super) struct Tracer {
    queue: Sender<Finished>,
    ids: RandomIdGenerator,
    /// For records whose headers say nothing.
    sampler: Sampler,
    /// Whether traces are begun.
    is_open: AtomicBool,
    /// Records whose trace has begun, and not ended.
    under_way: AtomicU64,
    /// Spans that were taken in, and neither sent nor dropped.
    waiting: AtomicU64,
    complaints: Mutex<Complaints>,
}

impl Tracer {
    pub(super) fn new(ratio: f64) -> (Self, Receiver<Finished>) {
        let (queue, spans) = channel(ROOM);
        let tracer = Self {
            queue,
            ids: RandomIdGenerator::default(),
            sampler: Sampler::TraceIdRatioBased(ratio),
            is_open: AtomicBool::new(true),
            under_way: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            complaints: Mutex::default(),
        };
        (tracer, spans)
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Relaxed)
    }

    /// No trace begins any more; those that have are still taken in.
    pub(super) fn close(&self) {
        self.is_open.store(false, Relaxed);
    }

    /// The identity of a record's trace and of its first span; `None` where it is not to be traced. The sender's span decides, and
    /// the sampler where there is none.
    pub(super) fn begin(&self, parent: Option<&SpanContext>) -> Option<SpanContext> {
        match parent {
            Some(parent) if parent.is_sampled() => Some(SpanContext::new(
                parent.trace_id(),
                self.ids.new_span_id(),
                parent.trace_flags(),
                false,
                parent.trace_state().clone(),
            )),
            Some(_) => None,
            None => {
                let new = self.anew();
                let (sampler, kind) = (&self.sampler, &SpanKind::Consumer);
                let verdict = sampler.should_sample(None, new.trace_id(), "", kind, &[], &[]);
                (verdict.decision == SamplingDecision::RecordAndSample).then_some(new)
            }
        }
    }

    /// The identity of a trace that has nothing before it.
    pub(super) fn anew(&self) -> SpanContext {
        let (trace, span) = (self.ids.new_trace_id(), self.ids.new_span_id());
        SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
    }

    pub(super) fn span_id(&self) -> SpanId {
        self.ids.new_span_id()
    }

    /// Takes a span in. Waits for nothing and cannot fail: one that finds no room is dropped and counted.
    pub(super) fn send(&self, span: Finished) {
        self.waiting.fetch_add(1, Relaxed);
        match self.queue.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.lose(1, "too many wait", ""),
            // Nobody wants it any more.
            Err(TrySendError::Closed(_)) => self.done_with(1),
        }
    }

    /// So many spans were sent, or are to be forgotten.
    pub(super) fn done_with(&self, spans: u64) {
        self.waiting.fetch_sub(spans, Relaxed);
    }

    /// Drops so many spans, and says so now and then.
    pub(super) fn lose(&self, spans: u64, why: &str, error: &str) {
        self.done_with(spans);
        // The lock is given back first: a subscriber of the log may be traced as well.
        let dropped =
            self.complaints.lock().unwrap_or_else(PoisonError::into_inner).add(spans, Instant::now());
        if let Some(dropped) = dropped {
            tracing::warn!(dropped, why, error, "spans of traces were dropped");
        }
    }

    /// Spans that were not sent are lost. After this, all spans that were dropped have been told.
    pub(super) fn end(&self) {
        self.close();
        let left = self.waiting.load(Relaxed);
        if left > 0 {
            self.lose(left, "they were not taken in time", "");
        }
        let unsaid = self.complaints.lock().unwrap_or_else(PoisonError::into_inner).rest();
        if let Some(dropped) = unsaid {
            tracing::warn!(dropped, "spans of traces were dropped");
        }
    }

    /// How many records' traces have not ended.
    pub(super) fn under_way(&self) -> u64 {
        self.under_way.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    pub(super) fn began_one(&self) {
        self.under_way.fetch_add(1, Relaxed);
    }

    pub(super) fn ended_one(&self) {
        self.under_way.fetch_sub(1, Relaxed);
    }
}
