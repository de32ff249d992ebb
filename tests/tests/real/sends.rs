//! Records that a broker refuses: only the one at fault fails, as its policy says; all others arrive once, whole and in order.

use std::sync::Arc;

use crate::common::{Seen, chain, config, failed_record, settings, texts};
use healer::{Error, RecordErrorKind, Report, dead_letter, prelude::*};
use healer_tests::kafka::{RealKafka, Record, Stored};

/// Topics of one partition: a pipeline reads `from`, and writes to `to`, which has the settings of the test.
struct Way {
    kafka: &'static RealKafka,
    from: String,
    to: String,
    dead: String,
    group: String,
}

impl Way {
    /// `None`, and a word about it, without a real Kafka.
    fn new(to: &[(&str, &str)]) -> Option<Self> {
        let kafka = RealKafka::for_test()?;
        let [from, into, dead, group] = ["from", "to", "dead", "group"].map(|base| kafka.unique(base));
        kafka.create_topic(&from, 1, &[]).unwrap();
        kafka.create_topic(&into, 1, to).unwrap();
        kafka.create_topic(&dead, 1, &[]).unwrap();
        Some(Self { kafka, from, to: into, dead, group })
    }

    fn produce(&self, records: impl IntoIterator<Item = Record>) {
        self.kafka.produce(&self.from, records.into_iter().map(|record| record.partition(0))).unwrap();
    }

    /// Runs all records through a sink that says nothing about failures.
    async fn run(&self, on_error: OnError) -> Result<Report, Error> {
        let app = pipeline! {
            name "copies"; all = kafka::bytes(&self.from) => kafka::to_bytes(&self.to); all => heal;
        };
        app.on_error(on_error).run_until_end(config(self.kafka, &self.group)).await
    }

    /// Runs all records through a sink with a policy of its own.
    async fn run_with_letters(&self) -> Report {
        let app = pipeline! {
            name "copies";
            all = kafka::bytes(&self.from)
                => kafka::to_bytes(&self.to).on_error(OnError::dead_letter(&*self.dead));
            all => heal;
        };
        app.run_until_end(config(self.kafka, &self.group)).await.unwrap()
    }

    fn letters(&self) -> Vec<Stored> {
        self.kafka.read_all(&self.dead).unwrap()
    }

    fn out(&self) -> Vec<Stored> {
        self.kafka.read_all(&self.to).unwrap()
    }

    fn committed(&self) -> i64 {
        self.kafka.committed(&self.group, &self.from).unwrap()[&0]
    }
}

fn header(of: &Stored, name: &str) -> Option<String> {
    let (_, value) = of.headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8(value.clone()?).unwrap())
}

/// The offsets that letters name.
fn offsets(letters: &[Stored]) -> Vec<i64> {
    letters.iter().map(|letter| header(letter, dead_letter::OFFSET).unwrap().parse().unwrap()).collect()
}

