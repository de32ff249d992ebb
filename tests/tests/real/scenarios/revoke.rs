//! A partition that moves to another machine while its records are at work.

use healer::Protocol;

use super::{Ground, lines};
use crate::common::until;

async fn moves(protocol: Protocol) {
    let Some(ground) = Ground::new(protocol, 2) else { return };
    for partition in 0..2 {
        ground.produce(partition, lines(10, |offset| offset == 3 || offset == 5));
    }
    // Only the revoke commits.
    let first = ground.start(|settings| settings.commit_interval("1m")).await;
    until("3 and 5 are at work, and all others are done", || {
        let all = first.handle.partitions();
        all.len() == 2 && all.iter().all(|status| (status.position, status.pending) == (10, 2))
    })
    .await;
    assert_eq!(ground.log().commits, [], "{protocol:?}");

    let second = ground.start(|settings| settings).await;
    second.turnstile.open();
    until("they share", || first.partitions().len() == 1 && second.partitions().len() == 1).await;
    let (kept, moved) = (first.partitions()[0], second.partitions()[0]);
    until("the new owner has done what was left", || second.committed(moved) == Some(10)).await;
    let commits = ground.commits(moved);
    assert_eq!(commits[0].offset, 3, "{protocol:?}: {commits:?}");
    assert!(commits[0].metadata.starts_with("healer2:"), "{protocol:?}: what is done above is said, too");
    assert!(commits.is_sorted_by_key(|commit| commit.offset), "{protocol:?}: {commits:?}");
    assert_eq!(first.offsets(moved), (0..10).collect::<Vec<_>>());
    assert_eq!(second.offsets(moved), [3, 5], "{protocol:?}: what was not done, and nothing else");

    // The partition that stayed ends where it began.
    first.turnstile.open();
    until("what stayed is done", || first.status(kept).is_some_and(|status| status.pending == 0)).await;
    let report = first.stop().await;
    assert_eq!((report.records, report.fenced), (18, 2), "{protocol:?}: 3 and 5 of what moved came too late");
    until("it is the second one's as well", || second.partitions().len() == 2).await;
    assert_eq!(second.stop().await.lag, Some(0));
    assert_eq!((first.offsets(kept).len(), second.offsets(kept)), (10, vec![]), "{protocol:?}");
    assert_eq!(ground.committed(), [(0, 10), (1, 10)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoke_with_3_and_5_at_work_commits_3_and_another_machine_does_3_and_5_alone_with_the_classic_protocol()
 {
    moves(Protocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoke_with_3_and_5_at_work_commits_3_and_another_machine_does_3_and_5_alone_with_the_consumer_protocol()
 {
    moves(Protocol::Consumer).await;
}
