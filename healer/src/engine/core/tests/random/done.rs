//! The records that were done, and those of them that are wanted again.

use std::collections::BTreeMap;

use super::log::Record;

/// Every record that was done, in a map that is too simple to be wrong.
#[derive(Default)]
pub(super) struct Done {
    /// With the last generation that did it.
    by: BTreeMap<Record, u32>,
    /// Where the group went back to, and the first generation after that: records that earlier ones did from there on do not count.
    wishes: BTreeMap<u32, Vec<(i64, u32)>>,
}

impl Done {
    pub(super) fn add(&mut self, record @ (slot, offset, _): Record, generation: u32) {
        let mut wishes = self.wishes.get(&slot).into_iter().flatten();
        if !wishes.any(|(from, first)| offset >= *from && generation < *first) {
            let by = self.by.entry(record).or_default();
            *by = generation.max(*by);
        }
    }

    pub(super) fn want_again(&mut self, slot: u32, from: i64, first: u32) {
        self.wishes.entry(slot).or_default().push((from, first));
        self.by.retain(|(of, offset, _), generation| *of != slot || *offset < from || *generation >= first);
    }

    pub(super) fn contains(&self, record: &Record) -> bool {
        self.by.contains_key(record)
    }
}
