//! `Stream`: what the user writes down, and `Healed`: what a whole chain becomes.

use std::{marker::PhantomData, sync::Arc};

use super::{Accepts, Branch, Consumer, FanOut, Here, Keeps, Link, Splits, Start, Then};
use crate::{
    config::IntoDuration,
    operators::{CheckpointLink, FilterLink, HealNode, MapLink, PartitionLink, Port, ToPort, TryMapLink},
    topology::{Draft, Node, NodeDraft, NodeKind},
};

/// Records on their way, each with its offset beside it.
///
/// A stream starts at a source and must end in [`heal`](Stream::heal): what does not is no [`Healed`] and makes no app.
///
/// ```
/// use healer::prelude::*;
///
/// let healed = kafka::string("lines")
///     .stream("lines")
///     .map(|line: String| line.len())
///     .filter(|length| *length > 0)
///     .reason("empty")
///     .heal();
/// let app = App::new("count").add(healed);
/// assert!(app.describe().to_string().contains("lines"));
/// ```
#[must_use = "this stream never reaches `heal`: the offsets of its records would never be committed"]
pub struct Stream<C> {
    pub(crate) link: C,
    pub(crate) draft: Draft,
}

/// A chain that settles the offset of every record which flows into it.
#[must_use = "this chain is in no app: add it with `App::add`"]
pub struct Healed<D> {
    pub(crate) consumer: D,
    pub(crate) nodes: Vec<Arc<Node>>,
}

#[diagnostic::do_not_recommend]
impl<T, D: Consumer<T>> Branch<T> for Healed<D> {
    type Consumer = D;

    fn finish(self) -> (D, Vec<Arc<Node>>) {
        (self.consumer, self.nodes)
    }
}

impl<C: Link> Stream<C> {
    pub(crate) fn new(link: C, first: NodeDraft) -> Self {
        Self { link, draft: Draft::new(first) }
    }

    fn wrap<L>(mut self, node: NodeDraft, link: impl FnOnce(C, usize) -> L) -> Stream<L> {
        let at = self.draft.push(node);
        Stream { link: link(self.link, at), draft: self.draft }
    }

    /// Puts a stage or a sink next: `.then(validate::stage())`, `.then(kafka::to_json("topic"))`.
    pub fn then<O: Accepts<C::Out>>(self, node: O) -> Stream<Then<C, O>> {
        let draft = node.draft();
        self.wrap(draft, |before, at| Then { before, operator: node, at })
    }

