use super::rig::{MILLI, Rig, SECOND, STALL, at, done, just_before, moved, partition};
use crate::engine::{
    Blocked, PartitionState,
    core::{Action, Rest},
};

fn blocked(rig: &Rig) -> Option<Blocked> {
    rig.core.status(rig.now).remove(0).blocked
}

#[test]
fn what_holds_a_partition_for_too_long_is_told_once_and_again_only_for_another_offset() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 2)]);
    rig.pass(just_before(STALL));
    assert_eq!(rig.core.tally.stalls, 0);
    rig.pass(MILLI);
    assert_eq!(rig.core.tally.stalls, 1);
    rig.pass(10 * STALL);
    assert_eq!(rig.core.tally.stalls, 1);
    rig.heal(0, 1, 0);
    rig.pass(just_before(STALL));
    assert_eq!(rig.core.tally.stalls, 1, "1 is in the way since a moment only");
    rig.pass(MILLI);
    assert_eq!(rig.core.tally.stalls, 2);
    rig.heal(0, 1, 1);
    rig.pass(2 * STALL);
    assert_eq!((rig.core.tally.stalls, blocked(&rig)), (2, None));
}

#[test]
fn what_waits_since_its_user_lets_it_rest_is_no_stall() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 1, at(Some(0)));
    let rest = Rest::Partition(partition(0));
    rig.core.pause(rest.clone());
    for slot in [0, 1] {
        rig.core.waits((slot, 1), Some(0));
    }
    rig.tick();
    rig.pass(2 * STALL);
    let stalled = |rig: &Rig| {
        let all = rig.core.stalled(rig.now).into_iter();
        all.map(|stalled| stalled.partition).collect::<Vec<_>>()
    };
    assert_eq!((stalled(&rig), blocked(&rig)), (vec![1], None), "only the one that does not rest");
    rig.core.resume(&rest);
    rig.tick();
    rig.pass(just_before(STALL));
    assert_eq!(stalled(&rig), [1]);
    rig.pass(MILLI);
    assert_eq!(stalled(&rig), [0, 1]);
}

#[test]
fn a_record_that_waits_for_the_turn_that_a_rate_gives_it_is_no_stall_and_its_call_has_its_time() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 2)]);
    let rest = rig.desk.rests.begin(3 * STALL, rig.now, || vec![("t".into(), 0, 0)]);
    assert!(rest.is_some());
    rig.pass(just_before(STALL));
    rig.pass(2 * STALL);
    rig.pass(STALL);
    assert_eq!(rig.core.tally.stalls, 0, "since its turn came no such time has passed");
    rig.pass(STALL);
    assert_eq!(rig.core.tally.stalls, 1);
    drop(rest);
    rig.heal(0, 1, 0);
    rig.pass(STALL);
    assert_eq!(rig.core.tally.stalls, 2, "another one that does not rest");
}

#[test]
fn what_is_at_work_while_its_partition_rests_is_a_stall_as_ever() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 1)]);
    rig.core.pause(Rest::Everything);
    rig.core.waits((0, 1), Some(1));
    rig.pass(STALL);
    assert_eq!(rig.core.tally.stalls, 1);
    rig.heal(0, 1, 0);
    rig.pass(STALL);
    assert_eq!((rig.core.tally.stalls, blocked(&rig)), (1, None));
}

#[test]
fn what_was_taken_in_is_uncommitted_whether_it_is_done_or_not() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.pass(SECOND);
    assert_eq!(rig.core.uncommitted(rig.now), None, "there is nothing to commit");
    rig.chunk(0, 1, &[moved(0, 2)]);
    rig.tick();
    rig.pass(SECOND);
    assert_eq!(rig.core.uncommitted(rig.now), Some(SECOND));
}

#[test]
fn what_blocks_is_named_with_the_beginning_of_its_key() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let long: Vec<u8> = (0..40).collect();
    let _receipts = [
        rig.receipt_of(0, 1, 0, 1, Some(b"LH 400")),
        rig.receipt_of(0, 1, 1, 1, Some(&long)),
        rig.receipt_of(0, 1, 2, 1, Some(&long[..32])),
        rig.receipt_of(0, 1, 3, 1, None),
    ];
    rig.chunk(0, 1, &[moved(0, 4)]);
    for (key, cut) in
        [(Some(&b"LH 400"[..]), false), (Some(&long[..32]), true), (Some(&long[..32]), false), (None, false)]
    {
        let now = blocked(&rig).expect("it blocks");
        assert_eq!((now.key.as_deref(), now.key_is_cut), (key, cut));
        rig.heal(0, 1, now.offset);
    }
}

#[test]
fn what_waits_in_front_of_a_partition_is_named_too() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    rig.core.waits((0, 2), Some(7));
    rig.tick();
    assert_eq!(blocked(&rig), None, "another generation's records");
    rig.core.waits((0, 1), Some(7));
    rig.tick();
    rig.pass(STALL);
    let now = blocked(&rig).expect("7 waits");
    assert_eq!((now.offset, &*now.stage, now.lasting), (7, "node 0", STALL));
    assert_eq!(rig.core.tally.stalls, 1);
    rig.chunk(0, 1, &[done(7, 9)]);
    assert_eq!(blocked(&rig), None, "it was taken meanwhile");
}

#[test]
fn a_partition_that_waits_for_its_restart_is_named_too() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    assert_eq!(rig.chunk(0, 1, &[done(2, 3)]), [Action::Rewind { slot: 0, generation: 1, offset: 2 }]);
    rig.pass(2 * SECOND);
    let status = rig.core.status(rig.now).remove(0);
    let blocked = status.blocked.expect("it is to be read again");
    assert_eq!((status.state, blocked.offset), (PartitionState::Restarting, 2));
    assert_eq!(blocked.lasting, 2 * SECOND);
}
