//! A node that keeps something: the sum of the numbers that each partition's values end with. It tells of each number that comes
//! where another one was due, so a record that its row lacks, or has twice, is found out at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    chain::{Accepts, Below, Consumer, Operator},
    error::Failure,
    journal::StateRow,
    lane::{Alarm, Host, Keeps, Visit},
    topology::{Node, NodeDraft, NodeKind},
};

/// How long after a record the sum is told.
const SOON: Duration = Duration::from_millis(100);

/// The sum of a partition: the first and the last of its numbers, and all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) sum: u64,
}

impl Total {
    fn of(row: &StateRow) -> Option<Self> {
        let text = std::str::from_utf8(&row.value).ok()?;
        let numbers: Vec<u64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [first, last, sum] = numbers[..] else { return None };
        Some(Self { first, last, sum })
    }

    /// Whether each number from the first to the last is in the sum, and once.
    fn is_whole(&self, step: u64) -> bool {
        let Self { first, last, sum } = *self;
        sum == (first..=last).step_by(usize::try_from(step).unwrap_or(1)).sum::<u64>()
    }
}

#[derive(Default)]
struct Heard {
    faults: Vec<String>,
    /// The rows that lanes were opened with, oldest first, with their partition.
    opened: Vec<(i32, Option<Total>)>,
    /// The sums that were told at a time, by partition.
    told: BTreeMap<i32, Total>,
}

/// The knowledge of all processes' sums.
#[derive(Default)]
pub(super) struct Sums(Mutex<Heard>);

impl Sums {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A story begins.
    pub(super) fn clear(&self) {
        *self.lock() = Heard::default();
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    pub(super) fn opened(&self) -> Vec<(i32, Option<Total>)> {
        self.lock().opened.clone()
    }

    pub(super) fn told(&self, partition: i32) -> Option<Total> {
        self.lock().told.get(&partition).copied()
    }

    fn find_fault(&self, fault: String) {
        println!("{fault}");
        self.lock().faults.push(fault);
    }
}

/// The node. Values of a partition end with its number and then with every `step`-th.
pub(super) struct Sum {
    sums: Arc<Sums>,
    step: u64,
    /// Whether a lane without a row may begin anywhere: the store may be gone, or another process's.
    may_begin_anew: bool,
}

impl Sum {
    pub(super) fn new(sums: &Arc<Sums>, step: u64) -> Self {
        Self { sums: Arc::clone(sums), step, may_begin_anew: false }
    }

    pub(super) fn may_begin_anew(self) -> Self {
        Self { may_begin_anew: true, ..self }
    }
}

impl Operator for Sum {
    type In = String;
    type Out = String;
    type Settled = ();
    type Node<D: Consumer<String>> = SumNode<D>;

    fn draft(&self) -> NodeDraft {
        NodeDraft { stores: true, keeps: true, ..NodeDraft::new("sum", NodeKind::Map) }
    }

    fn attach<D: Consumer<String>>(self, node: Arc<Node>, next: D) -> SumNode<D> {
        SumNode { of: self, node, next }
    }
}

impl Accepts<String> for Sum {}

pub(super) struct SumNode<D> {
    of: Sum,
    node: Arc<Node>,
    next: D,
}

struct Row {
    applied: i64,
    total: Option<Total>,
    changed: bool,
}

struct Memory(Mutex<Row>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Row> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeps for Memory {
    fn cut(&self) -> Vec<StateRow> {
        let mut row = self.lock();
        let total = row.total.filter(|_| std::mem::take(&mut row.changed));
        let row = |Total { first, last, sum }| StateRow {
            key: b"sum".to_vec(),
            applied: row.applied,
            value: format!("{first} {last} {sum}").into_bytes(),
        };
        total.map(row).into_iter().collect()
    }
}

pub(super) struct SumLane<L> {
    memory: Arc<Memory>,
    /// Known from the first record on.
    partition: Arc<Mutex<Option<i32>>>,
    opened: Option<Total>,
    is_new: bool,
    alarm: Alarm,
    next: L,
}

impl<D: Consumer<String>> SumNode<D> {
    fn absorb(&self, row: &mut Row, (partition, offset): (i32, i64), number: u64) {
        if offset <= row.applied {
            return;
        }
        let Sum { sums, step, may_begin_anew } = &self.of;
        let begins = u64::try_from(partition).unwrap_or_default();
        let due = row.total.map_or(begins, |total| total.last + step);
        if number != due && !(row.total.is_none() && *may_begin_anew) {
            sums.find_fault(format!("{number} comes to partition {partition} at {offset}, and {due} is due"));
        }
        let Total { first, sum, .. } = row.total.unwrap_or(Total { first: number, last: number, sum: 0 });
        row.total = Some(Total { first, last: number, sum: sum + number });
        (row.applied, row.changed) = (offset, true);
    }
}

impl<D: Consumer<String>> Consumer<String> for SumNode<D> {
    type Lane = SumLane<D::Lane>;

    fn below(&self) -> Below {
        self.next.below().holding::<String>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        let memory = host.keep(&self.node, |rows| {
            let row = rows.first().map(|row| (row.applied, Total::of(row)));
            let (applied, total) = row.unwrap_or((-1, None));
            Memory(Mutex::new(Row { applied, total, changed: false }))
        });
        let opened = memory.lock().total;
        if let Some(total) = opened.filter(|total| !total.is_whole(self.of.step)) {
            self.of.sums.find_fault(format!("a lane begins with {total:?}"));
        }
        let partition = Arc::<Mutex<Option<i32>>>::default();
        let ring = {
            let (memory, sums, partition) =
                (Arc::clone(&memory), Arc::clone(&self.of.sums), Arc::clone(&partition));
            move |_| {
                let partition = *partition.lock().unwrap_or_else(PoisonError::into_inner);
                let told = partition.zip(memory.lock().total);
                sums.lock().told.extend(told);
                None
            }
        };
        let alarm = Alarm::open(host, 0, ring);
        SumLane { memory, partition, opened, is_new: true, alarm, next: self.next.open(host) }
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: String) -> Result<(), Failure> {
        visit.enter(self.node.id);
        let (partition, offset) = (visit.context.partition(), visit.context.offset());
        if std::mem::take(&mut lane.is_new) {
            self.of.sums.lock().opened.push((partition, lane.opened));
            *lane.partition.lock().unwrap_or_else(PoisonError::into_inner) = Some(partition);
        }
        let digits = item.trim_start_matches(|c: char| !c.is_ascii_digit());
        let number = digits.parse().unwrap_or(u64::MAX);
        self.absorb(&mut lane.memory.lock(), (partition, offset), number);
        if let Some(host) = visit.host {
            lane.alarm.set(host.now() + SOON);
        }
        visit.give();
        self.next.push(&mut lane.next, visit, item)
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(&mut lane.next).await;
    }
}
