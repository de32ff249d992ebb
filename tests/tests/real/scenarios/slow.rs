//! A synchronous stage that holds its thread longer than the group waits for a poll: the group does not take it for dead.

use std::sync::Arc;
use std::time::Duration;

use healer::prelude::*;
use healer::{Handle, Protocol};
use healer_tests::kafka::Record;

use super::{Ground, Places, quick, under_both};
use crate::common::{Gate, status, until};

/// How long the group waits for a poll.
const MAX_POLL: Duration = Duration::from_secs(3);

/// How long the stage takes: the client looks twice a second whether it was polled in time.
const HELD: Duration = Duration::from_millis(4_500);

#[stage]
fn hold(line: String, ctx: &Context, #[state] seen: &Places, #[state] gate: &Arc<Gate>) -> String {
    if line == "hold" {
        gate.pass();
    }
    seen.add((ctx.partition(), ctx.offset()));
    line
}

async fn start(ground: &Ground, seen: &Places, gate: &Arc<Gate>) -> Handle {
    let app = pipeline! { name "held"; lines = kafka::text(&ground.topic) => hold; lines => heal; };
    let settings = ground.settings().set("max.poll.interval.ms", MAX_POLL.as_millis().to_string());
    let settings = match ground.protocol {
        // It may not be longer than the wait for a poll.
        Protocol::Classic => settings.set("session.timeout.ms", "1500"),
        _ => settings,
    };
    let app = app.with(Arc::clone(seen)).with(Arc::clone(gate));
    app.start(settings.build().unwrap()).await.unwrap()
}

async fn holds(protocol: Protocol) {
    let Some(ground) = Ground::new(protocol, 2) else { return };
    let (seen, gate) = (Places::default(), Arc::<Gate>::default());
    let first = start(&ground, &seen, &gate).await;
    until("the first member has all", || first.partitions().len() == 2).await;
    let second = start(&ground, &seen, &gate).await;
    until("they share", || first.partitions().len() == 1 && second.partitions().len() == 1).await;
    let of = |handle: &Handle| handle.partitions().iter().map(|status| status.partition).collect::<Vec<_>>();
    let (held, other) = (of(&first)[0], of(&second)[0]);
    let generation = ground.log().generation;
    assert!(generation > 0);

    let feed = ground.feed();
    for record in [quick(held), Record::value("hold").partition(held), quick(held)] {
        feed.send(record).unwrap();
    }
    let blocked = || status(&first, held).and_then(|status| status.blocked);
    until("the stage holds its thread", || blocked().is_some_and(|blocked| blocked.offset == 1)).await;
    (0..10).for_each(|_| feed.send(quick(other)).unwrap());
    until("it has held it for long", || {
        assert_eq!((of(&first), of(&second)), (vec![held], vec![other]), "{protocol:?}: nothing moves");
        blocked().is_some_and(|blocked| blocked.lasting > HELD)
    })
    .await;
    assert_eq!(status(&second, other).unwrap().committed, Some(10), "{protocol:?}");
    assert_eq!(ground.log().generation, generation, "{protocol:?}: nothing was shared anew");
    feed.send(quick(held)).unwrap();
    gate.open();
    until("all is committed", || status(&first, held).unwrap().committed == Some(4)).await;
    for handle in [first, second] {
        handle.stop();
        assert_eq!(handle.join().await.unwrap().fenced, 0, "{protocol:?}");
    }
    let mut seen = seen.take();
    seen.sort_unstable();
    let mut wanted: Vec<_> =
        (0..4).map(|offset| (held, offset)).chain((0..10).map(|offset| (other, offset))).collect();
    wanted.sort_unstable();
    assert_eq!(seen, wanted, "{protocol:?}: each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_stage_may_take_longer_than_the_group_waits_for_a_poll_and_nothing_moves() {
    under_both(holds).await;
}
