//! Takes a batch apart: each row goes on as the record that it came from, in a lane of its partition.
//!
//! **`unbatch`** is fused. It moves rows out of the batch, each with the receipt that the batch's
//! receipt has for it, and pushes each in a visit of its own. Below it every partition and generation has a lane again, opened by
//! its first row, with counts, tasks and an office of its own: partitions run side by side, and an order by partition, a row of
//! records without a key and a quarantine are those of one partition. Rows of several records (`reduce`) have one more lane.
//! The tasks of a generation that is over end with
//! it. Rows that are whole records need no room below, since the records
//! in flight bound them; waiting would tie all partitions to the slowest. Rows that are shares (a record that became several, a
//! batch that branched) wait for room after each batch. Where a batch branched, each way has a clone of its rows and a share of
//! each row's receipt.

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use foldhash::fast::FixedState;

use super::hand_back::receipts_of;
use crate::{
    chain::{Batch, Below, Consumer, Operator},
    context::Context,
    envelope::{Home, Receipt},
    error::{Cause, Failure},
    lane::{Host, Visit},
    operators::{boundary::carry_on, failing, step::Step},
    topology::{Node, NodeDraft, NodeKind},
};

/// An `unbatch`.
pub struct Unbatch<T>(PhantomData<fn(T)>);

impl<T> Unbatch<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Send + 'static> Operator for Unbatch<T> {
    type In = Batch<T>;
    type Out = T;
    type Settled = ();
    type Node<D: Consumer<T>> = UnbatchNode<D>;

    fn draft(&self) -> NodeDraft {
        NodeDraft::new("unbatch", NodeKind::Unbatch)
    }

    fn attach<D: Consumer<T>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        UnbatchNode { node, next }
    }
}

/// An `unbatch` and the nodes below it.
pub struct UnbatchNode<D> {
    node: Arc<Node>,
    next: D,
}

/// The lanes below: one a partition and generation, opened by its first row, and one for rows that were made of several records.
pub struct UnbatchLane<L> {
    host: Host,
    lanes: HashMap<Option<(u32, u32)>, OneLane<L>, FixedState>,
    /// Those which were given several rows of one record: the records in flight are no bound for them.
    crowded: Vec<Option<(u32, u32)>>,
}

struct OneLane<L> {
    host: Host,
    home: Option<Arc<Home>>,
    lane: L,
}

/// The partition of a row; none where it was made of several records.
fn home(context: &Context, receipt: &Receipt) -> Option<Arc<Home>> {
    let mut home = None;
    if !context.is_of_many() {
        receipt.each_home(&mut |of, _| home = Some(Arc::clone(of)));
    }
    home
}

impl<T: Send + 'static, D: Consumer<T>> Consumer<Batch<T>> for UnbatchNode<D> {
    type Lane = UnbatchLane<D::Lane>;

    fn below(&self) -> Below {
        self.next.below().holding::<Batch<T>>().holding::<(Context, T)>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        UnbatchLane { host: host.clone(), lanes: HashMap::default(), crowded: Vec::new() }
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, rows: Batch<T>) -> Result<(), Failure> {
        let Self { node, next } = self;
        visit.enter_with(node.id, rows.len() as u64);
        if rows.batch.as_ref() != visit.context.batch() {
            return failing::fail(visit, node.id, Cause::OtherBatch);
        }
        let UnbatchLane { host, lanes, crowded } = lane;
        // The tasks of a generation that is over ended with it; here its lanes are let go.
        lanes.retain(|_, one| one.home.as_ref().is_none_or(|home| !home.is_fenced()));
        // Where the batch went several ways these are shares, one for each row.
        let receipts = receipts_of(rows.len(), visit.take(node.id).into_rows());
        for ((mut context, row), receipt) in rows.list.into_iter().zip(receipts) {
            if receipt.is_halted() {
                // A row before it failed: this one is returned.
                continue;
            }
            let home = home(&context, &receipt);
            let key = home.as_ref().map(|home| (home.slot, home.generation));
            let OneLane { host, lane, .. } = lanes.entry(key).or_insert_with(|| {
                let host = home.as_deref().map_or_else(|| host.clone(), |home| host.of_one_again(home));
                OneLane { lane: next.open(&host), host, home }
            });
            if receipt.is_shared() && crowded.last() != Some(&key) {
                crowded.push(key);
            }
            carry_on(host, next, lane, node.id, receipt, &mut context, Step::Next(row));
        }
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        // Rows that are whole records wait for no room: the others would wait with them for the slowest partition.
        while let Some(key) = lane.crowded.last() {
            if let Some(one) = lane.lanes.get_mut(key) {
                self.next.room(&mut one.lane).await;
            }
            lane.crowded.pop();
        }
    }
}
