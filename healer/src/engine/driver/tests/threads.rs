//! The engine's own threads, while the broker does not answer.

use std::time::Duration;

use super::{super::launch, group::Group, rig};

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
