//! How many bytes the records of a process may hold, and how many its pipelines hold.
//!
//! A partition takes more while it holds less than is free. So one partition alone gets half of the budget, `n` of them get a part
//! of `n + 1` each, and there is always something left for one that comes later, however slow the others are. Nobody need know how
//! many partitions there are, nor of which pipeline.
//!
//! The rule holds twice. Fetching is bounded by the bytes that all records hold. Leaving the poll thread is bounded by the bytes in
//! flight: waiting records hold their bytes already, and more of them may have come in one piece than there is room for.
//!
//! **Memory.** One budget in bytes for all pipelines of the process (64 MiB by default). *A partition takes in
//! more while it holds less than is free.* One alone thus comes to half of the budget, `n` to a part of `n + 1` each, and a part
//! as large stays free for one that comes later: nobody starves, and nobody need know how many partitions there are, nor of which
//! pipeline. A partition that holds nothing may always take one record, regardless of its size and of the others' bytes, so
//! nothing deadlocks. The rule holds twice: for fetched records by all bytes held, and for records that leave the poll thread by
//! the bytes in flight alone, since a piece may bring more than there is room for. *The count.* A record is charged from when it
//! leaves the poll thread until its receipt comes home: 256 bytes, and its own for each copy that there may be (its value on each
//! way, the original for a dead letter, the value that a sink made of it; known from the graph), beside records that wait in
//! front of partitions. The charge travels in the receipt's place and comes back with the outcome, so the core subtracts that
//! number (`core/memory`), a generation that ends gives all back, and a fused record costs nothing. The size of users' types is
//! not known. *Originals* of large records (16 KiB and more) that waited are shared with the buffer that they waited in; a small
//! one is a copy, since it would keep a piece of 128 KiB. *Company.* A `batch` may hold all that a partition of the topic has
//! memory for, and wait for rows that cannot come. So one whose records wait for memory, and of which nothing came home between
//! two looks (50 ms), is *starved*, and batches with rows of it leave.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// How many bytes of a partition may leave at once, so that partitions that run side by side do not each take all free bytes.
const AT_ONCE: u64 = 2 << 20;

/// Bytes that are held.
#[derive(Debug, Default)]
struct Bytes {
    /// Of records that left the poll thread and are not done.
    in_flight: AtomicU64,
    /// Of records that were fetched and wait in front of their partition.
    waiting: AtomicU64,
}

/// The bytes that all pipelines of a process hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Bytes>);

/// The bytes that a pipeline holds, beside the budget of its process.
#[derive(Debug)]
pub(crate) struct Memory {
    budget: u64,
    process: Held,
    own: Bytes,
}

impl Memory {
    pub(crate) fn new(budget: u64, process: Held) -> Self {
        Self { budget, process, own: Bytes::default() }
    }

    /// How much more the process may hold.
    pub(crate) fn free(&self) -> u64 {
        self.free_of_flight().saturating_sub(self.process.0.waiting.load(Relaxed))
    }

    fn free_of_flight(&self) -> u64 {
        self.budget.saturating_sub(self.process.0.in_flight.load(Relaxed))
    }

    /// How many bytes more of a partition may leave the poll thread that has so many in flight; the last record may go beyond. One that
    /// has none may always leave, or the partition would stand still while others hold all.
    pub(crate) fn room(&self, own: u64) -> u64 {
        let room = self.free_of_flight().saturating_sub(own).div_ceil(2).min(AT_ONCE);
        if own == 0 { room.max(1) } else { room }
    }

    pub(crate) fn set_in_flight(&self, bytes: u64) {
        set(&self.own.in_flight, &self.process.0.in_flight, bytes);
    }

    pub(crate) fn set_waiting(&self, bytes: u64) {
        set(&self.own.waiting, &self.process.0.waiting, bytes);
    }

    /// The pipeline has ended.
    pub(crate) fn close(&self) {
        self.set_in_flight(0);
        self.set_waiting(0);
    }
}

fn set(own: &AtomicU64, all: &AtomicU64, bytes: u64) {
    let before = own.swap(bytes, Relaxed);
    if bytes != before {
        // A smaller number comes round by the other side.
        all.fetch_add(bytes.wrapping_sub(before), Relaxed);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Held, Memory};

    /// Fills the given partitions, in turn, until none has room; gives the bytes that each holds.
    fn fill(memory: &Memory, mut own: Vec<u64>, record: u64) -> Vec<u64> {
        loop {
            let before = own.clone();
            for at in 0..own.len() {
                if memory.room(own[at]) > 0 && (own[at] > 0 || memory.free() > 0) {
                    own[at] += record;
                    memory.set_in_flight(own.iter().sum());
                }
            }
            if own == before {
                return own;
            }
        }
    }

    #[test]
    fn partitions_share_alike_and_something_is_left_for_one_that_comes_later() {
        let memory = Memory::new(1_000_000, Held::default());
        assert_eq!(fill(&memory, vec![0], 1_000), [500_000]);
        memory.close();
        let four = fill(&memory, vec![0; 4], 1_000);
        assert!(four.iter().all(|own| (199_000..=201_000).contains(own)), "{four:?}");
        assert!(memory.free() >= 190_000);
        let mut five = four.clone();
        five.push(0);
        let five = fill(&memory, five, 1_000);
        assert!(five[4] >= 95_000 && five[..4] == four, "{five:?}");
    }

    #[test]
    fn one_record_may_be_larger_than_all_and_nothing_else_then_but_a_first_one() {
        let memory = Memory::new(1_000, Held::default());
        assert_eq!(memory.room(0), 500);
        memory.set_in_flight(5_000);
        assert_eq!((memory.free(), memory.room(5_000), memory.room(1)), (0, 0, 0));
        assert_eq!(memory.room(0), 1, "a partition that holds nothing does not wait for others");
    }

    #[test]
    fn what_waits_is_no_reason_to_let_it_wait() {
        let memory = Memory::new(1_000, Held::default());
        memory.set_waiting(9_000);
        assert_eq!((memory.free(), memory.room(0), memory.room(200)), (0, 500, 400));
    }

    #[test]
    fn pipelines_of_a_process_share_and_give_back_what_they_hold() {
        let process = Held::default();
        let (one, other) = (Memory::new(1_000, process.clone()), Memory::new(2_000, process.clone()));
        one.set_in_flight(300);
        one.set_waiting(100);
        other.set_waiting(200);
        assert_eq!((one.free(), other.free()), (400, 1_400));
        one.set_in_flight(50);
        assert_eq!(other.free(), 1_650);
        drop(one);
        assert_eq!(other.free(), 1_800);
        other.close();
        assert_eq!(other.free(), 2_000);
    }

    #[test]
    fn what_leaves_at_once_is_bounded_however_much_is_free() {
        assert_eq!(Memory::new(1 << 40, Held::default()).room(0), AT_ONCE);
    }
}
