//! Where records are that left the poll thread, so that a record that blocks a partition has a name.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use crate::record::Millis;

/// Where a record is, from when it left the poll thread. Its receipt tells where it goes without a lock.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(super) offset: i64,
    /// The number of the node that it waits at or runs in.
    node: AtomicU32,
    done: AtomicBool,
    /// A hash of the record's time, key and value.
    pub(crate) fingerprint: u64,
    /// For its identity.
    timestamp: Millis,
    /// Its [`Home::charge`](super::Home::charge).
    pub(super) charge: u32,
    /// The beginning of its key, to name it where it blocks.
    pub(crate) key: Option<KeyStart>,
}

impl InFlight {
    pub(super) fn new(offset: i64, node: u32, fingerprint: u64, key: Option<&[u8]>, charge: u32) -> Self {
        let (node, done) = (AtomicU32::new(node), AtomicBool::new(false));
        Self { offset, node, done, fingerprint, timestamp: Millis::NONE, charge, key: key.map(KeyStart::of) }
    }

    /// The time of a record that is there.
    pub(super) fn of_time(mut self, timestamp: Option<i64>) -> Self {
        self.timestamp = Millis::of(timestamp);
        self
    }

    pub(super) fn timestamp(&self) -> Option<i64> {
        self.timestamp.get()
    }

    pub(crate) fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    pub(super) fn move_to(&self, node: u32) {
        self.node.store(node, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// The first bytes of a key, in line: it is taken for every record that leaves the poll thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyStart {
    length: usize,
    bytes: [u8; Self::KEPT],
}

impl KeyStart {
    const KEPT: usize = 32;

    pub(super) fn of(key: &[u8]) -> Self {
        let mut bytes = [0; Self::KEPT];
        let kept = key.len().min(Self::KEPT);
        bytes[..kept].copy_from_slice(&key[..kept]);
        Self { length: key.len(), bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length.min(Self::KEPT)]
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.length > Self::KEPT
    }
}

/// The places of a partition's records, by offset. Those that are done go from the front, and from the middle now and then.
#[derive(Debug, Default)]
pub(super) struct InFlightTable {
    line: VecDeque<Arc<InFlight>>,
    /// How many there may be before those that are done are looked for.
    room: usize,
    /// Some that are done, to be used again: memory that one thread allocates and another frees is dear.
    spare: Vec<Arc<InFlight>>,
}

/// The least room.
const ROOM: usize = 64;

/// The most that are kept to be used again: about as many as come home together.
const SPARE: usize = 256;

impl InFlightTable {
    pub(super) fn enter(&mut self, place: InFlight) -> Arc<InFlight> {
        if self.line.len() >= self.room {
            self.line.retain(|place| !place.is_done());
            // As many more may come before the next look, so that looking costs each of them the same.
            self.room = (2 * self.line.len()).max(ROOM);
        }
        let place = self.share(place);
        match self.line.back() {
            Some(last) if last.offset >= place.offset => self.put(&place),
            _ => self.line.push_back(Arc::clone(&place)),
        }
        place
    }

    fn share(&mut self, place: InFlight) -> Arc<InFlight> {
        let Some(mut shared) = self.spare.pop() else { return Arc::new(place) };
        match Arc::get_mut(&mut shared) {
            Some(old) => *old = place,
            None => shared = Arc::new(place),
        }
        shared
    }

    /// Records leave in the order of their offsets, but for one that leaves once more.
    #[cold]
    fn put(&mut self, place: &Arc<InFlight>) {
        match self.find(place.offset) {
            Ok(at) => self.line[at] = Arc::clone(place),
            Err(at) => self.line.insert(at, Arc::clone(place)),
        }
    }

    fn find(&self, offset: i64) -> Result<usize, usize> {
        self.line.binary_search_by_key(&offset, |place| place.offset)
    }

    pub(super) fn of(&self, offset: i64) -> Option<Arc<InFlight>> {
        self.find(offset).ok().map(|at| Arc::clone(&self.line[at]))
    }

    /// Where those are that are not done.
    pub(super) fn nodes(&self) -> impl Iterator<Item = u32> {
        self.line.iter().filter(|place| !place.is_done()).map(|place| place.node())
    }

    pub(super) fn tidy(&mut self) {
        while let Some(done) = self.line.pop_front_if(|place| place.is_done()) {
            if self.spare.len() < SPARE {
                self.spare.push(done);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, InFlightTable, ROOM, SPARE};

    fn place(offset: i64) -> InFlight {
        InFlight::new(offset, 1, 0, None, 0)
    }

    #[test]
    fn what_is_done_is_forgotten_also_above_one_that_is_stuck() {
        let mut places = InFlightTable::default();
        let stuck = places.enter(place(0));
        for offset in 1..10_000 {
            let entered = places.enter(place(offset * 3));
            entered.move_to(7);
            assert_eq!(places.of(offset * 3).map(|place| place.node()), Some(7));
            entered.end();
            assert!(places.line.len() <= ROOM);
        }
        assert!(places.of(0).is_some());
        stuck.end();
        places.tidy();
        assert!(places.line.is_empty());
        assert!((1..=SPARE).contains(&places.spare.len()));
        let spare = places.spare.len();
        let again = places.enter(place(40_000));
        assert_eq!((again.node(), places.of(40_000).is_some(), places.spare.len()), (1, true, spare - 1));
    }

    #[test]
    fn one_that_leaves_once_more_is_where_it_is_now() {
        let mut places = InFlightTable::default();
        let first: Vec<_> = [3, 5, 9].into_iter().map(|offset| places.enter(place(offset))).collect();
        places.enter(place(5)).move_to(2);
        first[1].end();
        assert_eq!(places.of(5).map(|place| place.node()), Some(2));
        places.enter(place(4));
        let offsets: Vec<_> = places.line.iter().map(|place| place.offset).collect();
        assert_eq!(offsets, [3, 4, 5, 9]);
        assert!(places.of(6).is_none());
    }
}
