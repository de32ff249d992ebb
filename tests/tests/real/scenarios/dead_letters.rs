//! Records that are given up: their dead letter is acknowledged, then they are done. Without an acknowledgement they stay
//! pending, their partition rests, and nothing beyond them is committed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use healer::prelude::*;
use healer::{Handle, Protocol, RecordErrorKind, dead_letter};
use healer_tests::kafka::{RealKafka, RealKafkaOptions, Record, Stored};

use super::{Ground, Places};
use crate::common::{Door, Gate, chain, failed_record, status, until};

#[stage(retry(3, backoff = "10ms"))]
async fn thrice(
    line: String,
    ctx: &Context,
    #[state] seen: &Places,
    #[state] doors: &Arc<Doors>,
) -> Result<String, String> {
    seen.add((ctx.partition(), ctx.offset()));
    if line != "fail" {
        return Ok(line);
    }
    doors.door.pass().await;
    Err("it cannot be done".to_owned())
}

#[stage]
fn once(
    line: String,
    ctx: &Context,
    #[state] seen: &Places,
    #[state] doors: &Arc<Doors>,
) -> Result<String, String> {
    seen.add((ctx.partition(), ctx.offset()));
    if line != "fail" {
        return Ok(line);
    }
    doors.gate.pass();
    Err("it cannot be done".to_owned())
}

/// Where the record that fails waits first.
#[derive(Default)]
struct Doors {
    door: Door,
    gate: Gate,
}

/// A pipeline whose dead letters go to that topic; its producer gives up soon.
async fn start(ground: &Ground, dead: &str, seen: &Places, doors: &Arc<Doors>, is_fused: bool) -> Handle {
    let app = if is_fused {
        pipeline! { name "graves"; lines = kafka::text(&ground.topic) => once; lines => heal; }
    } else {
        pipeline! { name "graves"; lines = kafka::text(&ground.topic) => thrice; lines => heal; }
    };
    let app = app.on_error(OnError::dead_letter(dead)).with(Arc::clone(seen)).with(Arc::clone(doors));
    let settings = ground.settings().set("message.timeout.ms", "2000").set("linger.ms", "0");
    // How soon the client believes that a topic is gone: it asks all five minutes, and doubts it for half a minute.
    let settings = settings
        .set("topic.metadata.refresh.interval.ms", "500")
        .set("topic.metadata.propagation.max.ms", "1000");
    app.start(settings.build().unwrap()).await.unwrap()
}

fn header(letter: &Stored, name: &str) -> Option<String> {
    let (_, value) = letter.headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8(value.clone()?).unwrap())
}

/// Offset 2 of partition 0 fails. The records before it are committed by then.
async fn produce(ground: &Ground) {
    ground.produce(0, ["quick"; 2]);
    until("what comes before it is committed", || ground.committed() == [(0, 2)].into()).await;
    let quick = || Record::value("quick").partition(0);
    let poison = Record::value("fail").partition(0).key("k").timestamp(1_700_000_000_123);
    let poison = poison.header("trace", "a1").header("trace", "a2");
    ground.kafka.produce(&ground.topic, [poison, quick(), quick()]).unwrap();
}

/// One of the pipelines that the broker is taken from.
struct Grave {
    ground: Ground,
    dead: String,
    seen: Places,
    handle: Handle,
    stage: &'static str,
    attempts: usize,
}

impl Grave {
    /// The records before the one that fails are committed, and that one waits in its stage.
    async fn new(kafka: &'static RealKafka, doors: &Arc<Doors>, is_fused: bool) -> Self {
        let ground = Ground::over(kafka, Protocol::Consumer, 2);
        let dead = kafka.unique("dead");
        kafka.create_topic(&dead, 1, &[]).unwrap();
        let seen = Places::default();
        let handle = start(&ground, &dead, &seen, doors, is_fused).await;
        produce(&ground).await;
        let (stage, attempts) = if is_fused { ("lines.once", 1) } else { ("lines.thrice", 3) };
        let grave = Self { ground, dead, seen, handle, stage, attempts };
        until("the record is at work", || grave.tries() == 1).await;
        grave
    }

    fn tries(&self) -> usize {
        self.seen.all().iter().filter(|place| **place == (0, 2)).count()
    }

    async fn is_held_back(&self) {
        until("it was tried", || self.tries() == self.attempts).await;
        // Beyond the producer's time-out: the letter has failed once at least, and is sent again.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(!self.handle.is_finished(), "an outage stops nothing");
        let status = status(&self.handle, 0).unwrap();
        let blocked = status.blocked.unwrap();
        assert_eq!((status.committed, blocked.offset, &*blocked.stage), (Some(2), 2, self.stage));
        assert!(self.seen.all().iter().all(|place| *place <= (0, 2)), "{:?} is held back", self.seen.all());
        assert_eq!(self.tries(), self.attempts);
    }

