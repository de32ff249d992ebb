//! Where nothing is delivered and nothing moves, nothing is committed.

use healer::Protocol;

use super::{Ground, quick, under_both};
use crate::common::until;

async fn stays(protocol: Protocol) {
    let Some(ground) = Ground::new(protocol, 3) else { return };
    // The first partition is empty, the second one was read to its end before, and something happens in the third alone.
    ground.produce(1, ["quick"; 5]);
    ground.kafka.set_committed(&ground.group, &ground.topic, &[(1, 5)].into()).unwrap();
    let feed = ground.feed();
    for run in 0..2 {
        let member = ground.start(|settings| settings).await;
        until("it has all", || member.partitions().len() == 3).await;
        for commit in 1..=5 {
            feed.send(quick(2)).unwrap();
            until("a commit has passed", || member.committed(2) == Some(5 * run + commit)).await;
        }
        member.stop().await;
        assert_eq!(member.seen.len(), 5, "{protocol:?}");
        assert_eq!(ground.committed(), [(1, 5), (2, 5 * run + 5)].into(), "{protocol:?}");
    }
    let [none, admins, others] = [0, 1, 2].map(|partition| ground.commits(partition));
    assert_eq!((none.len(), admins.len()), (0, 1), "{protocol:?}: {admins:?}");
    assert_eq!(others.len(), 10, "{protocol:?}: one for each record, and none beside: {others:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_delivered_and_nothing_moves_no_commit_reaches_the_broker() {
    under_both(stays).await;
}
