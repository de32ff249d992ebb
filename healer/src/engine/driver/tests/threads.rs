//! The engine's own threads, while the broker does not answer.

use std::{sync::mpsc, thread, time::Duration};

use super::{
    super::launch,
    group::Group,
    rig::{self, Rig},
};
use crate::error::Error;

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_is_answered_and_a_stop_ends_while_a_look_up_hangs() {
    let group = Group::default();
    group.set(|state| state.waits = true);
    let handle = launch(rig::launch(|config| config), group.clone()).await.expect("it starts");
    group.assign(&[0]);
    group.until(|state| !state.told.is_empty());
    group.set(|state| state.hangs = true);
    group.assign(&[1]);
    group.until(|state| state.asked);
    group.revoke(&[0]);
    group.until(|state| state.told.len() == 2);
    assert_eq!(group.told(), ["assign 0@0", "unassign 0"]);
    handle.stop();
    // Nobody answers until it has ended.
    let ended = tokio::time::timeout(Duration::from_secs(20), handle.join()).await;
    ended.expect("it waits for nobody").expect("it ends as it was told to");
    group.set(|state| state.hangs = false);
}

#[test]
fn a_record_that_fails_after_a_fetch_that_brought_nothing_ends_the_pipeline() {
    let rig = Rig::failing(40);
    rig.group.set(|state| state.marks.insert(0, 0..100));
    let mut rig = rig.opened(&[0]);
    // A chunk has 16 of them: the first goes where they were fetched, two in each round behind.
    rig.group.put(0, 0..60);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        rig.turns(4);
        // No thread of the test commits, so the last commit is waited for in vain.
        for _ in 0..2 {
            rig.pass(Duration::from_mins(1));
            rig.turns(1);
        }
        tell.send(rig.end()).expect("the test waits");
    });
    // A thread that asks for a lock of its own waits for ever.
    let end = told.recv_timeout(Duration::from_secs(20)).expect("the poll thread goes on");
    let Some(Err(Error::Record(record))) = end else { panic!("the record is named, not {end:?}") };
    assert_eq!(record.offset, 40);
}

#[test]
fn a_panic_of_the_thread_that_polls_meanwhile_ends_the_pipeline_by_name() {
    let rig = Rig::new().opened(&[0]);
    rig.group.set(|state| state.events_panic = true);
    rig.keep();
    assert!(matches!(rig.end(), Some(Err(Error::Engine(text))) if text.contains("beside itself")));
}
