//! The order in a lane of a parallel stage: calls of a key wait for each other, or results wait for those before them.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque, hash_map::Entry},
};

use foldhash::fast::FixedState;

use crate::{operators::boundary::Envelope, topology::Order};

/// The row that an item stands in: those of a row are worked on one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// None: it waits for nobody.
    Alone,
    /// That of a key, by its hash, or of all that have none.
    Of(Option<u64>),
}

/// Items that wait to be begun. Of the items that may begin, the one that came first does: an item that waits for no other begins
/// in its turn, and a long row goes on as soon as its first item is done. So no row grows while others overtake it.
pub(super) struct Line<T> {
    /// Those that had nobody before them in their row, as they came.
    fresh: VecDeque<Waiting<T>>,
    /// Those that stood behind another. Few: most of them are the next to begin.
    freed: BinaryHeap<Waiting<T>>,
    /// Rows with an item that may begin or is at work, and the items behind it.
    rows: HashMap<Option<u64>, Behind<T>, FixedState>,
    length: usize,
    /// How many stand behind another of their row.
    behind: usize,
    /// How many have come.
    came: u64,
}

/// The items behind the first of their row, each with the number of items that came before it.
type Behind<T> = VecDeque<(u64, Envelope<T>)>;

/// An item that may begin.
struct Waiting<T> {
    /// How many came before it.
    number: u64,
    row: Row,
    item: Envelope<T>,
}

/// The first to come is the greatest.
impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.number.cmp(&self.number)
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            fresh: VecDeque::new(),
            freed: BinaryHeap::new(),
            rows: HashMap::default(),
            length: 0,
            behind: 0,
            came: 0,
        }
    }
}

impl<T> Line<T> {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// How many wait for another of their key.
    pub(super) fn behind(&self) -> usize {
        self.behind
    }

    pub(super) fn add(&mut self, row: Row, item: Envelope<T>) {
        let number = self.came;
        self.length += 1;
        self.came += 1;
        if let Row::Of(key) = row {
            match self.rows.entry(key) {
                Entry::Occupied(mut behind) => {
                    self.behind += 1;
                    return behind.get_mut().push_back((number, item));
                }
                Entry::Vacant(row) => _ = row.insert(VecDeque::new()),
            }
        }
        self.fresh.push_back(Waiting { number, row, item });
    }

    pub(super) fn has_next(&self) -> bool {
        !self.fresh.is_empty() || !self.freed.is_empty()
    }

    fn first(&mut self) -> Option<Waiting<T>> {
        match (self.fresh.front(), self.freed.peek()) {
            (Some(fresh), Some(freed)) if fresh.number < freed.number => self.fresh.pop_front(),
            (_, Some(_)) => self.freed.pop(),
            _ => self.fresh.pop_front(),
        }
    }

    /// The next item to begin. Halted items are dropped on the way, and so returned.
    pub(super) fn next(&mut self) -> Option<(Row, Envelope<T>)> {
        loop {
            let Waiting { row, item, .. } = self.first()?;
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
        let Entry::Occupied(mut behind) = self.rows.entry(key) else { return };
        match behind.get_mut().pop_front() {
            Some((number, item)) => {
                self.behind -= 1;
                self.freed.push(Waiting { number, row, item });
            }
            None => _ = behind.remove(),
        }
    }
}

/// Results that wait to be passed on.
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

#[cfg(test)]
mod tests {
    use super::{Line, Row};
    use crate::{context::Context, envelope::Receipt, operators::boundary::Envelope};

    /// Items in rows that have letters; one without stands alone.
    fn line(items: &[(&str, u32)]) -> Line<u32> {
        let mut line = Line::default();
        for (row, value) in items {
            let row = row.bytes().next().map_or(Row::Alone, |letter| Row::Of(Some(u64::from(letter))));
            let context = Context::reusable("t".into(), 0);
            line.add(row, Envelope { value: *value, receipt: Receipt::many(Vec::new()), context });
        }
        line
    }

    /// The values in the order in which they begin, if each is done before the next is asked for.
    fn all(mut line: Line<u32>) -> Vec<u32> {
        let mut begun = Vec::new();
        while let Some((row, item)) = line.next() {
            begun.push(item.value);
            line.ended(row);
        }
        assert_eq!((line.len(), line.rows.len(), line.behind()), (0, 0, 0));
        begun
    }

    #[test]
    fn whoever_came_first_begins_first_also_behind_others_of_its_key() {
        let items = [("a", 0), ("a", 1), ("b", 2), ("a", 3), ("", 4), ("b", 5), ("d", 6)];
        assert_eq!(all(line(&items)), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn rows_are_begun_one_by_one_and_do_not_fall_behind() {
        let mut line = line(&[("a", 0), ("a", 1), ("b", 2), ("d", 3), ("d", 4), ("c", 5)]);
        let mut next = || line.next().map(|(row, item)| (row, item.value));
        let (a, _) = next().unwrap();
        assert_eq!(
            [next(), next(), next()].map(|next| next.unwrap().1),
            [2, 3, 5],
            "all others wait for somebody"
        );
        assert!(!line.has_next() && (line.len(), line.behind()) == (2, 2));
        line.ended(a);
        assert!(line.has_next() && line.behind() == 1);
        assert_eq!(line.next().unwrap().1.value, 1);
    }

    #[test]
    fn in_no_row_nobody_waits() {
        let mut line = line(&[("", 0), ("a", 1), ("", 2), ("a", 3)]);
        let begun: Vec<_> = std::iter::from_fn(|| line.next()).map(|(_, item)| item.value).collect();
        assert_eq!(begun, [0, 1, 2]);
    }
}
