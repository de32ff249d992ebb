//! Lanes that several partitions share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::boundary::{self, Boundary, Envelope, Inbox, Serve, ServeOne, Step};
use crate::{
    chain::{Accepts, Below, Consumer, Operator},
    lane::{Host, LaneScope},
    prelude::*,
    testing::{InMemory, TestRecord},
    topology::{Node, NodeDraft, NodeKind},
};

/// The partitions that came to each lane.
type Met = Arc<Mutex<BTreeMap<u64, BTreeSet<(String, i32)>>>>;

/// A node under which the partitions of one number meet, whatever their topics.
struct Meet(Met);

/// The task of such a node, and the nodes below it.
struct MeetTask<D> {
    met: Met,
    opened: AtomicU64,
    node: u32,
    next: D,
}

impl Accepts<String> for Meet {}

impl Operator for Meet {
    type In = String;
    type Out = String;
    type Settled = ();
    type Node<D: Consumer<String>> = Boundary<MeetTask<D>>;

    fn draft(&self) -> NodeDraft {
        NodeDraft::new("meet", NodeKind::Map)
    }

    fn attach<D: Consumer<String>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(node.id, MeetTask { met: self.0, opened: AtomicU64::new(0), node: node.id, next })
    }
}

impl<D: Consumer<String>> Serve<String> for MeetTask<D> {
    /// The number of the lane, and the lane below.
    type Lane = (u64, D::Lane);

    const SCOPE: LaneScope = LaneScope::CoPartition;

    fn below(&self) -> Below {
        self.next.below()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        (self.opened.fetch_add(1, Ordering::Relaxed), self.next.open(host))
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<String>) {
        boundary::one_by_one(self, lane, host, inbox).await;
    }
}

impl<D: Consumer<String>> ServeOne<String> for MeetTask<D> {
    async fn serve(&self, (number, below): &mut Self::Lane, host: &Host, item: Envelope<String>) {
        let Envelope { value, receipt, mut context } = item;
        let from = (context.topic().to_owned(), context.partition());
        self.met.lock().unwrap().entry(*number).or_default().insert(from);
        let step = Step::Next(value);
        boundary::pass_on(host, &self.next, below, self.node, receipt, &mut context, step).await;
    }
}

#[test]
fn partitions_of_one_number_meet_in_one_lane_across_topics() {
    let record = |n: i32| TestRecord::new().partition(n % 3).value(n.to_string());
    let topics = InMemory::new("orders", 3, (0..30).map(record)).topic("payments", 3, (0..12).map(record));
    let met = Met::default();
    let (into, both) = union("both");
    let app = App::new("meet")
        .chain(kafka::text("orders").stream("orders").to(&into))
        .chain(kafka::text("payments").stream("payments").to(&into))
        .chain(both.then(Meet(Arc::clone(&met))).heal());
    assert_eq!(topics.run_once(app).unwrap().healed, 42);
    let met = met.lock().unwrap();
    let partition =
        |number: i32| BTreeSet::from(["orders", "payments"].map(|topic| (topic.to_owned(), number)));
    let lanes: BTreeSet<_> = met.values().cloned().collect();
    assert_eq!(lanes, (0..3).map(partition).collect());
    assert_eq!(met.len(), 3, "each of them has one lane: {met:?}");
}
