//! The headers by which traces go from process to process, as the W3C has them: `traceparent` and `tracestate`.

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{SpanContext, SpanId, TraceContextExt as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use crate::{broker::ReadHeaders, record::Headers};

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// The values of the two.
struct Carried {
    parent: String,
    state: Option<String>,
}

impl Extractor for Carried {
    fn get(&self, name: &str) -> Option<&str> {
        match name {
            PARENT => Some(&self.parent),
            STATE => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT, STATE]
    }
}

/// The span that sent a record, as its headers say; `None` where they do not, or not in a way that can be read.
pub(super) fn parent(headers: &dyn ReadHeaders) -> Option<SpanContext> {
    let text = |name| headers.value(name).and_then(|value| String::from_utf8(value).ok());
    let carried = Carried { parent: text(PARENT)?, state: text(STATE) };
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carried);
    let parent = context.span().span_context().clone();
    parent.is_valid().then_some(parent)
}

/// The same headers with this span as the one that sends them.
pub(super) fn with_parent(headers: &Headers, trace: &SpanContext, span: SpanId) -> Headers {
    let mut headers = headers.without(&[PARENT, STATE]);
    headers.push(PARENT, Some(format!("00-{}-{span}-{:02x}", trace.trace_id(), trace.trace_flags())));
    let state = trace.trace_state().header();
    if !state.is_empty() {
        headers.push(STATE, Some(state));
    }
    headers
}
