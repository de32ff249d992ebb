//! Claims beside a commit: they are no longer than the broker takes, and believed only where they are true.

use std::sync::OnceLock;

use healer::{Error, PartitionState, Protocol};
use healer_tests::kafka::{RealKafka, RealKafkaOptions};

use super::{Ground, Member, lines};
use crate::common::until;

/// The most bytes that the broker takes beside an offset: room for a claim of some ten records at most.
const LIMIT: usize = 60;

/// The bytes of a text that holds the lineage and no claim.
const LINEAGE_ALONE: usize = 40;

/// Every second line waits, from the first one on.
const LINES: i64 = 2_000;

/// A topic with these lines, on a broker that takes little beside an offset; all tests here share it.
fn narrow() -> Option<Ground> {
    static BROKER: OnceLock<Option<RealKafka>> = OnceLock::new();
    let options = || RealKafkaOptions {
        properties: vec![("offset.metadata.max.bytes".to_owned(), LIMIT.to_string())],
        ..RealKafkaOptions::default()
    };
    let kafka = BROKER.get_or_init(|| RealKafka::own_for_test(options())).as_ref()?;
    let ground = Ground::over(kafka, Protocol::Consumer, 1);
    ground.produce(0, lines(LINES, |offset| offset % 2 == 0));
    Some(ground)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_broker_takes_no_more_beside_an_offset_the_partition_rests_and_goes_on() {
    let Some(ground) = narrow() else { return };
    let member = ground.start(|settings| settings.metadata_max_bytes(LIMIT)).await;
    let rests =
        |member: &Member| member.status(0).is_some_and(|status| status.state == PartitionState::Throttled);
    until("the partition rests", || rests(&member)).await;
    let read = member.seen.len();
    assert!(read < usize::try_from(LINES).unwrap(), "it took all");
    // Records in flight go on, and their offset is committed, if need be without the map.
    for offset in (2..12).step_by(2) {
        member.turnstile.let_go(1);
        until("the frontier is committed", || member.committed(0) == Some(offset)).await;
        assert!(rests(&member));
    }
    assert_eq!(member.seen.len(), read, "nothing new begins");
    let commits = ground.commits(0);
    let last = commits.last().unwrap();
    assert_eq!((last.offset, last.metadata.len()), (10, LINEAGE_ALONE));

    member.turnstile.open();
    until("all is committed", || member.committed(0) == Some(LINES)).await;
    assert_eq!(member.offsets(0), (0..LINES).collect::<Vec<_>>(), "each once");
    assert!(ground.commits(0).iter().all(|commit| commit.metadata.len() <= LIMIT));
    assert_eq!(member.stop().await.lag, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_that_the_broker_does_not_take_ends_the_pipeline_by_name_and_loses_nothing() {
    let Some(ground) = narrow() else { return };
    // The default is more than this broker takes.
    let member = ground.start(|settings| settings).await;
    until("it has ended", || member.handle.is_finished()).await;
    let Err(Error::Commit(text)) = member.handle.join().await else { panic!("it must not go on") };
    for word in ["offset.metadata.max.bytes", "`metadata_max_bytes`"] {
        assert!(text.contains(word), "{text}");
    }
    assert!(
        ground.commits(0).iter().all(|commit| commit.offset == 0),
        "nothing is committed past what waits"
    );

    let before = member.offsets(0);
    let member = ground.start(|settings| settings.metadata_max_bytes(0)).await;
    member.turnstile.open();
    until("all is committed", || member.committed(0) == Some(LINES)).await;
    let again = member.offsets(0);
    // A commit that was early enough had room for the few that did not wait and were done.
    let is_done = |offset: &i64| offset % 2 == 1 && before.contains(offset);
    let owed: Vec<_> = (0..LINES).filter(|offset| again.contains(offset) || !is_done(offset)).collect();
    assert!(again == owed, "each that is not known to be done, once and in order");
    member.stop().await;
}

/// The text of a member that has all of 0 to 9 done but 3.
async fn true_text(ground: &Ground) -> String {
    ground.produce(0, lines(10, |offset| offset == 3));
    let member = ground.start(|settings| settings).await;
    until("all above 3 is known to be done", || {
        member.status(0).is_some_and(|status| (status.position, status.pending) == (10, 1))
    })
    .await;
    member.stop().await;
    let last = ground.commits(0).pop().unwrap();
    assert_eq!(last.offset, 3);
    last.metadata
}

/// Which records run where this group has this offset with this text beside it.
async fn runs_in(ground: &Ground, group: &str, offset: i64, text: &[u8]) -> Vec<i64> {
    ground.kafka.set_committed_with(group, &ground.topic, 0, offset, text).unwrap();
    let ground = Ground { group: group.to_owned(), topic: ground.topic.clone(), ..*ground };
    let member = ground.start(|settings| settings).await;
    member.turnstile.open();
    until("all is committed", || member.committed(0) == Some(10)).await;
    assert_eq!(member.stop().await.lag, Some(0));
    member.offsets(0)
}

/// The same in the group that the text is of.
async fn runs_with(ground: &Ground, offset: i64, text: &[u8]) -> Vec<i64> {
    runs_in(ground, &ground.group, offset, text).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_copied_to_another_group_with_its_text_has_nothing_skipped() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    let text = true_text(&ground).await;
    let other = ground.kafka.unique("group");
    assert_eq!(runs_in(&ground, &other, 3, text.as_bytes()).await, (3..10).collect::<Vec<_>>());
    assert_eq!(runs_with(&ground, 3, text.as_bytes()).await, [3], "in its own it is believed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_others_damaged_text_and_bytes_that_are_no_text_are_ignored() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    let text = true_text(&ground).await;
    let mut damaged = text.clone().into_bytes();
    let last = damaged.last_mut().unwrap();
    *last = if *last == b'A' { b'B' } else { b'A' };
    let mut no_text = text.clone().into_bytes();
    no_text.extend(b"\xff\xfe");
    assert_eq!(runs_with(&ground, 3, text.as_bytes()).await, [3], "what is true is believed");
    let foreign: [&[u8]; 6] =
        [b"AAEC", "\u{1F980}".as_bytes(), b"healer2:", b"healer1:AAAA", b"healer2:AAAA", b"\xff\xfe\0"];
    let texts = foreign.into_iter().chain([&*damaged, &*no_text]).map(|text| (3, text));
    for (offset, text) in texts.chain([(4, text.as_bytes())]) {
        let told = String::from_utf8_lossy(text);
        assert_eq!(runs_with(&ground, offset, text).await, (offset..10).collect::<Vec<_>>(), "{told}");
    }
}
