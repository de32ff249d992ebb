//! Stages that work on several records of a partition at once. One task a lane runs them, so that records reach the nodes below
//! one after the other; the bound on calls is the stage's, shared by the lanes of all partitions.
//!
//! **Parallel stages.** One task a lane polls all its calls and passes their results on, so that nodes below are reached by one
//! at a time. `KeyQueues` knows which keys (by the hash that travels with each envelope) have an item at work and which items
//! stand behind it (with `order = key(function)` the key is the hash of the function's result, asked for once, when the envelope
//! comes out of the queue; a panic there ends the record as a failed call does, in no queue); a key's next begins after its last
//! was passed on, also when that failed, so a halted item never runs. Of those whose key is free the one that came first begins.
//! If keys took turns instead, each would be served once in a round over all that wait, so a key that comes more often than that
//! would pile up, and end last. `Results` puts finished items back in order for `order = partition`. The bound on calls is a
//! semaphore of the stage, fair in the order of asking; a lane asks for one permit at a time, so a busy partition takes its turn
//! and no more, and one that finds no room below leaves the line. With `auto` the number of permits follows the calls' latency
//! (`stage/limit.rs`).
//!
//! **Calls.** The task of a parallel stage knows how many calls are at work and how many records wait for their key, and stores
//! both numbers once a turn.

use std::{
    future::Future,
    hash::{BuildHasher as _, Hash},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
};

use foldhash::fast::FixedState;
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::sync::SemaphorePermit;

use super::{
    CallPermit, Called, Calls, Kind, Stage, StageLane, StageNode, Verdict,
    limit::Limit,
    order::{KeyQueues, OrderKey, Results},
    quarantine::Quarantine,
};
use crate::{
    chain::{Below, Consumer},
    context::Context,
    envelope::Receipt,
    error::{Cause, catch},
    lane::Host,
    observe::{self, LaneCounts},
    operators::{
        boundary::{self, Boundary, Envelope, Inbox, Serve, Step},
        failing,
    },
    topology::{Node, NodeKind, Order, Parallel},
};

/// A stage with `parallel`.
pub trait ParallelStage: Stage {
    /// How many calls run at once, and which records stay in order.
    const PARALLEL: Parallel;

    /// The hash of the key that a user's function gives, where that key decides which records stay in order.
    fn order_key(_: &Self::In) -> Option<u64> {
        None
    }
}

/// The hash of a key; it is the same in every process.
pub fn order_key<K: Hash + ?Sized>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

/// Several calls at once.
pub struct ParallelKind<C>(PhantomData<C>);

impl<S: ParallelStage, C: Calls<S>> Kind<S> for ParallelKind<C> {
    type Node<D: Consumer<S::Out>> = Boundary<ParallelTask<S, C, D>>;

    fn kind() -> NodeKind {
        NodeKind::Stage { runs: C::RUNS, parallel: Some(S::PARALLEL) }
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        const {
            assert!(
                S::PARALLEL.most.is_sound(),
                "`parallel` is at least 1: with 0 no record would ever be worked on; of two bounds the first is the lower"
            );
        };
        let limit = Limit::new(S::PARALLEL.most);
        Boundary::new(node.id, ParallelTask { stage: StageNode::new(node, next), limit, calls: PhantomData })
    }
}

/// A parallel stage and the nodes below it.
pub struct ParallelTask<S, C, D> {
    stage: StageNode<S, D>,
    limit: Limit,
    calls: PhantomData<fn() -> C>,
}

/// Writes the numbers of a lane's calls to its counts; both are zero once it is dropped.
struct Told<'l>(&'l LaneCounts, u32);

impl Told<'_> {
    fn now(&self, at_work: usize, behind: usize) {
        self.0.calls(self.1, at_work, behind);
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.now(0, 0);
    }
}

