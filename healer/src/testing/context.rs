//! A record's context for a function that is tested alone.

use std::sync::Arc;

use super::{TestRecord, in_memory::Placed};
use crate::Context;

/// The [`Context`] of a record at a place, to call a stage's function with.
///
/// ```
/// use healer::{prelude::*, testing};
///
/// #[stage]
/// fn charge(cents: u64, ctx: &Context) -> String {
///     format!("{cents} at {}[{}]@{}, attempt {}", ctx.topic(), ctx.partition(), ctx.offset(), ctx.attempt())
/// }
///
/// let ctx = testing::context("orders", 0, 7).key("N12345").header("trace", Some("a1")).attempt(2).build();
/// assert_eq!(charge(99, &ctx), "99 at orders[0]@7, attempt 2");
/// ```
pub fn context(topic: &str, partition: i32, offset: i64) -> TestContext {
    TestContext { topic: topic.into(), partition, offset, record: TestRecord::new(), attempt: 1, path: None }
}

/// A context that is being put together: see [`context`].
#[derive(Clone, Debug)]
#[must_use = "a context is made by `build`"]
pub struct TestContext {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    record: TestRecord,
    attempt: u32,
    path: Option<Arc<str>>,
}

impl TestContext {
    /// The record's key. Default: none.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.record = self.record.key(key);
        self
    }

    /// Appends a header; one of the same name stays.
    pub fn header(mut self, name: impl Into<String>, value: Option<impl Into<Vec<u8>>>) -> Self {
        self.record = self.record.header(name, value);
        self
    }

    /// The record's time in milliseconds since 1970. Default: none.
    pub fn timestamp(mut self, millis: i64) -> Self {
        self.record = self.record.timestamp(millis);
        self
    }

    /// Which attempt it is. Default: 1, the first.
    ///
    /// # Panics
    /// If it is 0.
    pub fn attempt(mut self, attempt: u32) -> Self {
        assert!(attempt > 0, "attempts are counted from 1");
        self.attempt = attempt;
        self
    }

    /// The path of the stage that runs, as `flights.validate.enrich`. Default: empty.
    pub fn stage(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The context.
    pub fn build(self) -> Context {
        let Self { topic, partition, offset, record, attempt, path } = self;
        let mut context = Placed { topic, partition, offset, record }.context();
        if let Some(path) = path {
            context.enter(&path);
        }
        for _ in 1..attempt {
            context.next_attempt();
        }
        context
    }
}
