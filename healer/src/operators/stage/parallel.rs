//! Stages that work on several records of a partition at once. One task a lane runs them, so that records reach the nodes below
//! one after the other; the bound on calls is the stage's, shared by the lanes of all partitions.

use std::{
    future::Future,
    hash::{BuildHasher as _, Hash},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use foldhash::fast::FixedState;
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::sync::SemaphorePermit;

use super::{
    Called, Calls, Kind, Slot, Stage, StageLane, StageNode, Verdict,
    limit::Limit,
    line::{Line, Results, Row},
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
    type Node<D: Consumer<S::Out>> = Boundary<Crew<S, C, D>>;

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
        Boundary::new(Crew { stage: StageNode::new(node, next), limit, calls: PhantomData })
    }
}

/// A parallel stage and the nodes below it.
pub struct Crew<S, C, D> {
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
struct Ended<U> {
    step: Step<U>,
    receipt: Receipt,
    context: Context,
    row: Row,
    /// Which call of the lane it is.
    number: u64,
}

/// A place in the line of all lanes that want to begin a call.
type Turn<'a> = Pin<Box<dyn Future<Output = Option<SemaphorePermit<'a>>> + Send + 'a>>;

impl<S: ParallelStage, C: Calls<S>, D: Consumer<S::Out>> Crew<S, C, D> {
    /// The row of an item.
    ///
    /// # Errors
    /// `Cause::Panic` if the user's function, or the `Hash` of its key, panicked.
    fn row(&self, item: &Envelope<S::In>) -> Result<Row, Cause> {
        let key = match S::PARALLEL.order {
            Order::Partition | Order::None => return Ok(Row::Alone),
            Order::Key | Order::KeyIfAny => item.context.key_hash(),
            Order::KeyOf(_) => {
                let _inside = observe::enter(item.context.here(), self.stage.node.id);
                catch(|| S::order_key(&item.value)).map_err(Cause::Panic)?
            }
        };
        let alone = key.is_none() && S::PARALLEL.order == Order::KeyIfAny;
        Ok(if alone { Row::Alone } else { Row::Of(key) })
    }

    /// Works on an item, unless it has `failed` already. The receipt waits here, outside of the user's call: the end of that call is
    /// always seen, and a cancelled call returns the receipt.
    fn call<'a>(
        &'a self,
        host: &'a Host,
        lane: (&'a Arc<S::Need>, &'a Quarantine),
        (row, item): (Row, Envelope<S::In>),
        number: u64,
        slot: Slot<'a>,
        // In a box: few do, and every call would be larger by it.
        failed: Option<Box<Cause>>,
    ) -> impl Future<Output = Ended<S::Out>> + Send + 'a {
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
                    quarantine.refuses(row, &context).map(|error| Ok(Verdict::Fatal(error)))
                }
                None => None,
            };
            let mut result = if let Some(refused) = refused {
                refused
            } else {
                let admitted = self.stage.admit(host).await;
                let began = self.limit.is_auto().then(|| host.now());
                StageNode::<S, D>::expects_report(host, &mut context);
                self.stage.looks_at_call(host, &mut context, &value);
                let Called(result) = C::call(host, &self.stage, slot, need, value, &mut context).await;
                admitted.ended(&result, host, &context);
                self.tell_limit(host, began, &context, &result);
                self.stage.looks_at_output(host, &context, &result);
                self.stage.reports_end(host, &mut context, &result);
                result
            };
            // Before the letter leaves: the records behind this one begin after that.
            if S::POLICY.quarantine
                && !matches!(result, Ok(Verdict::Next(_) | Verdict::Skip))
                && let Err(full) = quarantine.add(row)
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
            Ended { step, receipt, context, row, number }
        }
    }

    /// Tells the limit how long a call took.
    fn tell_limit<U>(
        &self,
        host: &Host,
        began: Option<Duration>,
        context: &Context,
        result: &Result<U, Cause>,
    ) {
        if let Some(began) = began
            && context.attempt() == 1
        {
            let now = host.now();
            let overloaded = matches!(result, Err(Cause::TimedOut(_)));
            self.limit.ended(now.saturating_sub(began), now, overloaded);
        }
    }

    /// A permit at once, or a place in the line. Lanes ask for one at a time, so none takes more than its turn.
    fn permit<'a>(&'a self, turn: &mut Option<Turn<'a>>) -> Option<SemaphorePermit<'a>> {
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

    /// Carries a result on; the next of its row may begin.
    fn pass_on_next(
        &self,
        host: &Host,
        lane: &mut D::Lane,
        waiting: &mut Line<S::In>,
        results: &mut Results<Ended<S::Out>>,
    ) {
        let Some(ended) = results.next() else { return };
        let Ended { step, receipt, mut context, row, .. } = ended;
        let StageNode { node, next, .. } = &self.stage;
        // Below a record that failed nothing is to come in another order.
        let overtakes = S::PARALLEL.order == Order::Partition && receipt.is_halted();
        if !overtakes {
            boundary::carry_on(host, next, lane, node.id, receipt, &mut context, step);
        }
        waiting.ended(row);
    }
}

impl<S: ParallelStage, C: Calls<S>, D: Consumer<S::Out>> Serve<S::In> for Crew<S, C, D> {
    type Lane = StageLane<Arc<S::Need>, D::Lane>;

    fn below(&self) -> Below {
        let reads = S::CONTEXT || S::POLICY.quarantine;
        // A call holds its value for each of its steps, and is itself moved to where it waits.
        self.stage.next.below().read_if(reads).holding::<[(S::In, S::Out); 6]>()
    }

    fn node(&self) -> u32 {
        self.stage.node.id
    }

    fn open(&self, host: &Host) -> Self::Lane {
        StageLane { need: Arc::new(host.need()), next: self.stage.next.open(host) }
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<S::In>) {
        let StageLane { need, next: below } = lane;
        // Nodes that give many items for one are held up here; nodes that give one for one are bounded by their records.
        let most = host.in_flight().max(S::PARALLEL.most.bound());
        let mut waiting = Line::default();
        let mut results = Results::new(S::PARALLEL.order);
        let quarantine = Quarantine::default();
        let mut running = FuturesUnordered::new();
        let (mut calls, mut turn, mut permit) = (0, None::<Turn<'_>>, None);
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
                    let slot = Slot::new(&self.limit.permits, permit);
                    running.push(self.call(host, (need, &quarantine), next, calls, slot, None));
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
                    Some(item) => match self.row(&item) {
                        Ok(row) => waiting.add(row, item),
                        // It stands in no row, and it needs no permit: there is no call of the user's.
                        Err(cause) => {
                            let next = (Row::Alone, item);
                            let failed = Some(Box::new(cause));
                            running.push(self.call(host, (need, &quarantine), next, calls, Slot::FREE, failed));
                            calls += 1;
                        }
                    },
                    None => open = false,
                },
            }
        }
    }
}
