//! Many partitions: not all of them are looked at each time, and nothing waits for long because of that.

use super::rig::{INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, moved};
use crate::engine::core::Action;

const PARTITIONS: u32 = 200;

fn rig() -> Rig {
    let mut rig = Rig::new();
    (0..PARTITIONS).for_each(|slot| drop(rig.assign(slot, 1, at(Some(0)))));
    rig
}

#[test]
fn a_commit_is_due_a_moment_after_its_interval_at_most() {
    let mut rig = rig();
    rig.chunk(7, 1, &[done(0, 5)]);
    rig.pass(just_before(INTERVAL));
    assert_eq!(commits(&rig.chunk(9, 1, &[done(0, 3)])), Vec::<Vec<_>>::new());
    let due = rig.pass(2 * MILLI);
    assert_eq!(commits(&due), [[(7, 5), (9, 3)]]);
}

#[test]
fn the_partition_that_something_came_of_is_looked_at_at_once() {
    let mut rig = rig();
    rig.pass(SECOND);
    // Each tenth is pending: the offsets done between them have no room in a commit any more.
    for n in 0..30 {
        rig.chunk(3, 1, &[moved(n * 10, n * 10 + 1), done(n * 10 + 1, n * 10 + 10)]);
    }
    assert_eq!(rig.core.credit(3), 0);
    (0..30).for_each(|n| drop(rig.heal(3, 1, n * 10)));
    assert_eq!(rig.core.credit(3), 100, "it has room again");
}

#[test]
fn the_last_outcome_is_not_left_until_something_else_happens() {
    let mut rig = rig();
    rig.chunk(3, 1, &[moved(0, 1)]);
    rig.pass(SECOND);
    rig.heal(3, 1, 0);
    assert!(rig.core.is_busy(), "nothing is in flight, and there is something to look at");
    rig.pass(2 * MILLI);
    assert!(!rig.core.is_busy());
}

#[test]
fn a_stop_and_a_revoke_do_not_wait() {
    let mut rig = rig();
    rig.pass(SECOND);
    rig.chunk(3, 1, &[done(0, 5)]);
    let revoked = rig.step(crate::engine::core::Event::Revoked(vec![super::rig::partition(3)]));
    assert_eq!(commits(&revoked), [[(3, 5)]]);
    let released = rig.acknowledge();
    assert!(released.contains(&Action::Release(vec![super::rig::partition(3)])), "{released:?}");
}
