//! More members than partitions: a member without one waits for its turn, and disturbs no other.

use healer::Protocol;
use healer_tests::kafka::Record;

use super::{Ground, lines, quick, two_share, under_both};
use crate::common::until;

async fn waits_for_its_turn(protocol: Protocol) {
    let Some(ground) = Ground::new(protocol, 2) else { return };
    let ([first, second], [kept, left]) = two_share(&ground, |settings| settings).await;
    let feed = ground.feed();
    for partition in 0..2 {
        let lines = lines(10, |offset| offset == 3).map(|line| Record::value(line).partition(partition));
        lines.for_each(|record| feed.send(record).unwrap());
    }
    until("both are at work", || {
        let at_work = |status: healer::PartitionStatus| (status.position, status.pending) == (10, 1);
        first.status(kept).is_some_and(at_work) && second.status(left).is_some_and(at_work)
    })
    .await;

    let third = ground.start(|settings| settings).await;
    until("the third one is a member", || ground.log().members == 3).await;
    // Nobody rests for it.
    feed.send(quick(left)).unwrap();
    until("the second one goes on", || second.offsets(left).len() == 11).await;
    assert_eq!((first.partitions(), second.partitions()), (vec![kept], vec![left]), "{protocol:?}");
    assert!(third.partitions().is_empty(), "{protocol:?}");
    assert!(!third.handle.is_finished(), "{protocol:?}");

    second.stop().await;
    until("the third one has its turn", || third.partitions() == [left]).await;
    third.turnstile.open();
    until("it does what was left", || third.committed(left) == Some(11)).await;
    assert_eq!(third.offsets(left), [3], "{protocol:?}");
    assert_eq!(first.partitions(), [kept], "{protocol:?}");
    let status = first.status(kept).unwrap();
    assert_eq!((status.frontier, status.position, status.pending), (3, 10, 1), "{protocol:?}");
    first.turnstile.let_go(1);
    until("what stayed is done", || first.committed(kept) == Some(10)).await;
    assert_eq!(first.offsets(kept), (0..10).collect::<Vec<_>>(), "{protocol:?}: each once");
    for member in [first, third] {
        assert_eq!(member.stop().await.fenced, 0, "{protocol:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_without_a_partition_gets_its_share_when_another_leaves_and_the_others_keep_theirs() {
    under_both(waits_for_its_turn).await;
}
