//! A dead letter: the record as it came in, and what went wrong.

use std::sync::Arc;

use crate::{
    context::{Context, Original},
    engine::Host,
    envelope::Visit,
    error::{Cause, said::chain},
};

/// A record that failed, on its way to its topic.
pub(crate) struct Letter {
    pub(super) topic: Arc<str>,
    pub(super) original: Option<Arc<Original>>,
    /// Where it failed.
    pub(super) node: u32,
    pub(super) stage: Arc<str>,
    pub(super) error: String,
    /// Of the record that failed.
    pub(super) context: Context,
}

impl Letter {
    /// Of an item on its way through fused nodes: the record itself is at hand, or what was kept of it.
    pub(super) fn new(host: &Host, node: u32, topic: &Arc<str>, cause: &Cause, visit: &Visit<'_>) -> Self {
        let mut letter = Self::of_context(host, node, topic, cause, visit.context);
        if let Some(record) = visit.record() {
            letter.original = Some(Arc::new(Original::of(record)));
        }
        letter
    }

    pub(super) fn of_context(
        host: &Host,
        node: u32,
        topic: &Arc<str>,
        cause: &Cause,
        context: &Context,
    ) -> Self {
        Self {
            topic: Arc::clone(topic),
            original: context.original().cloned(),
            node,
            stage: host.nodes().path(node),
            error: chain(cause),
            context: context.keep(false),
        }
    }
}

/// The beginning of a text.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