/// A call that has ended, with its receipt.
struct EndedCall<U> {
    step: Step<U>,
    receipt: Receipt,
    context: Context,
    order: OrderKey,
    /// Which call of the lane it is.
    number: u64,
}

/// The wait for a permit, among all lanes that want to begin a call.
type PermitWait<'a> = Pin<Box<dyn Future<Output = Option<SemaphorePermit<'a>>> + Send + 'a>>;

impl<S: ParallelStage, C: Calls<S>, D: Consumer<S::Out>> ParallelTask<S, C, D> {
    /// The key by which an item keeps its order.
    ///
    /// # Errors
    /// `Cause::Panic` if the user's function, or the `Hash` of its key, panicked.
    fn order(&self, item: &Envelope<S::In>) -> Result<OrderKey, Cause> {
        let key = match S::PARALLEL.order {
            Order::Partition | Order::None => return Ok(OrderKey::Free),
            Order::Key | Order::KeyIfAny => item.context.key_hash(),
            Order::KeyOf(_) => {
                let _inside = observe::enter(item.context.here(), self.stage.node.id);
                catch(|| S::order_key(&item.value)).map_err(Cause::Panic)?
            }
        };
        let alone = key.is_none() && S::PARALLEL.order == Order::KeyIfAny;
        Ok(if alone { OrderKey::Free } else { OrderKey::Of(key) })
    }

    /// Works on an item, unless it has `failed` already. The receipt waits here, outside of the user's call: the end of that call is
    /// always seen, and a cancelled call returns the receipt.
    fn work_on<'a>(
        &'a self,
        host: &'a Host,
        lane: (&'a Arc<S::Need>, &'a Quarantine),
        (order, item): (OrderKey, Envelope<S::In>),
        number: u64,
        permit: CallPermit<'a>,
        // In a box: few do, and every call would be larger by it.
        failed: Option<Box<Cause>>,
    ) -> impl Future<Output = EndedCall<S::Out>> + Send + 'a {
        let (need, quarantine) = lane;
        let Envelope { value, receipt, mut context } = item;
        if S::CONTEXT {
            context.enter(&self.stage.node.path);
        }
        // Not an `async fn`, nor several: each would hold its arguments twice, and a call is moved with all that it holds.
        async move {
            let refused = match failed {
                Some(cause) => Some(Err(*cause)),
                None if S::POLICY.quarantine => {
                    quarantine.refuses(order, &context).map(|error| Ok(Verdict::Fatal(error)))
                }
                None => None,
            };
            let mut result = if let Some(refused) = refused {
                refused
            } else {
                let stage = &self.stage;
                let admitted = stage.admit(host).await;
                let begun = stage.begin_call(admitted, host, &permit, &mut context, &value);
                let Called(result) = C::call(host, stage, permit, need, value, &mut context).await;
                stage.end_call(begun, host, &mut context, &result);
                result
            };
            // Before the letter leaves: the records behind this one begin after that.
            if S::POLICY.quarantine
                && !matches!(result, Ok(Verdict::Next(_) | Verdict::Skip))
                && let Err(full) = quarantine.add(order)
            {
                result = Err(Cause::DeadLetter(full.into()));
            }
            let step = match self.stage.ended(result, &mut context) {
                Ok(step) => step,
                Err(cause) => {
                    let node = self.stage.node.id;
                    failing::wait_for_dead_letter(host, node, cause, &receipt, &context).await
                }
            };
            EndedCall { step, receipt, context, order, number }
        }
    }

    /// A permit at once, or a place in the line. Lanes ask for one at a time, so none takes more than its turn.
    fn permit<'a>(&'a self, turn: &mut Option<PermitWait<'a>>) -> Option<SemaphorePermit<'a>> {
        if turn.is_some() {
            return None;
        }
        let permit = self.limit.permits.try_acquire().ok();
        if permit.is_none() {
            // It is never closed.
            *turn = Some(Box::pin(self.limit.permits.acquire().map(Result::ok)));
        }
        permit
    }

    /// Carries a result on; the next of its key may begin.
    fn pass_on_next(
        &self,
        host: &Host,
        lane: &mut D::Lane,
        waiting: &mut KeyQueues<S::In>,
        results: &mut Results<EndedCall<S::Out>>,
    ) {
        let Some(ended) = results.next() else { return };
        let EndedCall { step, receipt, mut context, order, .. } = ended;
        let StageNode { node, next, .. } = &self.stage;
        // Below a record that failed nothing is to come in another order.
        let overtakes = S::PARALLEL.order == Order::Partition && receipt.is_halted();
        if !overtakes {
            boundary::carry_on(host, next, lane, node.id, receipt, &mut context, step);
        }
        waiting.ended(order);
    }
}

