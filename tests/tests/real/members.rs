//! Members of a group on a real Kafka: those with a name of their own, and topics that go while they are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{Door, Seen, lines, settings, until, until_committed};
use healer::prelude::*;
use healer::{Error, Handle, Protocol};
use healer_tests::kafka::RealKafka;

type Offsets = Arc<Seen<(i32, i64)>>;

#[stage]
fn note(line: String, ctx: &Context, #[state] seen: &Offsets) -> String {
    seen.add((ctx.partition(), ctx.offset()));
    line
}

const BOTH: [Protocol; 2] = [Protocol::Classic, Protocol::Consumer];

/// A topic with two partitions, a group, and a pipeline over it.
struct Ground {
    kafka: &'static RealKafka,
    topic: String,
    group: String,
    protocol: Protocol,
    seen: Offsets,
}

impl Ground {
    fn new(protocol: Protocol) -> Option<Self> {
        let kafka = RealKafka::for_test()?;
        let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
        kafka.create_topic(&topic, 2, &[]).unwrap();
        Some(Self { kafka, topic, group, protocol, seen: Offsets::default() })
    }

    async fn start(&self, properties: &[(&str, &str)]) -> Result<Handle, Error> {
        let app = pipeline! { name "members"; lines = kafka::text(&self.topic) => note; lines => heal; };
        let mut settings = settings(self.kafka.brokers(), &self.group).protocol(self.protocol);
        for (name, value) in properties {
            settings = settings.set(*name, *value);
        }
        app.with(Arc::clone(&self.seen)).start(settings.build().unwrap()).await
    }

    fn produce(&self, count: i32) {
        self.kafka.produce(&self.topic, lines(count, 2)).unwrap();
    }
}

fn each(offset: i64) -> BTreeMap<i32, i64> {
    BTreeMap::from([(0, offset), (1, offset)])
}

async fn end(handle: &Handle) -> Result<healer::Report, Error> {
    handle.stop();
    handle.join().await
}

