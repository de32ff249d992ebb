//! The memory of records in flight.
//!
//! **Back-pressure.** A partition has a bound of records in flight (1,024 by default). Beyond it records wait in a buffer of
//! ours. Fetching pauses when the partition holds, waiting and in flight, as many bytes as are free of the budget, and resumes at
//! half of that: librdkafka's `pause` throws away prefetched records, and fetching them again may wait as long as the broker
//! holds another fetch (`fetch.wait.max.ms`, 500 ms). One fetch brings up to 1 MiB of a partition in one piece, so with a bound
//! of records alone partitions that are not slow at all would pause in turn: with 1 ms of work on two partitions that cost 60 %
//! of the throughput.

use std::sync::Arc;

use super::{Core, Part};
use crate::{envelope::RECORD, lane::Credit, topology::Copies};

/// The bytes of records in flight, by use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InFlight {
    /// The records themselves.
    pub(crate) records: u64,
    /// Copies as they came in.
    pub(crate) originals: u64,
    /// Copies of sinks, with the producer.
    pub(crate) sends: u64,
}

/// The bytes of a partition's records in flight.
#[derive(Debug, Default)]
pub(super) struct Charge {
    /// Of records that came home.
    home: u64,
    /// As it was counted last.
    pub(super) counted: u64,
    /// `home` at the last look.
    looked: u64,
}

impl Charge {
    pub(super) fn came_home(&mut self, charge: u32) {
        self.home += u64::from(charge);
    }
}

impl Part {
    pub(crate) fn charge(&self) -> u64 {
        self.charge.counted
    }

    /// Tells its home whether its records wait for company that cannot come: nothing came home since the last call, and it is `short` of
    /// memory, or of records that are still to be read.
    fn starve(&mut self, short: bool) -> bool {
        let stands_still = std::mem::replace(&mut self.charge.looked, self.charge.home) == self.charge.home;
        let starves = stands_still && short;
        self.home.set_starved(starves);
        starves
    }
}

impl Core {
    /// Counts a partition's bytes in flight anew.
    pub(super) fn weigh(&mut self, slot: u32) {
        if let Some(part) = self.parts.get_mut(&slot) {
            let now = part.home.entered().saturating_sub(part.charge.home);
            let before = std::mem::replace(&mut part.charge.counted, now);
            self.change_in_flight(before, now);
        }
    }

    pub(super) fn change_in_flight(&mut self, before: u64, now: u64) {
        if before != now {
            self.in_flight_bytes = (self.in_flight_bytes + now).saturating_sub(before);
            self.settings.memory.set_in_flight(self.in_flight_bytes);
        }
    }

    /// How much of a slot may leave for tasks now.
    pub(crate) fn grant(&self, slot: u32) -> Credit {
        let charge = self.parts.get(&slot).map_or(0, Part::charge);
        Credit { records: self.credit(slot), bytes: self.settings.memory.room(charge) }
    }

    /// A partition's bytes in flight.
    pub(crate) fn charge(&self, slot: u32) -> u64 {
        self.parts.get(&slot).map_or(0, Part::charge)
    }

    /// Tells the homes of these slots, in front of which records wait or which are not `fetched` for, whether that is for want of memory
    /// and nothing came home since the last call: a batch with records of such a partition waits for company that cannot come. So do those of partitions that are given back. Says
    /// whether there is one.
    pub(crate) fn starve(&mut self, slots: impl Iterator<Item = (u32, bool)>) -> bool {
        let memory = Arc::clone(&self.settings.memory);
        let mut any = false;
        for (slot, fetched) in slots {
            let Some(part) = self.parts.get_mut(&slot).filter(|part| part.is_open()) else { continue };
            let short = !fetched || memory.room(part.charge()) == 0;
            any |= part.starve(short);
        }
        // A partition that is given back has no more records to come. A batch in a lane below another batch does not see that lanes close.
        for part in self.parts.values_mut().filter(|part| !part.is_open()) {
            any |= part.starve(true);
        }
        any
    }

    /// The bytes of records in flight, by use.
    pub(crate) fn in_flight_by_use(&self) -> InFlight {
        let mut all = InFlight::default();
        for part in self.parts.values() {
            let copies @ Copies { values, original, sent } = part.home.copies();
            let own = part.charge().min(RECORD * part.ledger.pending());
            let of_one = (part.charge() - own) / copies.count();
            all.records += own + of_one * u64::from(values);
            all.originals += of_one * u64::from(original);
            all.sends += of_one * u64::from(sent);
        }
        all
    }
}