const LIMIT: [(&str, &str); 1] = [("max.message.bytes", "10000")];
const COMPACT: [(&str, &str); 1] = [("cleanup.policy", "compact")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_records_are_sent_though_all_of_them_together_are_too_large() {
    let Some(way) = Way::new(&LIMIT) else { return };
    let value = |n: i32| format!("{n:0>1000}");
    way.produce((0..1_000).map(|n| Record::value(value(n)).key("k").header("n", n.to_string())));
    let report = way.run(OnError::Stop).await.unwrap();
    assert_eq!((report.healed, report.lag), (1_000, Some(0)));
    let out = way.out();
    assert_eq!(texts(&out), (0..1_000).map(value).collect::<Vec<_>>(), "each once, and in order");
    assert!((0..).zip(&out).all(|(n, stored)| header(stored, "n") == Some(format!("{n}"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_too_large_fails_under_its_own_name_and_what_came_before_it_is_sent() {
    let Some(way) = Way::new(&LIMIT) else { return };
    way.produce([Record::value("a"), Record::value(vec![b'b'; 20_000])]);
    let error = failed_record(way.run(OnError::Stop).await);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::Send));
    assert!(chain(&*error).contains("max.message.bytes"), "{error}");
    assert_eq!((texts(&way.out()), way.committed()), (vec!["a".to_owned()], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_records_the_large_ones_become_letters_and_the_others_arrive_once_in_order() {
    let Some(way) = Way::new(&LIMIT) else { return };
    let is_large = |n: i32| n % 50 == 7;
    let record = |n: i32| {
        let value = if is_large(n) { vec![b'x'; 20_000] } else { format!("{n:0>700}").into_bytes() };
        Record::value(value).key("k").header("n", n.to_string())
    };
    way.produce((0..300).map(record));
    let report = way.run_with_letters().await;
    assert_eq!((report.healed, report.dead_lettered, report.lag), (294, 6, Some(0)));
    let numbers: Vec<i32> =
        way.out().iter().map(|stored| header(stored, "n").unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..300).filter(|n| !is_large(*n)).collect::<Vec<_>>());
    let letters = way.letters();
    assert_eq!(offsets(&letters), [7, 57, 107, 157, 207, 257]);
    assert!(letters.iter().all(|letter| letter.value.as_ref().unwrap().len() == 20_000));
    assert!(
        letters
            .iter()
            .all(|letter| header(letter, dead_letter::ERROR).unwrap().contains("max.message.bytes"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_without_a_key_fails_alone_where_keys_are_needed() {
    let Some(way) = Way::new(&COMPACT) else { return };
    way.produce([Record::value("1").key("k1"), Record::value("2"), Record::value("3").key("k3")]);
    let error = failed_record(way.run(OnError::Stop).await);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::Send));
    assert!(chain(&*error).contains("without a key"), "{}", chain(&*error));
    assert_eq!(way.committed(), 1);
    assert_eq!(texts(&way.out())[0], "1");
    let again = way.kafka.unique("again");
    let way = Way { group: again, ..way };
    let report = way.run_with_letters().await;
    assert_eq!((report.healed, report.dead_lettered), (2, 1));
    assert_eq!(offsets(&way.letters()), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_at_a_sink_is_skipped_where_the_pipeline_says_so() {
    let Some(way) = Way::new(&COMPACT) else { return };
    way.produce((0..20).map(|n| {
        let record = Record::value(n.to_string());
        if n % 5 == 0 { record } else { record.key(format!("k{n}")) }
    }));
    let report = way.run(OnError::Skip).await.unwrap();
    assert_eq!((report.healed, report.skipped["failed"], report.lag), (16, 4, Some(0)));
    let wanted: Vec<_> = (0..20).filter(|n| n % 5 > 0).map(|n| n.to_string()).collect();
    assert_eq!(texts(&way.out()), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_name_from_a_record_that_is_none_is_the_fault_of_that_record() {
    let Some(way) = Way::new(&[]) else { return };
    let (long, other) = ("x".repeat(250), way.kafka.unique("no-such-topic"));
    let names = ["", ".", "..", "a b", "nul\0", "é", &*long, &*other];
    way.produce(std::iter::once(&*way.to).chain(names).chain([&*way.to]).map(Record::value));
    let sink = kafka::to_text("-").topic(|name: &String| name.clone());
    let sink = sink.on_error(OnError::dead_letter(&*way.dead));
    let app = pipeline! { name "ways"; all = kafka::text(&way.from) => (sink); all => heal; };
    // How soon the client believes that there is no such topic.
    let settings = settings(way.kafka.brokers(), &way.group).set("topic.metadata.propagation.max.ms", "1000");
    let report = app.run_until_end(settings.build().unwrap()).await.unwrap();
    assert_eq!((report.healed, report.dead_lettered, report.lag), (2, 8, Some(0)));
    assert_eq!(offsets(&way.letters()), (1..9).collect::<Vec<_>>());
    assert_eq!(way.out().len(), 2);
}

/// Fails for all.
#[stage]
fn fails(_: Vec<u8>, #[state] seen: &Seen<()>) -> Result<(), &'static str> {
    seen.add(());
    Err("it cannot be done")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_that_are_sent_together_are_not_shortened_because_of_that() {
    let Some(way) = Way::new(&[]) else { return };
    let dead = way.kafka.unique("small");
    way.kafka.create_topic(&dead, 1, &[("max.message.bytes", "5500")]).unwrap();
    way.produce((0..8).map(|n| Record::value(format!("{n:0>500}")).key("k")));
    let seen = Arc::<Seen<()>>::default();
    let app = pipeline! { name "graves"; all = kafka::bytes(&way.from) => fails; all => heal; };
    let app = app.on_error(OnError::dead_letter(&*dead)).with_arc(seen);
    let settings = settings(way.kafka.brokers(), &way.group).set("linger.ms", "200");
    let report = app.run_until_end(settings.build().unwrap()).await.unwrap();
    assert_eq!((report.dead_lettered, report.lag), (8, Some(0)));
    let letters = way.kafka.read_all(&dead).unwrap();
    assert_eq!(offsets(&letters), (0..8).collect::<Vec<_>>());
    for letter in &letters {
        let stage = header(letter, dead_letter::STAGE);
        assert_eq!((stage.as_deref(), letter.value.as_ref().unwrap().len()), (Some("fails"), 500));
        assert_eq!(header(letter, dead_letter::ERROR).as_deref(), Some("it cannot be done"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_the_topic_refuses_is_the_fault_of_its_record_and_the_others_keep_theirs() {
    let Some(way) = Way::new(&[("message.timestamp.before.max.ms", "3600000")]) else { return };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let now = i64::try_from(now).unwrap();
    let times = [now - 5_000, now - 7_200_000, now - 60_000];
    way.produce(
        ["first", "old", "last"].into_iter().zip(times).map(|(v, time)| Record::value(v).timestamp(time)),
    );
    let error = failed_record(way.run(OnError::Stop).await);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::Send));
    assert!(chain(&*error).contains("message.timestamp.before.max.ms"), "{}", chain(&*error));
    assert_eq!(way.committed(), 1);
    let again = way.kafka.unique("again");
    let way = Way { group: again, ..way };
    let report = way.run_with_letters().await;
    assert_eq!((report.healed, report.dead_lettered), (2, 1));
    let letters = way.letters();
    assert_eq!(offsets(&letters), [1]);
    assert!(letters[0].timestamp >= Some(now), "the time of now: {letters:?}");
    let mut sent: Vec<_> =
        way.out().iter().map(|stored| (texts(std::slice::from_ref(stored)), stored.timestamp)).collect();
    sent.sort();
    sent.dedup();
    let wanted = |text: &str, time| (vec![text.to_owned()], Some(time));
    assert_eq!(sent, [wanted("first", times[0]), wanted("last", times[2])]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tombstone_reaches_a_compacted_topic_as_one() {
    let Some(way) = Way::new(&COMPACT) else { return };
    way.produce([Record::value(r#"{"id":1}"#).key("k"), Record::tombstone("k")]);
    let app = pipeline! {
        name "copies";
        kafka::json::<std::collections::BTreeMap<String, u32>>(&way.from).tombstones() => kafka::to_json(&way.to) => heal;
    };
    app.run_until_end(config(way.kafka, &way.group)).await.unwrap();
    let values: Vec<_> = way.out().into_iter().map(|stored| stored.value).collect();
    assert_eq!(values, [Some(br#"{"id":1}"#.to_vec()), None]);
}