    async fn comes_to_its_end(self) {
        let Self { ground, dead, handle, stage, attempts, .. } = self;
        until("all is committed", || ground.committed() == [(0, 5)].into()).await;
        handle.stop();
        let report = handle.join().await.unwrap();
        // A group that gave the member up meanwhile has its records done again.
        assert!((1..=2).contains(&report.dead_lettered), "{report:?}");
        let letters = ground.kafka.read_all(&dead).unwrap();
        // One whose acknowledgement was lost may be there twice.
        assert!((1..=2).contains(&letters.len()), "{letters:?}");
        for letter in &letters {
            assert_eq!(
                (letter.key.as_deref(), letter.value.as_deref()),
                (Some(&b"k"[..]), Some(&b"fail"[..]))
            );
            assert!(letter.timestamp > Some(1_700_000_000_123), "the time of now: {letter:?}");
            let own: Vec<_> = letter.headers.iter().filter(|(name, _)| name == "trace").collect();
            assert_eq!(own.len(), 2, "{letter:?}");
            let attempts = attempts.to_string();
            let wanted = [
                (dead_letter::TOPIC, &*ground.topic),
                (dead_letter::PARTITION, "0"),
                (dead_letter::OFFSET, "2"),
                (dead_letter::TIMESTAMP, "1700000000123"),
                (dead_letter::STAGE, stage.rsplit('.').next().unwrap()),
                (dead_letter::PATH, stage),
                (dead_letter::ATTEMPTS, &attempts),
                (dead_letter::ERROR, "it cannot be done"),
            ];
            for (name, value) in wanted {
                assert_eq!(header(letter, name).as_deref(), Some(value), "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_no_broker_takes_the_dead_letter_its_record_stays_pending_and_the_partition_rests() {
    static BROKER: OnceLock<Option<RealKafka>> = OnceLock::new();
    let own = || RealKafka::own_for_test(RealKafkaOptions::default());
    let Some(kafka) = BROKER.get_or_init(own).as_ref() else { return };
    let doors = Arc::<Doors>::default();
    let (fused, awaited) = tokio::join!(Grave::new(kafka, &doors, true), Grave::new(kafka, &doors, false));
    kafka.kill();
    doors.gate.open();
    doors.door.open();
    tokio::join!(fused.is_held_back(), awaited.is_held_back());
    kafka.restart().unwrap();
    tokio::join!(fused.comes_to_its_end(), awaited.comes_to_its_end());
}

/// Doors that hold nobody up.
fn open() -> Arc<Doors> {
    let doors = Arc::<Doors>::default();
    doors.gate.open();
    doors
}

/// The text of the error that stops the pipeline, with its record uncommitted.
async fn stops(ground: &Ground, dead: &str, prepare: impl FnOnce()) -> String {
    let seen = Places::default();
    let handle = start(ground, dead, &seen, &open(), true).await;
    prepare();
    produce(ground).await;
    let error = failed_record(handle.join().await);
    assert_eq!((&error.kind, error.offset), (&RecordErrorKind::DeadLetter, 2));
    assert_eq!(ground.committed(), [(0, 2)].into(), "what came before, and not more");
    chain(&*error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_topic_that_was_deleted_stops_the_pipeline() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    let dead = ground.kafka.unique("dead");
    ground.kafka.create_topic(&dead, 1, &[]).unwrap();
    let why = stops(&ground, &dead, || ground.kafka.delete_topic(&dead).unwrap()).await;
    assert!(why.contains(&dead) && why.contains("it cannot be done"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_added_to_a_letter_is_shortened_before_the_letter_is_too_large() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    let dead = ground.kafka.unique("dead");
    // A batch of one record has 61 bytes of its own. Ours alone are more than 200.
    ground.kafka.create_topic(&dead, 1, &[("max.message.bytes", "220")]).unwrap();
    let seen = Places::default();
    let handle = start(&ground, &dead, &seen, &open(), true).await;
    produce(&ground).await;
    until("all is committed", || ground.committed() == [(0, 5)].into()).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().dead_lettered, 1);
    let letters = ground.kafka.read_all(&dead).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(header(&letters[0], dead_letter::OFFSET).as_deref(), Some("2"));
    assert_eq!(header(&letters[0], dead_letter::ERROR), None);
    assert_eq!(header(&letters[0], "trace").as_deref(), Some("a1"), "its own headers are whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_too_large_for_the_dead_letter_topic_stops_the_pipeline() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    let dead = ground.kafka.unique("dead");
    ground.kafka.create_topic(&dead, 1, &[("max.message.bytes", "100")]).unwrap();
    let why = stops(&ground, &dead, || ()).await;
    assert!(why.contains("max.message.bytes") && why.contains(&dead), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_written_now_whenever_its_record_was() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    let (kafka, written) = (ground.kafka, times());
    let (from, dead, group) = (kafka.unique("times"), kafka.unique("dead"), kafka.unique("group"));
    let wide = "9000000000000";
    let takes_all = [
        ("message.timestamp.after.max.ms", wide),
        ("message.timestamp.before.max.ms", wide),
        ("retention.ms", "-1"),
    ];
    kafka.create_topic(&from, 1, &takes_all).unwrap();
    // An hour ahead at most, as is Kafka's default, and an hour back.
    kafka.create_topic(&dead, 1, &[("message.timestamp.before.max.ms", "3600000")]).unwrap();
    kafka
        .produce(&from, written.map(|time| Record::value("no number").partition(0).timestamp(time)))
        .unwrap();
    let numbers = kafka::json::<u64>(&from).on_error(OnError::dead_letter(&*dead)).stream("numbers");
    let report =
        App::new("times").chain(numbers.heal()).run_until_end(crate::common::config(kafka, &group)).await;
    assert_eq!(report.unwrap().dead_lettered, 3);
    let letters = kafka.read_all(&dead).unwrap();
    assert_eq!(letters.len(), 3);
    for (letter, time) in letters.iter().zip(written) {
        assert_eq!(header(letter, dead_letter::TIMESTAMP), Some(time.to_string()));
        let now = times()[1];
        assert!(
            letter.timestamp.is_some_and(|at| (now - 3_600_000..=now + 3_600_000).contains(&at)),
            "{letter:?}"
        );
    }
}

/// Thirty days ago, now, and two hours ahead.
fn times() -> [i64; 3] {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let now = i64::try_from(now).unwrap();
    [now - 30 * 86_400_000, now, now + 2 * 3_600_000]
}
