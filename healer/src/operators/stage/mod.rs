//! Users' functions as nodes. `#[stage]` writes a type beside the function which implements `Stage` and, for its kind,
//! one of the traits here; a stage sees values, never receipts.

mod asynchronous;
mod breaker;
mod call;
mod checkpointed;
mod flat;
mod limit;
mod order;
mod parallel;
mod policy;
mod quarantine;
mod rate;
mod reported;
mod retrying;
mod shape;
mod signature;
mod synchronous;
mod timed;
mod transient;
mod verdict;
mod watched;

use std::{marker::PhantomData, sync::Arc, time::Duration};

pub use asynchronous::TaskKind;
pub use call::{Again, AgainStage, AsyncStage, Awaited, Blocking, CallPermit, Called, Calls};
pub use checkpointed::{Checkpointed, CheckpointedStage};
pub use flat::{FlatKind, FlatStage, Outlet, name_of_list};
pub use parallel::{ParallelKind, ParallelStage, order_key};
use policy::Handling;
pub use policy::{LastResort, Policy, Reporting};
pub use reported::{Kept, copy_to_report, report_input, report_rows};
pub use retrying::RetryingKind;
pub use shape::{PlainShape, Shape};
pub use signature::{
    Function, Gathered, Gives, IsBatch, IsBatchMut, IsOption, IsResult, IsStage, Lends, MayLend,
};
pub use synchronous::{SyncKind, SyncStage};
pub(super) use timed::{Look, guarded};
pub use transient::{Asked, SaysNothing, SaysSo, Transient};
pub use verdict::Verdict;
pub(super) use verdict::ended;
pub use watched::{HasJson, HasNone, Shown};

use backon::ExponentialBackoff;

use crate::{
    chain::{Consumer, Operator, refuse_rows, refuse_rows_of_rows},
    context::Context,
    envelope::{Outcome, Reason, Receipt},
    error::{Cause, said::chain},
    lane::Host,
    observe::Rare,
    operators::{boundary::Step, failing},
    topology::{Need, Node, NodeDraft, NodeKind},
};

/// A function that is a node. Written by `#[stage]`.
pub trait Stage: Send + Sync + Sized + 'static {
    /// The type that it takes.
    type In: Send + 'static;
    /// The type that it gives.
    type Out: Send + 'static;
    /// The state that it asks for.
    type Need: Need;
    /// How it runs.
    type Kind: Kind<Self>;
    /// The function's name.
    const NAME: &'static str;
    /// Whether it asks for `&Context`.
    const CONTEXT: bool;
    /// The reason of its skips.
    const SKIP: &'static str;
    /// Its failure policy.
    const POLICY: Policy;

    /// Which calls are reported with their input.
    const REPORT: Reporting = Reporting::Never;

    /// Writes the input as JSON, for a report.
    fn report_json(_: &Self::In, _: &mut Vec<u8>) -> bool {
        false
    }

    /// Writes the input as JSON, where it has that form.
    fn input_json(_: &Self::In, _: &mut Vec<u8>) -> bool {
        false
    }

    /// Writes the output as JSON, where it has that form.
    fn output_json(_: &Self::Out, _: &mut Vec<u8>) -> bool {
        false
    }
}

/// How a stage runs: which node it becomes.
pub trait Kind<S: Stage> {
    #[doc(hidden)]
    type Node<D: Consumer<S::Out>>: Consumer<S::In>;
    #[doc(hidden)]
    fn kind() -> NodeKind;
    #[doc(hidden)]
    const STORES: bool = false;
    /// The fault for which `build` refuses it.
    #[doc(hidden)]
    fn fault() -> Option<String> {
        None
    }
    #[doc(hidden)]
    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D>;
}

impl<S: Stage> Operator for S {
    type In = S::In;
    type Out = S::Out;
    type Settled = ();
    type Node<D: Consumer<S::Out>> = <S::Kind as Kind<S>>::Node<D>;

    fn draft(&self) -> NodeDraft {
        let mut draft = NodeDraft::new(S::NAME, S::Kind::kind());
        draft.needs = S::Need::requirements();
        draft.stores = S::Kind::STORES;
        draft.breaks = S::POLICY.breaker.is_some();
        draft.on_error = S::POLICY.on_error.map(LastResort::on_error);
        draft.faults.extend(S::Kind::fault());
        if draft.kind == NodeKind::BatchStage {
            refuse_rows_of_rows::<S::Out>(&mut draft);
        } else {
            refuse_rows::<S::Out>(&mut draft);
        }
        draft
    }

