//! How a `Stream` is written, node by node.
//!
//! `key = expr` in `pipeline!` is a setter call after the node (`.batch(500).within("1s")`, `.filter(f).reason("late")`): one
//! form for the macro and for hands, where a builder struct beside each node would be a second one.

use std::marker::PhantomData;

use super::{
    FanOut,
    fan_out::{BranchStart, Way},
};
use crate::{
    chain::{
        Accepts, Branch, Chain as _, Checked, Consumer, Filters, Gathers, Healed, Here, Keeps, Link, Nodes,
        Operator, Reach as _, Splits, Start, Stream, Unbatches,
    },
    config::IntoDuration,
    operators::{Batching, Checkpoint, Filter, HealNode, Map, Port, ToPort, TryMap, Unbatch},
    topology::{NodeDraft, NodeKind},
    unfinished::{
        self,
        typed::{Flow, Taker},
    },
};

impl<C: Link> Stream<C> {
    fn put<O: Operator>(self, operator: O) -> Stream<C::Then<O>> {
        let draft = operator.draft();
        self.put_as(draft, operator)
    }

    fn put_as<O: Operator>(mut self, node: NodeDraft, operator: O) -> Stream<C::Then<O>> {
        let at = self.draft.push(node);
        Stream { link: self.link.then(operator, at), draft: self.draft }
    }

    /// Notes the type of the values that flow here, for `pipeline!` to look at.
    #[doc(hidden)]
    pub fn flows(self, _: &Flow<C::Out>) -> Self {
        self
    }

    /// Notes the type of the last node, for `pipeline!` to look at the types that the node may settle.
    #[doc(hidden)]
    pub fn taken_by(self, _: &Taker<C::Last>) -> Self {
        self
    }

    /// Values that flow here count as done from now on: `build` refuses types that cannot be done.
    fn done(mut self) -> Self {
        self.draft.refuse(unfinished::fault::<C::Out>());
        self
    }

    /// Puts a stage or a sink next: `.then(validate::stage())`, `.then(kafka::to_json("topic"))`.
    pub fn then<O: Accepts<C::Out>>(self, node: O) -> Stream<C::Then<O>> {
        let draft = node.draft();
        let (is_sink, keeps) = (matches!(draft.kind, NodeKind::Sink { .. }), draft.stores);
        let stream = if is_sink { self.done() } else { self };
        let stream = stream.put_as(draft, node);
        if keeps { stream.done() } else { stream }
    }

