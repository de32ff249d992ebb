//! The order in a lane of a parallel stage: calls of a key wait for each other, or results wait for those before them.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque, hash_map::Entry},
};

use foldhash::fast::FixedState;

use crate::{operators::boundary::Envelope, topology::Order};

/// The key by which an item keeps its order: items of one key are worked on one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderKey {
    /// It waits for no other item.
    Free,
    /// A key, by its hash; or the key of all that have none.
    Of(Option<u64>),
}

/// Items that wait to be begun. Of the items that may begin, the one that came first does: an item that waits for no other begins
/// in its turn, and a long queue goes on as soon as its first item is done. So no queue grows while others overtake it.
pub(super) struct KeyQueues<T> {
    /// Those that had no item before them in their queue, as they came.
    fresh: VecDeque<Waiting<T>>,
    /// Those that stood behind another. Few: most of them are the next to begin.
    freed: BinaryHeap<Waiting<T>>,
    /// Keys with an item that may begin or is at work, and the items behind it.
    queues: HashMap<Option<u64>, Behind<T>, FixedState>,
    length: usize,
    /// How many stand behind another of their key.
    behind: usize,
    /// How many have come.
    came: u64,
}

/// The items behind the first of their key, each with the number of items that came before it.
type Behind<T> = VecDeque<(u64, Envelope<T>)>;

/// An item that may begin.
struct Waiting<T> {
    /// How many came before it.
    number: u64,
    order: OrderKey,
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

impl<T> Default for KeyQueues<T> {
    fn default() -> Self {
        Self {
            fresh: VecDeque::new(),
            freed: BinaryHeap::new(),
            queues: HashMap::default(),
            length: 0,
            behind: 0,
            came: 0,
        }
    }
}

impl<T> KeyQueues<T> {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// How many wait for another of their key.
    pub(super) fn behind(&self) -> usize {
        self.behind
    }

    pub(super) fn add(&mut self, order: OrderKey, item: Envelope<T>) {
        let number = self.came;
        self.length += 1;
        self.came += 1;
        if let OrderKey::Of(key) = order {
            match self.queues.entry(key) {
                Entry::Occupied(mut behind) => {
                    self.behind += 1;
                    return behind.get_mut().push_back((number, item));
                }
                Entry::Vacant(queue) => _ = queue.insert(VecDeque::new()),
            }
        }
        self.fresh.push_back(Waiting { number, order, item });
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
    pub(super) fn next(&mut self) -> Option<(OrderKey, Envelope<T>)> {
        loop {
            let Waiting { order, item, .. } = self.first()?;
            self.length -= 1;
            if !item.receipt.is_halted() {
                return Some((order, item));
            }
            self.ended(order);
        }
    }

    /// The first of a key is done with: the next one may begin.
    pub(super) fn ended(&mut self, order: OrderKey) {
        let OrderKey::Of(key) = order else { return };
        let Entry::Occupied(mut behind) = self.queues.entry(key) else { return };
        match behind.get_mut().pop_front() {
            Some((number, item)) => {
                self.behind -= 1;
                self.freed.push(Waiting { number, order, item });
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
    use super::{KeyQueues, OrderKey};
    use crate::{context::Context, envelope::Receipt, operators::boundary::Envelope};

    /// Items whose keys are letters; one without a letter is free.
    fn queues(items: &[(&str, u32)]) -> KeyQueues<u32> {
        let mut queues = KeyQueues::default();
        for (order, value) in items {
            let order =
                order.bytes().next().map_or(OrderKey::Free, |letter| OrderKey::Of(Some(u64::from(letter))));
            let context = Context::reusable("t".into(), 0);
            queues.add(order, Envelope { value: *value, receipt: Receipt::many(Vec::new()), context });
        }
        queues
    }

    /// The values in the order in which they begin, if each is done before the next is asked for.
    fn all(mut queues: KeyQueues<u32>) -> Vec<u32> {
        let mut begun = Vec::new();
        while let Some((order, item)) = queues.next() {
            begun.push(item.value);
            queues.ended(order);
        }
        assert_eq!((queues.len(), queues.queues.len(), queues.behind()), (0, 0, 0));
        begun
    }

    #[test]
    fn whoever_came_first_begins_first_also_behind_others_of_its_key() {
        let items = [("a", 0), ("a", 1), ("b", 2), ("a", 3), ("", 4), ("b", 5), ("d", 6)];
        assert_eq!(all(queues(&items)), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn items_of_a_key_are_begun_one_by_one_and_do_not_fall_behind() {
        let mut queues = queues(&[("a", 0), ("a", 1), ("b", 2), ("d", 3), ("d", 4), ("c", 5)]);
        let mut next = || queues.next().map(|(order, item)| (order, item.value));
        let (a, _) = next().unwrap();
        assert_eq!(
            [next(), next(), next()].map(|next| next.unwrap().1),
            [2, 3, 5],
            "all others wait for somebody"
        );
        assert!(!queues.has_next() && (queues.len(), queues.behind()) == (2, 2));
        queues.ended(a);
        assert!(queues.has_next() && queues.behind() == 1);
        assert_eq!(queues.next().unwrap().1.value, 1);
    }

    #[test]
    fn without_a_key_no_item_waits() {
        let mut queues = queues(&[("", 0), ("a", 1), ("", 2), ("a", 3)]);
        let begun: Vec<_> = std::iter::from_fn(|| queues.next()).map(|(_, item)| item.value).collect();
        assert_eq!(begun, [0, 1, 2]);
    }
}