    fn attach<D: Consumer<S::Out>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        S::Kind::node(node, next)
    }
}

/// The parts that every node of a stage holds.
pub struct StageNode<S, D> {
    pub(super) node: Arc<Node>,
    reason: Reason,
    handling: Handling,
    pub(super) next: D,
    stage: PhantomData<fn() -> S>,
}

impl<S: Stage, D> StageNode<S, D> {
    pub(super) fn new(node: Arc<Node>, next: D) -> Self {
        let handling = Handling::new(&S::POLICY);
        Self { node, reason: Reason::new(S::SKIP), handling, next, stage: PhantomData }
    }
}

impl<S, D> StageNode<S, D> {
    /// Waits until the function may be called; the caller then tells `Admitted` how the last attempt ended.
    pub(super) async fn admit(&self, host: &Host) -> Admitted<'_> {
        let pass = match &self.handling.breaker {
            // In a box: few stages have one, and every call would be larger by it.
            Some(breaker) => Some(Box::pin(breaker.pass(host)).await),
            None => None,
        };
        Admitted { pass, node: &self.node }
    }

    /// Whether there may be more than one attempt.
    pub(super) fn repeats(&self) -> bool {
        self.handling.attempts > 1
    }

    /// Whether rows that failed together are tried apart.
    pub(super) fn splits(&self) -> bool {
        self.handling.splits
    }

    /// How long to wait before the next attempt, if there is to be one.
    pub(super) fn pause<U>(
        &self,
        host: &Host,
        result: &Result<Verdict<U>, Cause>,
        context: &mut Context,
        pauses: &mut Option<ExponentialBackoff>,
    ) -> Option<Duration> {
        let error = error_of(result).filter(|_| !matches!(result, Ok(Verdict::Fatal(_))))?;
        if context.attempt() >= self.handling.attempts {
            return None;
        }
        let pause = pauses.get_or_insert_with(|| self.handling.pauses(context)).next().unwrap_or_default();
        host.count(self.node.id, Rare::Retried);
        tracing::debug!(
            stage = &*self.node.path,
            emit_id = %context.identity(),
            topic = context.topic(),
            partition = context.partition(),
            offset = context.offset(),
            attempt = context.attempt(),
            ?pause,
            error = chain(error),
            "an attempt failed; the next one follows after the pause"
        );
        context.next_attempt();
        Some(pause)
    }

    /// The step for an item after its calls; waits for the acknowledgement of its dead letter, if it becomes one.
    async fn step<U>(
        &self,
        host: &Host,
        result: Result<Verdict<U>, Cause>,
        receipt: &Receipt,
        context: &mut Context,
    ) -> Step<U> {
        match self.ended(result, context) {
            Ok(step) => step,
            Err(cause) => failing::wait_for_dead_letter(host, self.node.id, cause, receipt, context).await,
        }
    }

    /// The step for an item that did not fail; else the cause of its failure.
    fn ended<U>(&self, result: Result<Verdict<U>, Cause>, context: &mut Context) -> Result<Step<U>, Cause> {
        match result {
            Ok(Verdict::Next(value)) => {
                context.first_attempt();
                Ok(Step::Next(value))
            }
            Ok(Verdict::Skip) => Ok(Step::Ended(Outcome::Skipped(self.reason))),
            Ok(Verdict::Fail(error) | Verdict::Fatal(error)) => Err(Cause::Stage(error)),
            Err(cause) => Err(cause),
        }
    }
}

/// The error that a call failed with.
fn error_of<U>(result: &Result<Verdict<U>, Cause>) -> Option<&(dyn std::error::Error + 'static)> {
    match result {
        Ok(Verdict::Fail(error) | Verdict::Fatal(error)) => Some(&**error),
        Err(cause) => Some(cause),
        Ok(Verdict::Next(_) | Verdict::Skip) => None,
    }
}

/// A record, or a batch, that may be worked on.
pub(super) struct Admitted<'s> {
    pass: Option<breaker::Pass<'s>>,
    node: &'s Node,
}

impl Admitted<'_> {
    /// The last attempt has ended.
    pub(super) fn ended<U>(self, result: &Result<Verdict<U>, Cause>, host: &Host, context: &Context) {
        if let Some(pass) = self.pass {
            pass.ended(error_of(result).map(chain), host, self.node, context);
        }
    }
}

/// A stage's lane for a partition: its state, and the lane below.
pub struct StageLane<N, L> {
    pub(super) need: N,
    pub(super) next: L,
}