impl<S: ParallelStage, C: Calls<S>, D: Consumer<S::Out>> Serve<S::In> for ParallelTask<S, C, D> {
    type Lane = StageLane<Arc<S::Need>, D::Lane>;

    fn below(&self) -> Below {
        let reads = S::CONTEXT || S::POLICY.quarantine;
        // A call holds its value for each of its steps, and is itself moved to where it waits.
        self.stage.next.below().read_if(reads).holding::<[(S::In, S::Out); 6]>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: Arc::new(host.need()), next: self.stage.next.open(host) }
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<S::In>) {
        let StageLane { need, next: below } = lane;
        // Nodes that give many items for one are held up here; nodes that give one for one are bounded by their records.
        let most = host.in_flight().max(S::PARALLEL.most.bound());
        let mut waiting = KeyQueues::default();
        let mut results = Results::new(S::PARALLEL.order);
        let quarantine = Quarantine::default();
        let mut running = FuturesUnordered::new();
        let (mut calls, mut turn, mut permit) = (0, None::<PermitWait<'_>>, None);
        let told = Told(host.counts(), self.stage.node.id);
        let mut open = true;
        loop {
            while results.has_next() && self.stage.next.room(below).now_or_never().is_some() {
                self.pass_on_next(host, below, &mut waiting, &mut results);
            }
            // Nodes below may have taken their time: calls that were about to begin are somebody else's by now.
            if host.is_aborted() {
                return;
            }
            if results.has_next() || !waiting.has_next() {
                // Other lanes may have the permit: this lane has nothing to begin, or its results find no room below.
                (turn, permit) = (None, None);
            }
            while !results.has_next() && waiting.has_next() {
                let Some(permit) = permit.take().or_else(|| self.permit(&mut turn)) else { break };
                // A partition that has failed runs nothing any more: waiting items are returned.
                if let Some(next) = waiting.next() {
                    let permit = CallPermit::new(&self.limit, permit);
                    running.push(self.work_on(host, (need, &quarantine), next, calls, permit, None));
                    calls += 1;
                }
            }
            told.now(running.len(), waiting.behind());
            let held = waiting.len() + running.len() + results.len();
            if held == 0 && !open {
                return;
            }
            tokio::select! {
                biased;
                () = self.stage.next.room(below), if results.has_next() => {
                    self.pass_on_next(host, below, &mut waiting, &mut results);
                }
                Some(ended) = running.next() => results.add(ended.number, ended),
                got = async { turn.as_mut()?.await }, if turn.is_some() => {
                    (turn, permit) = (None, got);
                }
                item = inbox.next(), if open && held < most => match item {
                    Some(item) if item.receipt.is_halted() => drop(item),
                    Some(item) => match self.order(&item) {
                        Ok(order) => waiting.add(order, item),
                        // It waits for no other, and it needs no permit: there is no call of the user's.
                        Err(cause) => {
                            let next = (OrderKey::Free, item);
                            let failed = Some(Box::new(cause));
                            running.push(self.work_on(host, (need, &quarantine), next, calls, CallPermit::FREE, failed));
                            calls += 1;
                        }
                    },
                    None => open = false,
                },
            }
        }
    }
}
