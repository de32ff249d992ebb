//! A result that comes when its partition was taken away and is back in the same process: it counts for nothing.

use std::sync::Arc;

use healer::Protocol;
use healer::prelude::*;
use healer_tests::kafka::Record;
use tokio::sync::Semaphore;

use super::{Ground, Turnstile, under_both};
use crate::common::{Seen, status, until};

/// The calls of a batch stage, which come one after the other, and each of which waits to be let go.
struct Calls {
    began: Seen<Vec<i32>>,
    turnstile: Turnstile,
}

/// Batches are of all partitions: nobody cancels one where a partition of it is taken away.
#[stage(batch)]
async fn finish(rows: &Batch<String>, #[state] calls: &Arc<Calls>) {
    calls.began.add(rows.iter().map(|(ctx, _)| ctx.partition()).collect());
    calls.turnstile.pass().await;
}

async fn comes_back(protocol: Protocol) {
    let Some(ground) = Ground::new(protocol, 2) else { return };
    let feed = ground.feed();
    let wait = |partition| Record::value("wait").partition(partition);
    (0..2).for_each(|partition| feed.send(wait(partition)).unwrap());
    let calls = Arc::new(Calls { began: Seen::default(), turnstile: Turnstile(Semaphore::new(0)) });
    let app = pipeline! {
        name "batches";
        lines = kafka::text(&ground.topic) => batch(2, within = "1m") => finish;
        lines => heal;
    };
    let config = ground.settings().build().unwrap();
    let first = app.with(Arc::clone(&calls)).start(config).await.unwrap();
    until("both records are at work", || calls.began.len() == 1).await;
    assert_eq!(calls.began.all()[0].len(), 2);

    // One of them moves to another process, which does not get it done either, and comes back.
    let second = ground.start(|settings| settings).await;
    until("one is at work elsewhere", || second.seen.len() == 1 && first.partitions().len() == 1).await;
    let (moved, kept) = (second.partitions()[0], first.partitions()[0].partition);
    assert_eq!(second.stop().await.records, 0);
    until("it is back", || status(&first, moved).is_some_and(|status| status.pending == 1)).await;
    assert_eq!(calls.began.len(), 1, "{protocol:?}: the first call goes on all the time");

    calls.turnstile.let_go(1);
    until("what stayed is committed", || {
        status(&first, kept).is_some_and(|status| status.committed == Some(1))
    })
    .await;
    // Rows of one call are settled together: the late one has come home by now.
    let returned = status(&first, moved).unwrap();
    assert_eq!((returned.frontier, returned.pending, returned.committed), (0, 1, None), "{protocol:?}");
    assert_eq!(ground.commits(moved), [], "{protocol:?}");

    // It is in a batch with one that comes now.
    feed.send(wait(moved)).unwrap();
    until("the new copy is at work", || calls.began.all().get(1) == Some(&vec![moved; 2])).await;
    assert_eq!(status(&first, moved).unwrap().committed, None, "{protocol:?}");
    calls.turnstile.let_go(1);
    until("it is committed", || status(&first, moved).unwrap().committed == Some(2)).await;
    first.stop();
    let report = first.join().await.unwrap();
    assert_eq!((report.records, report.fenced), (3, 1), "{protocol:?}");
    assert_eq!(ground.committed(), [(kept, 1), (moved, 2)].into());
    assert_eq!(ground.commits(moved).len(), 1, "{protocol:?}: only when the new copy had ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_result_does_not_complete_the_new_copy_where_the_partition_came_back() {
    under_both(comes_back).await;
}
