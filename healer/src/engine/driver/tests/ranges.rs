//! Which partition is out of range is asked apart from polling, and the answer is about the partitions as they were then.

use std::time::Duration;

use super::rig::{INTERVAL, Rig};
use crate::{OutOfRange, broker::BrokerErrorKind, error::Error};

const ASK: &str = "healer-ask";
const SECOND: Duration = Duration::from_secs(1);

impl Rig {
    /// With partitions that are read up to 5, and the word that some offset does not exist.
    fn told_out_of_range(partitions: &[i32], policy: OutOfRange) -> Self {
        let mut rig = Self::with(|config| config.out_of_range(policy)).opened(partitions);
        for partition in partitions {
            rig.group.put(*partition, 0..5);
            rig.turns(1);
        }
        rig.group.say_out_of_range();
        rig.turns(1);
        assert_eq!(rig.waiting(ASK), 1);
        rig
    }

    /// So many seconds pass, and questions are answered.
    fn watched(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.turns(2);
            if self.waiting(ASK) > 0 {
                self.answer();
            }
            self.pass(SECOND);
        }
        self.turns(2);
    }

    fn has(&self, partition: i32, offsets: std::ops::Range<i64>) {
        self.group.set(|state| state.marks.insert(partition, offsets));
    }
}

#[test]
fn polling_goes_on_while_ends_are_looked_up() {
    let mut rig = Rig::told_out_of_range(&[0, 1], OutOfRange::Earliest);
    rig.has(0, 7..10);
    rig.pass(INTERVAL);
    rig.turns(1);
    rig.work("healer-commit");
    rig.group.revoke(&[1]);
    rig.turns(3);
    assert_eq!(rig.group.told(), ["unassign 1"]);
    rig.answer();
    assert_eq!(rig.group.told(), ["seek 0@7"]);
    rig.turns(3);
    assert_eq!(rig.waiting(ASK), 0, "it is answered");
}

#[test]
fn a_reader_that_is_on_its_way_is_well() {
    let mut rig = Rig::told_out_of_range(&[0, 1, 2], OutOfRange::Earliest);
    rig.has(0, 7..10);
    // Past the end as it was when it was looked up, and from records that were deleted by then.
    rig.group.put(1, 5..20);
    rig.has(2, 6..10);
    rig.group.put(2, 5..8);
    rig.turns(2);
    rig.answer();
    assert_eq!(rig.group.told(), ["seek 0@7"]);
}

#[test]
fn one_that_came_back_meanwhile_is_not_judged_by_what_was() {
    let mut rig = Rig::told_out_of_range(&[0, 1], OutOfRange::Error);
    rig.has(0, 7..10);
    rig.group.lose(&[0]);
    rig.group.set(|state| state.committed.insert(0, 7));
    rig.group.assign(&[0]);
    rig.turns(2);
    rig.answer_starts();
    rig.answer();
    rig.turns(3);
    assert!(rig.end().is_none(), "it was the one before");
    assert_eq!(rig.group.told(), ["unassign 0", "assign 0@7"]);
    assert_eq!(rig.waiting(ASK), 0, "and it is answered");
}

#[test]
fn what_is_said_of_two_is_answered_once() {
    let mut rig = Rig::told_out_of_range(&[0, 1, 2], OutOfRange::Earliest);
    rig.has(0, 7..10);
    rig.has(1, 8..10);
    rig.group.say_out_of_range();
    rig.turns(1);
    rig.answer();
    assert_eq!(rig.group.told(), ["seek 0@7", "seek 1@8"]);
    rig.group.put(2, 5..6);
    rig.watched(3);
    assert_eq!(rig.waiting(ASK), 0, "the other one moves");
}

#[test]
fn what_is_said_of_one_that_was_opened_meanwhile_is_looked_up_next() {
    let mut rig = Rig::told_out_of_range(&[0], OutOfRange::Earliest);
    rig.has(0, 7..10);
    rig.group.assign(&[1]);
    rig.turns(2);
    rig.answer_starts();
    rig.has(1, 3..10);
    rig.group.say_out_of_range();
    rig.turns(1);
    rig.answer();
    assert_eq!(rig.group.told(), ["assign 1@0", "seek 0@7"]);
    rig.answer();
    assert_eq!(rig.group.told(), ["seek 1@3"]);
    rig.turns(3);
    assert_eq!(rig.waiting(ASK), 0);
}

