//! A dead letter: the record as it came in, and the error.

use std::sync::Arc;

use crate::{
    context::{Context, Original},
    error::{Cause, said::chain},
    lane::{Host, Visit},
    topology::Called,
};

/// A record that failed, on its way to its topic.
pub(crate) struct Letter {
    pub(super) topic: Arc<str>,
    pub(super) original: Option<Arc<Original>>,
    /// Where it failed.
    pub(super) node: u32,
    pub(super) called: Called,
    pub(super) error: String,
    /// Of the record that failed.
    pub(super) context: Context,
}

impl Letter {
    /// A letter for an item on its way through fused nodes, made of the record itself or of its kept original.
    pub(super) fn new(host: &Host, node: u32, topic: &Arc<str>, cause: &Cause, visit: &Visit<'_>) -> Self {
        let here = visit.record().map(|record| Arc::new(Original::of(record)));
        let original = here.or_else(|| visit.context.original().cloned());
        Self::of(host, node, topic, cause, visit.context, original)
    }

    pub(super) fn of_context(
        host: &Host,
        node: u32,
        topic: &Arc<str>,
        cause: &Cause,
        context: &Context,
    ) -> Self {
        Self::of(host, node, topic, cause, context, context.original().cloned())
    }

    fn of(
        host: &Host,
        node: u32,
        topic: &Arc<str>,
        cause: &Cause,
        context: &Context,
        original: Option<Arc<Original>>,
    ) -> Self {
        let dropped = original.as_ref().map_or(0, |original| original.headers.dropped());
        if dropped > 0 {
            tracing::warn!(
                dead_letter_topic = &**topic,
                stage = &*host.nodes().path(node),
                emit_id = %context.identity(),
                topic = context.topic(),
                partition = context.partition(),
                offset = context.offset(),
                dropped,
                "a dead letter lacks headers of its record, since their names are not UTF-8: mend the producer of the record"
            );
        }
        Self {
            topic: Arc::clone(topic),
            original,
            node,
            called: host.nodes().called(node),
            error: chain(cause),
            context: context.keep(false),
        }
    }
}

/// The beginning of a text.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