fn partitions(handle: &Handle) -> Vec<i32> {
    handle.partitions().iter().map(|status| status.partition).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_member_that_restarts_keeps_its_partitions_and_nobody_rebalances() {
    for protocol in BOTH {
        let Some(ground) = Ground::new(protocol) else { return };
        ground.produce(20);
        let first = ground.start(&[("group.instance.id", "one")]).await.unwrap();
        until("the first has all", || partitions(&first).len() == 2).await;
        let second = ground.start(&[("group.instance.id", "two")]).await.unwrap();
        until("they share", || partitions(&first).len() == 1 && partitions(&second).len() == 1).await;
        let (left, right) = (partitions(&first)[0], partitions(&second)[0]);
        until("all is committed", || {
            ground.kafka.committed(&ground.group, &ground.topic).unwrap() == each(10)
        })
        .await;
        end(&first).await.unwrap();
        ground.seen.take();
        ground.produce(20);
        until("the second reads its own", || ground.seen.len() == 10).await;
        assert!(
            ground.seen.take().iter().all(|(partition, _)| *partition == right),
            "{protocol:?}: it took over"
        );
        assert_eq!(partitions(&second), [right], "{protocol:?}");
        let first = ground.start(&[("group.instance.id", "one")]).await.unwrap();
        until("it is back", || partitions(&first) == [left]).await;
        assert_eq!(partitions(&second), [right], "{protocol:?}");
        until("all is committed", || {
            ground.kafka.committed(&ground.group, &ground.topic).unwrap() == each(20)
        })
        .await;
        let wanted: Vec<_> = (10..20).map(|offset| (left, offset)).collect();
        assert_eq!(ground.seen.take(), wanted, "each once: it resumed where it was");
        end(&first).await.unwrap();
        end(&second).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_for_which_there_is_no_partition_says_why_and_has_one_when_another_goes() {
    for protocol in BOTH {
        let Some(ground) = Ground::new(protocol) else { return };
        let mut members = Vec::new();
        for _ in 0..3 {
            members.push(ground.start(&[]).await.unwrap());
        }
        let has_none = |member: &&Handle| partitions(member).is_empty();
        until("two have one each", || {
            let counts = members.iter().map(|member| partitions(member).len());
            counts.clone().max() == Some(1) && counts.sum::<usize>() == 2
        })
        .await;
        let idle = members.iter().position(|member| has_none(&member)).unwrap();
        let idle = members.swap_remove(idle);
        until("it waits", || idle.health().waiting.is_some()).await;
        let reason = idle.health().waiting.unwrap().reason;
        assert!(reason.contains("more members than partitions"), "{protocol:?}: {reason}");
        assert!(reason.contains("session.timeout.ms"), "{protocol:?}: {reason}");
        assert!(members.iter().all(|member| member.health().waiting.is_none()));
        let other = members.pop().unwrap();
        end(&other).await.unwrap();
        until("it has that one's", || partitions(&idle).len() == 1).await;
        assert_eq!(idle.health().waiting, None, "{protocol:?}");
        end(&idle).await.unwrap();
        end(&members.pop().unwrap()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_instance_id_ends_one_of_the_two_with_an_error_that_says_so() {
    for protocol in BOTH {
        let Some(ground) = Ground::new(protocol) else { return };
        let first = ground.start(&[("group.instance.id", "one")]).await.unwrap();
        until("the first has all", || partitions(&first).len() == 2).await;
        let second = ground.start(&[("group.instance.id", "one")]).await.unwrap();
        until("one of them ends", || first.is_finished() || second.is_finished()).await;
        // With `classic` the newer member takes the name, with `consumer` the older one keeps it.
        let (fenced, other) = if first.is_finished() { (first, second) } else { (second, first) };
        let error = fenced.join().await.unwrap_err();
        assert!(error.to_string().contains("`group.instance.id`"), "{protocol:?}: {error}");
        ground.produce(20);
        until_committed(&other, &each(10)).await;
        assert_eq!(end(&other).await.unwrap().records, 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_deleted_and_made_anew_is_read_from_its_start() {
    for protocol in BOTH {
        let Some(ground) = Ground::new(protocol) else { return };
        ground.produce(20);
        let handle = ground.start(&[("topic.metadata.refresh.interval.ms", "500")]).await.unwrap();
        until_committed(&handle, &each(10)).await;
        ground.kafka.delete_topic(&ground.topic).unwrap();
        // With `consumer` the group takes the partitions away without a word.
        if protocol == Protocol::Classic {
            until("health tells of it", || handle.health().missing_topic.is_some()).await;
        }
        until("its partitions are taken away", || handle.partitions().is_empty()).await;
        assert!(!handle.is_finished(), "{protocol:?}");
        ground.seen.take();
        ground.kafka.create_topic(&ground.topic, 2, &[]).unwrap();
        ground.produce(6);
        until_committed(&handle, &each(3)).await;
        assert_eq!(ground.seen.len(), 6, "{protocol:?}");
        until("it is well", || handle.health().is_well()).await;
        end(&handle).await.unwrap();
    }
}

/// Waits in the first topic's records, so that their commit comes when that topic is gone.
#[stage]
async fn wait(line: String, #[state] door: &Arc<Door>) -> String {
    door.pass().await;
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_of_other_topics_go_on_while_one_is_gone() {
    let Some(ground) = Ground::new(Protocol::Consumer) else { return };
    let other = ground.kafka.unique("other");
    ground.kafka.create_topic(&other, 2, &[]).unwrap();
    ground.produce(20);
    let (door, seen) = (Arc::new(Door::default()), Offsets::default());
    let app = pipeline! {
        name "two";
        gone = kafka::text(&ground.topic) => wait;
        gone => heal;
        others = kafka::text(&other) => note;
        others => heal;
    };
    let config = settings(ground.kafka.brokers(), &ground.group).build().unwrap();
    let handle = app.with(Arc::clone(&door)).with(seen).start(config).await.unwrap();
    until("all partitions are here", || handle.partitions().len() == 4).await;
    until("records wait", || handle.partitions().iter().map(|status| status.pending).sum::<u64>() >= 2).await;
    ground.kafka.delete_topic(&ground.topic).unwrap();
    door.open();
    for round in 1..=3 {
        ground.kafka.produce(&other, lines(20, 2)).unwrap();
        until("the others are committed", || {
            assert!(!handle.is_finished());
            ground.kafka.committed(&ground.group, &other).unwrap() == each(10 * round)
        })
        .await;
    }
    end(&handle).await.unwrap();
}
