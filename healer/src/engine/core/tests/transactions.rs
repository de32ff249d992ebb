use std::time::Duration;

use super::rig::{Rig, SECOND, STALL, at, done, moved, partition};
use crate::{
    broker::Watermarks,
    engine::{HeldBack, PartitionState},
};

impl Rig {
    /// A look at where the log of partition 0 ends, a second after the last one.
    fn looks(&mut self, stable: i64, end: i64) -> (PartitionState, Option<(i64, Duration)>) {
        self.pass(SECOND);
        let marks = Watermarks { first: 0, stable, end };
        self.core.log_ends(&[(partition(0), marks)].into(), self.now);
        let status = self.core.status(self.now).remove(0);
        (status.state, status.held_back.map(|HeldBack { offset, lasting }| (offset, lasting)))
    }
}

#[test]
fn a_transaction_is_named_when_it_stands_still_and_all_before_it_is_done() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let running = (PartitionState::Running, None);
    rig.chunk(0, 1, &[done(0, 9), moved(9, 10)]);
    assert_eq!((rig.looks(10, 20), rig.looks(10, 21)), (running, running), "a record is before it");
    rig.heal(0, 1, 9);
    assert_eq!(rig.looks(10, 21), (PartitionState::HeldBack, Some((10, 2 * SECOND))));
    assert_eq!(rig.core.status(rig.now)[0].lag(), Some(21));
    // The next one begins behind it.
    rig.chunk(0, 1, &[done(11, 15)]);
    assert_eq!(rig.looks(15, 21), running, "it may be on its way");
    assert_eq!(rig.looks(15, 21), (PartitionState::HeldBack, Some((15, SECOND))));
    assert_eq!(rig.looks(21, 21), running);
}

#[test]
fn a_transaction_is_no_stall_and_a_fault_only_after_the_time_that_was_set() {
    for set in [None, Some(3 * SECOND)] {
        let mut rig = Rig::new();
        rig.core.settings.held_back_after = set;
        rig.assign(0, 1, at(Some(10)));
        let mut seen = Vec::new();
        for _ in 0..5 {
            rig.looks(10, 20);
            seen.push(rig.core.held_back(rig.now).len());
        }
        assert_eq!(seen, if set.is_some() { [0, 0, 0, 1, 1] } else { [0; 5] });
        rig.pass(2 * STALL);
        rig.looks(10, 20);
        assert!(rig.core.tally.stalls == 0 && rig.core.stalled(rig.now).is_empty());
    }
}