    /// Names the node before this call, instead of the stage's own name.
    ///
    /// The name is part of the path in metrics and errors, and what the store keys checkpoints by.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(node) = self.draft.last() {
            node.name = name.into();
        }
        self
    }

    /// Turns each value into another.
    pub fn map<U, F>(self, f: F) -> Stream<MapLink<C, F>>
    where
        U: Send + 'static,
        F: Fn(C::Out) -> U + Send + Sync + 'static,
    {
        let mut node = NodeDraft::new("map", NodeKind::Map);
        crate::operators::refuse_hidden_errors::<U>(&mut node);
        self.wrap(node, |before, at| MapLink { before, f, at })
    }

    /// Turns each value into another, or fails: an `Err` follows the failure policy.
    pub fn try_map<U, E, F>(self, f: F) -> Stream<TryMapLink<C, F>>
    where
        U: Send + 'static,
        E: Into<crate::error::BoxError> + 'static,
        F: Fn(C::Out) -> Result<U, E> + Send + Sync + 'static,
    {
        self.wrap(NodeDraft::new("try_map", NodeKind::Map), |before, at| TryMapLink { before, f, at })
    }

    /// Lets through what the closure says `true` of; the rest is skipped and counted.
    ///
    /// The reason is the node's name, or what [`reason`](Stream::reason) says.
    pub fn filter<F>(self, keep: F) -> Stream<FilterLink<C, F>>
    where
        F: Fn(&C::Out) -> bool + Send + Sync + 'static,
    {
        self.wrap(NodeDraft::new("filter", NodeKind::Filter), |before, at| FilterLink {
            before,
            keep,
            reason: None,
            at,
        })
    }

    /// Keeps the last value of each partition in the store, as JSON, under the name of the node before.
    pub fn checkpoint(self) -> Stream<CheckpointLink<C>>
    where
        Here: Keeps<C::Out>,
    {
        self.checkpoint_at(Here)
    }

    /// As [`checkpoint`](Stream::checkpoint); what is wrong is said at the argument.
    #[doc(hidden)]
    pub fn checkpoint_at<K: Keeps<C::Out>>(mut self, _: K) -> Stream<CheckpointLink<C>> {
        let name = self.draft.last().map_or_else(String::new, |node| node.name.clone());
        let mut node = NodeDraft::new(name, NodeKind::Checkpoint);
        node.stores = true;
        self.wrap(node, |before, at| CheckpointLink { before, encode: K::encode, at })
    }

    /// Gathers records into batches of `rows`, whatever partition they come from.
    ///
    /// A batch leaves early when its oldest row has waited for [`within`](Stream::within) (1 s by default), when its rows
    /// are all that a partition may have in flight, when one of their partitions is revoked, and at the end.
    pub fn partition(self, rows: usize) -> Stream<PartitionLink<C>> {
        let within = std::time::Duration::from_secs(1);
        let node = NodeDraft::new("partition", NodeKind::Partition { rows, within });
        self.wrap(node, |before, at| PartitionLink { before, at })
    }

    /// Sends every record several ways; each branch must end in `heal`, and a record is done when it is in all of them.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// let lines = kafka::string("lines").stream("lines");
    /// let both = lines
    ///     .fan_out(|all| all.then(kafka::to_string("copy")).heal())
    ///     .and(|all| all.filter(|line: &String| line.len() > 80).reason("short").heal());
    /// # let _ = App::new("x").add(both);
    /// ```
    pub fn fan_out<B, F>(self, branch: F) -> FanOut<C, B::Consumer>
    where
        Here: Splits<C::Out>,
        B: Branch<C::Out>,
        F: FnOnce(Stream<Start<C::Out>>) -> B,
    {
        self.fan_out_at(Here, branch)
    }

    /// As [`fan_out`](Stream::fan_out); what is wrong with the value is said at the first argument.
    #[doc(hidden)]
    pub fn fan_out_at<S, B, F>(mut self, _: S, branch: F) -> FanOut<C, B::Consumer>
    where
        S: Splits<C::Out>,
        B: Branch<C::Out>,
        F: FnOnce(Stream<Start<C::Out>>) -> B,
    {
        let consumer = self.branch(branch);
        FanOut { before: self, branches: consumer, duplicate: S::duplicate }
    }

    pub(super) fn branch<B, F>(&mut self, branch: F) -> B::Consumer
    where
        B: Branch<C::Out>,
        F: FnOnce(Stream<Start<C::Out>>) -> B,
    {
        let start = Stream { link: Start(PhantomData), draft: self.draft.branch() };
        let (consumer, nodes) = branch(start).finish();
        self.draft.adopt(nodes);
        consumer
    }

    /// Ends the stream in a port: its records flow on in the stream that was made together with the port.
    pub fn to(mut self, port: &Port<C::Out>) -> Healed<C::Into<ToPort<C::Out>>> {
        let mut node = NodeDraft::new("to", NodeKind::ToPort);
        node.feeds = Some(port.id());
        self.draft.push(node);
        self.end(ToPort::new(port))
    }

    /// Settles what flows here: the offset of a record is done when every part of it got so far.
    pub fn heal(self) -> Healed<C::Into<HealNode>> {
        self.heal_as("heal")
    }

    /// As [`heal`](Stream::heal), with a name for the whole chain: in `describe` and in paths its end is called so.
    pub fn heal_as(mut self, name: impl Into<String>) -> Healed<C::Into<HealNode>> {
        self.draft.push(NodeDraft::new(name, NodeKind::Heal));
        self.end(HealNode)
    }

    pub(super) fn end<D: Consumer<C::Out>>(self, end: D) -> Healed<C::Into<D>> {
        let plan = self.draft.freeze();
        let consumer = self.link.attach(&plan, end);
        Healed { consumer, nodes: plan.into_nodes() }
    }
}

impl<C: Link, F> Stream<FilterLink<C, F>> {
    /// The reason that the records which the filter drops are counted under.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.link.reason = Some(reason.into());
        self
    }
}

impl<C: Link> Stream<PartitionLink<C>> {
    /// The longest time that a row waits for others; 1 s by default. A wrong text is an error of `App::build`.
    pub fn within(mut self, wait: impl IntoDuration) -> Self {
        if let Some(node) = self.draft.last() {
            match wait.into_duration() {
                Ok(wait) => {
                    if let NodeKind::Partition { within, .. } = &mut node.kind {
                        *within = wait;
                    }
                }
                Err(error) => node.faults.push(format!("within: {error}")),
            }
        }
        self
    }
}
