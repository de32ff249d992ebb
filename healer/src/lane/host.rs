//! The host of a lane: the only way from a node to the world.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures_util::future::{BoxFuture, abortable};
use tokio::sync::{oneshot, watch};

use super::{
    Checkpoints, Circuits, Keeps, LaneState, Shared,
    stack::{self, deep, with_stack},
    tasks::Tasks,
};
use crate::{
    broker::Producer,
    error::{Cause, catch},
    journal::StateRow,
    observe::{LaneCounts, Measures, Rare, Tracing},
    reports::Reports,
    topology::{Found, Need, Node, Nodes},
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A lane's view of the running pipeline.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    /// Slot and generation; `None` below a node that mixes partitions.
    origin: Option<(u32, u32)>,
    /// The memory of its nodes; `None` as well.
    state: Option<Arc<LaneState>>,
    ports: Arc<Mutex<HashMap<u32, Box<dyn Any + Send>>>>,
    tasks: Arc<Tasks>,
    counts: Arc<LaneCounts>,
    /// Opened by the first record that fails.
    office: Arc<OnceLock<Box<dyn Any + Send + Sync>>>,
}

impl Host {
    pub(crate) fn of_partition(
        shared: &Arc<Shared>,
        slot: u32,
        generation: u32,
        state: Arc<LaneState>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            origin: Some((slot, generation)),
            state: Some(state),
            ports: Arc::default(),
            tasks: Arc::default(),
            counts: shared.counts.open(),
            office: Arc::default(),
        }
    }

    /// The view of a lane that serves all partitions.
    pub(crate) fn of_pipeline(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            origin: None,
            state: None,
            ports: Arc::default(),
            tasks: Arc::clone(&self.shared.pipeline_tasks),
            counts: Arc::clone(&self.shared.pipeline_counts),
            office: Arc::default(),
        }
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

    /// Where fused nodes of this lane leave dead letters; its type is the nodes' own, one for all of them.
    pub(crate) fn office<O: Send + Sync + 'static>(&self, open: impl FnOnce(&Self) -> O) -> &O {
        let office = self.office.get_or_init(|| Box::new(open(self)));
        office.downcast_ref().expect("all lanes have offices of one type")
    }

    pub(crate) fn origin(&self) -> Option<(u32, u32)> {
        self.origin
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
        self.tasks.add(handle);
        self.shared.runtime.spawn(Box::pin(async move {
            // An aborted task has returned its receipts.
            let _ = task.await;
        }));
    }

    /// Cancels the tasks of this lane; their receipts are returned.
    pub(crate) fn abort(&self) {
        self.tasks.abort();
    }

    /// Whether the tasks of this lane were cancelled. One that was held up by user code hears of it only where it waits.
    pub(crate) fn is_aborted(&self) -> bool {
        self.tasks.are_aborted()
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

    pub(crate) fn patience(&self) -> Patience {
        Patience(self.shared.hurry.clone())
    }

    /// The lane behind a port, if this partition has one.
    pub(crate) fn port_lane<W: Send + 'static, Q>(
        &self,
        port: u32,
        upgrade: fn(&W) -> Option<Q>,
    ) -> Option<Q> {
        lock(&self.ports).get(&port)?.downcast_ref::<W>().and_then(upgrade)
    }

    pub(crate) fn keep_port_lane<W: Send + 'static>(&self, port: u32, weak: W) {
        lock(&self.ports).insert(port, Box::new(weak));
    }

    /// The one lane of a node that mixes partitions; opened by the first partition that needs it.
    pub(crate) fn pipeline_lane<W: Send + 'static, Q>(
        &self,
        node: u32,
        upgrade: impl Fn(&W) -> Option<Q>,
        open: impl FnOnce() -> (Q, W),
    ) -> Q {
        let known = lock(&self.shared.pipeline_lanes)
            .get(&node)
            .and_then(|any| any.downcast_ref::<W>().and_then(upgrade));
        known.unwrap_or_else(|| {
            // Only the poll thread opens lanes, so nobody opens the same one meanwhile.
            let (lane, weak) = open();
            lock(&self.shared.pipeline_lanes).insert(node, Box::new(weak));
            lane
        })
    }
}

/// Tells a node that waits for more records that none are expected any more.
pub(crate) struct Patience(watch::Receiver<bool>);

impl Patience {
    pub(crate) async fn is_over(&mut self) {
        if self.0.wait_for(|over| *over).await.is_err() {
            // The engine is gone; the lane ends by itself.
            std::future::pending::<()>().await;
        }
    }
}
