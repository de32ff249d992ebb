//! The host of a lane: the only way from a node to the world.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::future::{BoxFuture, abortable};
use tokio::sync::{oneshot, watch};

use super::{
    Checkpoints, Circuits, Keeps, LaneScope, LaneState, Shared, SharedLane,
    members::Members,
    scope::{LaneSet, Opaque},
    stack::{self, deep, with_stack},
};
use crate::{
    broker::Producer,
    envelope::Home,
    error::{Cause, catch},
    journal::StateRow,
    observe::{LaneCounts, Measures, Rare, Tracing},
    reports::Reports,
    topology::{Found, Need, Node, Nodes},
};

/// A lane's view of the running pipeline.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    /// All that the lanes of the same partitions have in common.
    lanes: Arc<LaneSet>,
    /// The memory of its nodes; `None` below a node that mixes partitions.
    state: Option<Arc<LaneState>>,
    /// Those of `lanes`, one step nearer.
    counts: Arc<LaneCounts>,
    /// Opened by the first record that fails.
    letters: Arc<OnceLock<Opaque>>,
}

impl Host {
    pub(crate) fn of_partition(shared: &Arc<Shared>, home: &Home, state: Arc<LaneState>) -> Self {
        let lanes = LaneSet::new(Members::of(home), shared.counts.open());
        Self { state: Some(state), ..Self::of(shared, Arc::new(lanes)) }
    }

    fn of(shared: &Arc<Shared>, lanes: Arc<LaneSet>) -> Self {
        let counts = Arc::clone(&lanes.counts);
        Self { shared: Arc::clone(shared), lanes, state: None, counts, letters: Arc::default() }
    }

    /// The view of a lane that serves more partitions.
    fn widened(&self, scope: LaneScope) -> Self {
        let members = self.lanes.members.widened(scope);
        if members == self.lanes.members {
            return self.clone();
        }
        Self::of(&self.shared, self.shared.wide_lanes.of(members, || self.shared.counts.open()))
    }

    /// The lane of a node in `scope`: the one that is open, or a new one, opened with the host of its partitions.
    pub(crate) fn lane<L: SharedLane>(
        &self,
        node: u32,
        scope: LaneScope,
        open: impl FnOnce(&Self) -> L,
    ) -> L {
        let host = self.widened(scope);
        host.lanes.lane(node).unwrap_or_else(|| host.lanes.keep(node, open(&host)))
    }

    /// The view of a lane that serves one partition again, below a node that mixed them: it is within this one.
    pub(crate) fn of_one_again(&self, home: &Home) -> Self {
        let lanes = self.lanes.within(Members::of(home), self.shared.counts.open());
        if home.is_fenced() {
            // The generation ended while its lane was opened.
            lanes.tasks.abort();
        }
        Self::of(&self.shared, Arc::new(lanes))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Facts about the pipeline's nodes.
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.shared.nodes
    }

    /// The counts of this lane's nodes.
    #[inline]
    pub(crate) fn counts(&self) -> &LaneCounts {
        &self.counts
    }

    /// Counts a rare event at a node.
    pub(crate) fn count(&self, node: u32, what: Rare) {
        self.shared.counts.rare(node, what);
    }

    pub(crate) fn reports(&self) -> &Reports {
        &self.shared.reports
    }

    /// The pipeline's name.
    pub(crate) fn pipeline(&self) -> &str {
        &self.shared.pipeline
    }

    /// The stages that rest.
    pub(crate) fn circuits(&self) -> &Circuits {
        &self.shared.circuits
    }

    pub(crate) fn traces(&self) -> &Tracing {
        &self.shared.traces
    }

    pub(crate) fn measures(&self) -> &Measures {
        &self.shared.measures
    }