    /// Names the node before this call, instead of the stage's own name.
    ///
    /// The name is part of the path in metrics and errors, and the store keys checkpoints by it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(node) = self.draft.last() {
            node.name = name.into();
        }
        self
    }

    /// Turns each value into another.
    pub fn map<U, F>(self, f: F) -> Stream<C::Then<Map<C::Out, F>>>
    where
        U: Send + 'static,
        F: Fn(C::Out) -> U + Send + Sync + 'static,
    {
        self.put(Map::new(f))
    }

    /// Turns each value into another, or fails: an `Err` follows the failure policy.
    pub fn try_map<U, E, F>(self, f: F) -> Stream<C::Then<TryMap<C::Out, F>>>
    where
        U: Send + 'static,
        E: Into<crate::error::BoxError> + 'static,
        F: Fn(C::Out) -> Result<U, E> + Send + Sync + 'static,
    {
        self.put(TryMap::new(f))
    }

    /// Lets through the values for which the closure returns `true`; the rest is skipped and counted.
    ///
    /// The reason is the node's name, or the text of [`reason`](Stream::reason).
    pub fn filter<F>(self, keep: F) -> Stream<C::Then<Filter<C::Out, F>>>
    where
        F: Fn(&C::Out) -> bool + Send + Sync + 'static,
    {
        self.put(Filter::new(keep))
    }

    /// The reason that the records which the filter before drops are counted under.
    pub fn reason(mut self, reason: impl Into<String>) -> Self
    where
        C::Last: Filters,
    {
        if let Some(NodeDraft { kind: NodeKind::Filter { reason: its }, .. }) = self.draft.last() {
            *its = Some(reason.into());
        }
        self
    }

    /// Keeps the last value of each partition in the store, as JSON, under the name of the node before.
    pub fn checkpoint(self) -> Stream<C::Then<Checkpoint<C::Out>>>
    where
        Here: Keeps<C::Out>,
    {
        self.checkpoint_at(Here)
    }

    /// As [`checkpoint`](Stream::checkpoint); the compiler reports errors at the argument.
    #[doc(hidden)]
    pub fn checkpoint_at<K: Keeps<C::Out>>(self, _: K) -> Stream<C::Then<Checkpoint<C::Out>>> {
        let mut stream = self.done();
        let name = stream.draft.last().map_or_else(String::new, |node| node.name.clone());
        let mut node = NodeDraft::new(name, NodeKind::Checkpoint);
        node.stores = true;
        stream.put_as(node, Checkpoint::new(K::encode))
    }

    /// Gathers records of all partitions into batches of `rows`.
    ///
    /// A batch leaves early when its oldest row has waited for [`within`](Stream::within) (1 s by default), when its rows
    /// are all that a partition may have in flight or has memory for, when one of their partitions is revoked, and at the end.
    pub fn batch(self, rows: usize) -> Stream<C::Then<Batching<C::Out>>> {
        self.done().put(Batching::new(rows))
    }

    /// The longest time that a row waits for others in the batch before; 1 s by default. A wrong text is an error of
    /// `App::build`.
    pub fn within(mut self, wait: impl IntoDuration) -> Self
    where
        C::Last: Gathers,
    {
        if let Some(node) = self.draft.last() {
            match wait.into_duration() {
                Ok(wait) => {
                    if let NodeKind::Batch { within, .. } = &mut node.kind {
                        *within = wait;
                    }
                }
                Err(error) => node.faults.push(format!("within: {error}")),
            }
        }
        self
    }

    /// Takes a batch apart: each row goes on as the record that it came from, with its own offset, key, headers and timestamp, in the
    /// order of the batch.
    ///
    /// Rows are moved, not cloned. Below, a row fails alone and becomes a dead letter of its own record, `parallel` keeps the order of its
    /// key, a sink writes its key, and commits move row by row. A batch that branched before has a clone of its rows on each way, as any
    /// value has; a record is done when its row is done on all ways.
    ///
    /// A row that [`BatchMut::flat_map`](crate::BatchMut::flat_map) made goes on as its record as well; the record is done when all its rows are.
    /// One that [`BatchMut::reduce`](crate::BatchMut::reduce) made is of several records, even where the batch had one row only: it has no key, no headers and
    /// the highest of their times, a failure of it stops the pipeline, and a sink needs [`key`](crate::Sink::key) or
    /// [`keyless`](crate::Sink::keyless) for it: the first such row finds that out, `build` cannot.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// #[stage(batch)]
    /// fn scored(lines: BatchMut<'_, String>) -> BatchMut<'_, usize> {
    ///     lines.map(|line| line.len()) // one call of a model for all
    /// }
    ///
    /// let lines = kafka::text("lines").stream("lines").batch(500).then(scored::stage());
    /// // Each score is written under the key of its line.
    /// let app = App::new("scores").chain(lines.unbatch().then(kafka::to_json("scores")).heal());
    /// # drop(app);
    /// ```
    pub fn unbatch<T>(self) -> Stream<C::Then<Unbatch<T>>>
    where
        T: Send + 'static,
        C::Out: Unbatches<Row = T>,
    {
        self.put(Unbatch::new())
    }

    /// Sends every record several ways; each branch must end in `heal`, and a record is done when it is in all of them.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// let lines = kafka::text("lines").stream("lines");
    /// let both = lines
    ///     .fan_out(|all| all.then(kafka::to_text("copy")).heal())
    ///     .and(|all| all.filter(|line: &String| line.len() > 80).reason("short").heal());
    /// # let _ = App::new("x").chain(both);
    /// ```
    pub fn fan_out<B, F>(self, branch: F) -> FanOut<C, Way<C, B>>
    where
        Here: Splits<C::Out>,
        B: Branch,
        F: FnOnce(Stream<BranchStart<C>>) -> B,
    {
        self.fan_out_at(Here, branch)
    }

    /// As [`fan_out`](Stream::fan_out); the compiler reports errors about the value at the first argument.
    #[doc(hidden)]
    pub fn fan_out_at<S, B, F>(mut self, _: S, branch: F) -> FanOut<C, Way<C, B>>
    where
        S: Splits<C::Out>,
        B: Branch,
        F: FnOnce(Stream<BranchStart<C>>) -> B,
    {
        let branches = self.branch(branch);
        FanOut { before: self, branches, duplicate: S::duplicate, reach: PhantomData }
    }

    pub(super) fn branch<B, F>(&mut self, branch: F) -> Way<C, B>
    where
        B: Branch,
        F: FnOnce(Stream<BranchStart<C>>) -> B,
    {
        let start = Stream { link: Start(PhantomData), draft: self.draft.branch() };
        let number = start.draft.start();
        let Healed { chain, nodes, start } = branch(start).finish();
        self.draft.adopt(if start == number { nodes } else { self.draft.branch().refuse_branch(STRAY) });
        C::Reach::way(Checked::new(chain.into_consumer()))
    }

    /// Ends the stream in a port: its records flow on in the stream that was made together with the port.
    pub fn to(mut self, port: &Port<C::Out>) -> Ended<C, ToPort<C::Out>> {
        let mut node = NodeDraft::new("to", NodeKind::ToPort);
        node.feeds = Some(port.id());
        self.draft.push(node);
        self.end(ToPort::new(port))
    }

    /// Settles the records that flow here: the offset of a record is done when every part of the record got so far.
    pub fn heal(self) -> Ended<C, HealNode> {
        self.heal_as("heal")
    }

    /// As [`heal`](Stream::heal), with a name for the whole chain: in `describe` and in paths its end is called so.
    pub fn heal_as(self, name: impl Into<String>) -> Ended<C, HealNode> {
        let mut stream = self.done();
        stream.draft.push(NodeDraft::new(name, NodeKind::Heal));
        stream.end(HealNode)
    }

    pub(super) fn end<D: Consumer<C::Out>>(self, end: D) -> Ended<C, D> {
        let start = self.draft.start();
        let plan = self.draft.freeze();
        let consumer = self.link.attach(&plan, end);
        Healed { chain: Nodes::new(consumer), nodes: plan.into_nodes(), start }
    }
}

/// A chain with its last node.
pub type Ended<C, D> = Healed<Nodes<<C as Link>::In, <C as Link>::Into<D>>>;

/// The fault of a branch that healed another stream than the one that it was given. Types cannot say it: the beginning of a chain
/// from a user's function is not known.
const STRAY: &str = "this branch gives a chain that begins elsewhere, so the offsets of its own records would never be \
                     committed: end the stream that its closure is given";