#[test]
fn one_that_stands_still_though_there_is_more_was_written_anew() {
    let mut rig = Rig::told_out_of_range(&[0, 1, 2], OutOfRange::Earliest);
    rig.has(0, 7..10);
    rig.has(2, 0..5);
    rig.group.assign(&[3]);
    rig.turns(2);
    rig.answer_starts();
    rig.answer();
    assert_eq!(rig.group.told(), ["assign 3@0", "seek 0@7"], "that is seen at once");
    rig.watched(9);
    assert!(rig.group.told().is_empty(), "it may be slow");
    rig.watched(2);
    assert_eq!(rig.group.told(), ["seek 1@0"], "but neither what has no more, nor what came since");
    rig.watched(20);
    assert!(rig.group.told().is_empty());
    rig.has(2, 0..6);
    rig.watched(12);
    assert_eq!(rig.group.told(), ["seek 2@0"]);

    let mut rig = Rig::told_out_of_range(&[0, 1], OutOfRange::Error);
    rig.has(1, 0..5);
    rig.watched(12);
    rig.work("healer-commit");
    rig.turns(2);
    let Some(Err(Error::Broker(text))) = rig.end() else { panic!("{:?}", rig.end()) };
    assert!(text.contains("t[0] stands still at offset 5, which exists by now"), "{text}");
}

#[test]
fn who_was_well_when_another_was_meant_may_be_meant_next() {
    let mut rig = Rig::told_out_of_range(&[0, 1], OutOfRange::Earliest);
    rig.group.put(1, 5..8);
    rig.turns(2);
    rig.group.say_out_of_range();
    rig.has(1, 0..6);
    rig.turns(1);
    rig.watched(2);
    assert_eq!(rig.group.told(), ["seek 1@0"]);
}

#[test]
fn while_nobody_answers_nothing_counts_as_standing_still() {
    let mut rig = Rig::told_out_of_range(&[0], OutOfRange::Earliest);
    rig.watched(5);
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Unreachable));
    rig.watched(20);
    rig.group.set(|state| state.fails = None);
    rig.watched(9);
    assert!(rig.group.told().is_empty());
    rig.watched(3);
    assert_eq!(rig.group.told(), ["seek 0@0"]);
}

#[test]
fn what_is_said_of_one_that_is_given_away_before_it_is_looked_up_is_not_taken_for_another() {
    let mut rig = Rig::told_out_of_range(&[0, 1], OutOfRange::Earliest);
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Unreachable));
    rig.answer();
    rig.has(0, 7..10);
    rig.group.lose(&[0]);
    rig.group.set(|state| state.fails = None);
    rig.turns(2);
    rig.pass(Duration::from_millis(200));
    rig.turns(1);
    rig.answer();
    rig.turns(3);
    assert_eq!(rig.group.told(), ["unassign 0"], "nothing is wrong with the other one");
    assert_eq!(rig.waiting(ASK), 0, "and it is answered");
}

#[test]
fn a_look_up_that_fails_is_tried_again_with_what_is_there_then() {
    let mut rig = Rig::told_out_of_range(&[0, 1], OutOfRange::Error);
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Unreachable));
    rig.answer();
    rig.turns(3);
    assert_eq!(rig.waiting(ASK), 0, "not at once");
    rig.group.lose(&[0, 1]);
    rig.group.assign(&[0, 1]);
    rig.group.set(|state| state.fails = None);
    rig.turns(2);
    rig.answer_starts();
    rig.pass(Duration::from_millis(200));
    rig.turns(3);
    assert_eq!(rig.waiting(ASK), 0, "those that were read then are gone");
    assert!(rig.end().is_none());
}

#[test]
fn one_that_an_open_transaction_holds_back_stands_still_rightly() {
    let mut rig = Rig::told_out_of_range(&[0], OutOfRange::Earliest);
    rig.group.set(|state| state.open.insert(0, 5));
    rig.watched(15);
    assert_eq!(rig.group.told(), [""; 0]);
}
