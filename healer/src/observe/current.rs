//! The record that this thread is working on, so that log lines show it. It is held as plain numbers in thread-local cells: they
//! are set for every record, and read only where something is logged.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;

use crate::{
    names::Names,
    record::{Millis, batch_id, emit_id},
    topology::Graph,
};

/// The record, or batch, whose stage runs on this thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Current {
    /// The record's topic; of a batch, that of its first row.
    pub topic: Arc<str>,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// [`Context::emit_id`](crate::Context::emit_id); of a batch its own.
    pub emit_id: Uuid,
    /// The path of the stage.
    pub stage: Arc<str>,
}

/// The record, or batch, that a stage works on, on this thread and now: `None` outside of the stages of a running pipeline, and
/// in threads and tasks that a stage starts itself.
///
/// ```
/// use healer::prelude::*;
///
/// #[stage]
/// fn charge(order: String) -> String {
///     if let Some(current) = healer::observe::current() {
///         println!("{} at {}", current.emit_id, current.stage);
///     }
///     order
/// }
/// # fn main() {}
/// ```
pub fn current() -> Option<Current> {
    let (here, node) = (HERE.get(), NODE.get());
    let topic = TOPICS.text(here.topic?)?;
    let first = emit_id(&topic, here.partition, here.offset, here.timestamp.get());
    let emit_id = here.batch.map_or(first, |rows| batch_id(first, rows));
    let paths = PATHS.read().unwrap_or_else(PoisonError::into_inner);
    let stage = paths.as_ref().and_then(|paths| paths.get(&node).cloned()).unwrap_or_default();
    Some(Current { topic, partition: here.partition, offset: here.offset, emit_id, stage })
}

/// Where records come from, by number.
static TOPICS: Names = Names::new();

/// The paths of all nodes of the pipelines that run.
static PATHS: RwLock<Option<HashMap<u32, Arc<str>>>> = RwLock::new(None);

/// The facts that name a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here {
    /// `None` where there is no record.
    pub(crate) topic: Option<u32>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: Millis,
    /// How many rows a batch has.
    pub(crate) batch: Option<u32>,
}

impl Here {
    /// No record.
    pub(crate) const fn nowhere() -> Self {
        Self { topic: None, partition: 0, offset: 0, timestamp: Millis::NONE, batch: None }
    }
}

thread_local! {
    static HERE: Cell<Here> = const { Cell::new(Here::nowhere()) };
    static NODE: Cell<u32> = const { Cell::new(0) };
}

/// The number of a topic.
pub(crate) fn topic(name: &str) -> u32 {
    TOPICS.number(name)
}

/// The topic of a number.
pub(crate) fn topic_name(number: u32) -> Option<Arc<str>> {
    TOPICS.text(number)
}

/// This thread works on a record from now on.
#[inline]
pub(crate) fn set(here: Here) {
    HERE.set(here);
}

/// It is at a node now.
#[inline]
pub(crate) fn at(node: u32) {
    NODE.set(node);
}

/// This thread works on a record until the [`Inside`] is dropped; then again on the record before it.
#[inline]
pub(crate) fn enter(here: Here, node: u32) -> Inside {
    Inside { before: (HERE.replace(here), NODE.replace(node)) }
}

/// When it is dropped, the thread works again on the record before it.
#[must_use]
pub(crate) struct Inside {
    before: (Here, u32),
}

impl Inside {
    /// As [`enter`], where records come one after the other and [`set`] says which.
    pub(crate) fn of_none() -> Self {
        enter(Here::nowhere(), 0)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let (before, node) = self.before;
        HERE.set(before);
        NODE.set(node);
    }
}

/// The nodes of a running pipeline have names, until that is dropped.
pub(crate) struct Named(Vec<u32>);

impl Named {
    pub(crate) fn new(graph: &Graph) -> Self {
        let mut paths = PATHS.write().unwrap_or_else(PoisonError::into_inner);
        let paths = paths.get_or_insert_default();
        paths.extend(graph.nodes.iter().map(|node| (node.id, Arc::clone(&node.path))));
        Self(graph.nodes.iter().map(|node| node.id).collect())
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let mut paths = PATHS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(paths) = paths.as_mut() {
            self.0.iter().for_each(|node| drop(paths.remove(node)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Here, Millis, current, enter, topic};

    fn here(offset: i64) -> Here {
        Here { topic: Some(topic("flights")), partition: 3, offset, timestamp: Millis::NONE, batch: None }
    }

    #[test]
    fn what_was_worked_on_before_is_worked_on_again() {
        assert_eq!(current(), None);
        let outer = enter(here(7), 0);
        let offset = || current().map(|current| current.offset);
        assert_eq!(offset(), Some(7));
        let inner = enter(here(8), 0);
        assert_eq!(offset(), Some(8));
        drop(inner);
        assert_eq!(offset(), Some(7));
        drop(outer);
        assert_eq!(current(), None);
    }

    #[test]
    fn a_batch_has_an_identity_of_its_own() {
        let record = enter(here(7), 0);
        let of_record = current().expect("a record").emit_id;
        drop(record);
        let batch = enter(Here { batch: Some(11), ..here(7) }, 0);
        let of_batch = current().expect("a batch").emit_id;
        drop(batch);
        assert_ne!(of_record, of_batch);
    }
}