    /// Where fused nodes of this lane leave dead letters; its type is the nodes' own, one for all of them. It is opened with a host
    /// that has no letters yet, since a sender that its own task held would never be closed.
    pub(crate) fn letters<O: Send + Sync + 'static>(&self, open: impl FnOnce(&Self) -> O) -> &O {
        let apart = || Self { letters: Arc::default(), ..self.clone() };
        let letters = self.letters.get_or_init(|| Opaque::new(open(&apart())));
        letters.get().expect("all lanes have letters of one type")
    }

    /// Slot and generation of the lane's partition; `None` below a node that mixes partitions.
    pub(crate) fn origin(&self) -> Option<(u32, u32)> {
        match self.lanes.members {
            Members::One { slot, generation, .. } => Some((slot, generation)),
            Members::Numbered(_) | Members::All => None,
        }
    }

    /// Opens the memory of a node that [keeps rows](crate::topology::NodeDraft::keeps), with those that the store has.
    #[cfg_attr(
        not(all(test, feature = "testing")),
        expect(dead_code, reason = "the first nodes that keep rows are in tests")
    )]
    pub(crate) fn keep<K: Keeps + 'static>(
        &self,
        node: &Node,
        open: impl FnOnce(Vec<StateRow>) -> K,
    ) -> Arc<K> {
        let state = self.state.as_ref().expect("a node below one that mixes partitions keeps no rows");
        state.keep(&node.name, open)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.shared.in_flight
    }

    pub(crate) fn need<N: Need>(&self) -> N {
        N::resolve(&Found(&self.shared.states))
    }

    pub(crate) fn checkpoints(&self) -> Arc<Checkpoints> {
        Arc::clone(&self.shared.checkpoints)
    }

    pub(crate) fn producer(&self) -> Arc<dyn Producer> {
        Arc::clone(self.shared.producer())
    }

    /// Starts a task of this lane; the nodes below it take `stack` bytes of stack.
    pub(crate) fn spawn<F>(&self, stack: usize, task: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (task, handle) = abortable(deep(stack, task));
        self.lanes.tasks.add(handle);
        self.shared.runtime.spawn(Box::pin(async move {
            // An aborted task has returned its receipts.
            let _ = task.await;
        }));
    }

    /// Cancels the tasks of this lane; their receipts are returned.
    pub(crate) fn abort(&self) {
        self.lanes.tasks.abort();
        if let members @ Members::One { .. } = self.lanes.members {
            // Its records may be in lanes of their own below nodes that mix partitions.
            self.shared.wide_lanes.abort_within(members);
        }
    }

    /// Whether the tasks of this lane were cancelled. One that was held up by user code hears of it only where it waits.
    pub(crate) fn is_aborted(&self) -> bool {
        self.lanes.tasks.are_aborted()
    }

    /// Runs a call that may block, on the pool for such calls; a panic comes back as an error. Where the pool is shut down nothing
    /// comes back: the runtime ends, and with it the task that waits here.
    pub(crate) async fn blocking<R, F>(&self, call: F) -> Result<R, Cause>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let stack = stack::of::<[(F, R); 2]>();
        // In a box, so that it is moved to the stack that is large enough for it.
        let call = Box::new(call);
        self.shared.runtime.blocking(Box::new(move || {
            // Nobody listens when the lane was aborted meanwhile.
            with_stack(stack, || drop(sender.send(catch(call).map_err(Cause::Panic))));
        }));
        match receiver.await {
            Ok(result) => result,
            Err(_) => std::future::pending().await,
        }
    }

    /// The time since the pipeline began.
    pub(crate) fn now(&self) -> Duration {
        self.shared.runtime.now()
    }

    pub(crate) fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.shared.runtime.sleep(time)
    }

    pub(crate) fn flush_signal(&self) -> FlushSignal {
        FlushSignal(self.shared.flush.clone())
    }
}

/// Tells a node that waits for more records that none are expected any more.
pub(crate) struct FlushSignal(watch::Receiver<bool>);

impl FlushSignal {
    pub(crate) async fn is_due(&mut self) {
        if self.0.wait_for(|over| *over).await.is_err() {
            // The engine is gone; the lane ends by itself.
            std::future::pending::<()>().await;
        }
    }
}
