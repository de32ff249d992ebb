//! Who waits for whom in a lane of a parallel stage: calls of a key for each other, or results for those before them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::{operators::boundary::Envelope, topology::Order};

/// The row that an item stands in: those of a row are worked on one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// None: it waits for nobody.
    Alone,
    /// That of a key, by its hash, or of all that have none.
    Of(Option<u64>),
}

/// What waits to be begun.
pub(super) struct Line<T> {
    order: Order,
    /// The first of each row, in the order in which they came to be first: so a long row holds up no other.
    ready: VecDeque<(Row, Envelope<T>)>,
    /// Rows with an item that is ready or at work, and who stands behind it.
    rows: HashMap<Option<u64>, VecDeque<Envelope<T>>>,
    length: usize,
}

impl<T> Line<T> {
    pub(super) fn new(order: Order) -> Self {
        Self { order, ready: VecDeque::new(), rows: HashMap::new(), length: 0 }
    }

    fn row(&self, item: &Envelope<T>) -> Row {
        match (self.order, item.context.key_hash()) {
            (Order::Partition | Order::None, _) | (Order::KeyIfAny, None) => Row::Alone,
            (Order::Key | Order::KeyIfAny, key) => Row::Of(key),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn add(&mut self, item: Envelope<T>) {
        let row = self.row(&item);
        self.length += 1;
        if let Row::Of(key) = row {
            if let Some(behind) = self.rows.get_mut(&key) {
                behind.push_back(item);
                return;
            }
            self.rows.insert(key, VecDeque::new());
        }
        self.ready.push_back((row, item));
    }

    pub(super) fn has_next(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next one to begin. What is halted is dropped on the way, and so returned.
    pub(super) fn next(&mut self) -> Option<(Row, Envelope<T>)> {
        loop {
            let (row, item) = self.ready.pop_front()?;
            self.length -= 1;
            if !item.receipt.is_halted() {
                return Some((row, item));
            }
            self.ended(row);
        }
    }

    /// The first of a row is done with: the next one may begin.
    pub(super) fn ended(&mut self, row: Row) {
        let Row::Of(key) = row else { return };
        match self.rows.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(item) => self.ready.push_back((row, item)),
            None => {
                self.rows.remove(&key);
            }
        }
    }
}

/// What is done and waits to be passed on.
pub(super) struct Results<E> {
    in_order: bool,
    next: u64,
    /// Not yet in order.
    early: BTreeMap<u64, E>,
    due: VecDeque<E>,
}

impl<E> Results<E> {
    pub(super) fn new(order: Order) -> Self {
        Self { in_order: order == Order::Partition, next: 0, early: BTreeMap::new(), due: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.early.len() + self.due.len()
    }

    /// Takes the result of a call; calls are numbered from zero.
    pub(super) fn add(&mut self, number: u64, result: E) {
        if !self.in_order {
            self.due.push_back(result);
            return;
        }
        self.early.insert(number, result);
        while let Some(result) = self.early.remove(&self.next) {
            self.due.push_back(result);
            self.next += 1;
        }
    }

    pub(super) fn has_next(&self) -> bool {
        !self.due.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<E> {
        self.due.pop_front()
    }
}
