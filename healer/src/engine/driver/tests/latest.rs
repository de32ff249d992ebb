//! `start = latest` is about the ends of logs when the group began.

use super::{
    group::Group,
    rig::{INTERVAL, Rig},
};
use crate::Start;

impl Rig {
    fn latest(group: &Group) -> Self {
        Self::over(group.clone(), |config| config.start(Start::Latest))
    }

    /// Where a partition starts that is given to it now.
    fn starts(&mut self, partition: i32) -> Vec<String> {
        self.group.assign(&[partition]);
        self.turns(2);
        self.answer_starts();
        self.group.told()
    }
}

#[test]
fn a_new_group_starts_where_the_end_was_when_its_process_began() {
    let group = Group::default();
    let mut rig = Rig::latest(&group);
    group.set(|state| state.marks.insert(0, 0..15));
    assert_eq!(rig.starts(0), ["assign 0@10"]);
    group.set(|state| state.marks.insert(1, 12..15));
    assert_eq!(rig.starts(1), ["assign 1@12"], "what was deleted since then cannot be read");
}

#[test]
fn what_an_open_transaction_holds_back_is_not_skipped() {
    let group = Group::default();
    group.set(|state| state.open.insert(0, 6));
    assert_eq!(Rig::latest(&group).starts(0), ["assign 0@6"]);
}

#[test]
fn a_partition_that_was_added_starts_at_its_first_record() {
    let group = Group::default();
    group.set(|state| state.committed.insert(0, 7));
    let mut rig = Rig::latest(&group);
    assert_eq!(rig.starts(1), ["assign 1@0"], "the group has a commit for another one of the topic");
    // Of this one nothing was heard when the process began.
    let mut rig = Rig::latest(&Group::default());
    assert_eq!(rig.starts(3), ["assign 3@0"]);
}

#[test]
fn what_others_began_meanwhile_does_not_make_a_group_old() {
    let group = Group::default();
    let mut rig = Rig::latest(&group);
    group.set(|state| state.committed.insert(0, 10));
    assert_eq!(rig.starts(1), ["assign 1@10"]);
}

#[test]
fn a_topic_that_was_made_anew_starts_at_its_first_record() {
    let group = Group::default();
    let mut rig = Rig::latest(&group);
    assert_eq!(rig.starts(0), ["assign 0@10"]);
    rig.pass(INTERVAL);
    rig.turns(1);
    rig.work("healer-commit");
    rig.turns(1);
    group.revoke(&[0]);
    rig.turns(3);
    group.told();
    group.set(|state| state.committed.clear());
    assert_eq!(rig.starts(0), ["assign 0@0"]);
}
