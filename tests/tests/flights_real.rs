//! The program `flights` as its users run it: whole, interrupted, killed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use healer_tests::flights::{self, Counts, SAMPLE, WHOLE};
use healer_tests::kafka::{RealKafka, RealKafkaOptions, Stored};
use healer_tests::programs;
use serde::Deserialize;

/// How long a run may take, also in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_mins(4);

/// The summary that the program prints with `--json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    records: u64,
    skipped: BTreeMap<String, u64>,
    late: u64,
    saved: u64,
    committed: BTreeMap<i32, Option<i64>>,
    end: BTreeMap<i32, Option<i64>>,
    lag: Option<u64>,
    seconds: f64,
}

impl Summary {
    fn of(output: &Output) -> Self {
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(said.lines().count(), 1, "one line on standard output: {said}");
        serde_json::from_str(&said).expect(&said)
    }

    /// Everything was done, and once.
    fn assert_is(&self, counts: Counts) {
        assert_eq!(self.records, counts.records, "{self:?}");
        assert_eq!(self.skipped, BTreeMap::from([("cancelled".to_owned(), counts.cancelled)]));
        assert_eq!((self.late, self.saved), (counts.late, counts.flown()), "{self:?}");
        self.assert_is_at_the_end(counts.records);
    }

    fn assert_is_at_the_end(&self, records: u64) {
        assert_eq!((self.lag, &self.committed), (Some(0), &self.end));
        assert_eq!(self.end.len(), 4, "{self:?}");
        let ends = self.end.values().map(|end| end.unwrap().unsigned_abs());
        assert_eq!(ends.sum::<u64>(), records);
        assert!(self.seconds > 0.0);
    }
}

/// A run of the program, killed when this is dropped.
struct Run(Option<Child>);

impl Run {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(programs::flights().unwrap());
        // Long enough for all that is at work when a run is asked to end, also on a machine that is busy with other things.
        command.args(arguments).env("HEALER_COMMIT_INTERVAL", "200ms").env("HEALER_DRAIN_BUDGET", "15s");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Self(Some(child.unwrap()))
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    fn ended(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits for the end. The program prints so little that its pipe cannot be full.
    fn end(mut self, within: Duration) -> Output {
        let limit = Instant::now() + within;
        while !self.ended() {
            assert!(Instant::now() < limit, "it runs on after {within:?}");
            thread::sleep(Duration::from_millis(10));
        }
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn without_arguments_the_sample_flies_through_an_embedded_kafka() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("flights.db");
    let output = Run::start(&["--json", "--db", database.to_str().unwrap()]).end(LIMIT);
    assert!(output.status.success(), "{output:?}");
    Summary::of(&output).assert_is(SAMPLE);
}

/// Topics, a group and a database of one test.
struct Ground<'a> {
    kafka: &'a RealKafka,
    topic: String,
    late: String,
    group: String,
    protocol: &'static str,
    folder: tempfile::TempDir,
}

impl Ground<'static> {
    fn new() -> Option<Self> {
        RealKafka::for_test().map(Self::on)
    }

    /// As [`new`](Self::new), with the sample in the topic.
    fn with_sample() -> Option<Self> {
        let ground = Self::new()?;
        ground.kafka.create_topic(&ground.topic, 4, &[]).unwrap();
        ground.kafka.create_topic(&ground.late, 4, &[]).unwrap();
        let sample = flights::read(&flights::sample()).unwrap().map(Result::unwrap);
        ground.kafka.produce(&ground.topic, sample).unwrap();
        Some(ground)
    }
}

impl<'a> Ground<'a> {
    fn on(kafka: &'a RealKafka) -> Self {
        let [topic, late, group] = ["flights", "late", "group"].map(|base| kafka.unique(base));
        Self { kafka, topic, late, group, protocol: "consumer", folder: tempfile::tempdir().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("flights.db")
    }

    fn run(&self, more: &[&str]) -> Run {
        let (brokers, database) = (self.kafka.brokers(), self.database());
        let common = [
            ("--brokers", brokers.as_str()),
            ("--topic", &self.topic),
            ("--late-topic", &self.late),
            ("--group", &self.group),
            ("--protocol", self.protocol),
            ("--db", database.to_str().unwrap()),
        ];
        let mut all: Vec<_> = common.iter().flat_map(|(name, value)| [*name, *value]).collect();
        all.push("--json");
        all.extend(more);
        Run::start(&all)
    }

    /// Starts a slow run and waits until some of it is committed.
    fn run_into_the_middle(&self, more: &[&str]) -> Run {
        let mut run = self.run(&[&["--work-ms", "1"], more].concat());
        let limit = Instant::now() + LIMIT;
        while self.committed() < SAMPLE.records / 10 {
            assert!(!run.ended() && Instant::now() < limit, "it never came to the middle");
            thread::sleep(Duration::from_millis(10));
        }
        run
    }

    fn committed(&self) -> u64 {
        let committed = self.kafka.committed(&self.group, &self.topic).unwrap();
        committed.values().map(|offset| offset.unsigned_abs()).sum()
    }

    /// Where the flights of the database come from; its key keeps each once.
    fn saved(&self) -> BTreeSet<(i32, i64)> {
        let database = rusqlite::Connection::open(self.database()).unwrap();
        let mut rows =
            database.prepare(r#"SELECT "partition", "offset" FROM flights WHERE topic = ?1"#).unwrap();
        let rows = rows.query_map([&self.topic], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// The database holds all flights that took off, and the topic of late flights all that were late.
    fn assert_nothing_is_lost(&self) {
        let all = self.kafka.read_all(&self.topic).unwrap();
        let parse = |record: &Stored| -> serde_json::Value {
            serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
        };
        let flown = all.iter().filter(|record| !parse(record)["dep_time"].is_null());
        let flown: BTreeSet<_> = flown.map(|record| (record.partition, record.offset)).collect();
        assert_eq!(flown.len() as u64, SAMPLE.flown());
        assert!(self.saved() == flown, "each flight is saved, and no other");
        let identity = |flight: &serde_json::Value| {
            ["time_hour", "carrier", "flight", "origin", "dest"].map(|column| flight[column].to_string())
        };
        let is_late =
            |flight: &serde_json::Value| flight["arr_delay"].as_i64() >= Some(flights::LATE_MINUTES);
        let wanted: BTreeSet<_> =
            all.iter().map(parse).filter(is_late).map(|flight| identity(&flight)).collect();
        let sent = self.kafka.read_all(&self.late).unwrap();
        assert!(sent.len() as u64 >= SAMPLE.late, "{} were sent", sent.len());
        let sent: BTreeSet<_> = sent.iter().map(parse).map(|flight| identity(&flight)).collect();
        assert!(sent == wanted, "each late flight is sent, and no other");
    }
}

#[test]
fn the_whole_year_flies_through_a_real_kafka() {
    let Some(year) = flights::whole_for_test() else { return };
    let Some(ground) = Ground::new() else { return };
    let load = ["--until-end", "--partitions", "4", "--load", year.to_str().unwrap()];
    let output = ground.run(&load).end(LIMIT);
    assert!(output.status.success(), "{output:?}");
    let summary = Summary::of(&output);
    summary.assert_is(WHOLE);
    assert_eq!((summary.records, summary.skipped["cancelled"]), (336_776, 8_255));
    assert_eq!((summary.late, summary.saved), (28_317, 328_521));
    assert_eq!(ground.saved().len(), 328_521);
    assert_eq!(
        ground.kafka.committed(&ground.group, &ground.topic).unwrap(),
        ground.kafka.end_offsets(&ground.topic).unwrap()
    );
    let late = ground.kafka.end_offsets(&ground.late).unwrap();
    assert_eq!(late.values().sum::<i64>(), 28_317);
}

/// `.ci/run` has this with the oldest and the newest Kafka that are supported.
#[test]
fn the_first_group_of_a_new_cluster_flies_through() {
    // Nobody has asked for a coordinator yet, so the topic of the offsets is still to be made.
    let Some(kafka) = RealKafka::own_for_test(RealKafkaOptions::default()) else { return };
    // The one protocol that all of them have.
    let ground = Ground { protocol: "classic", ..Ground::on(&kafka) };
    let sample = flights::sample();
    let output = ground.run(&["--until-end", "--load", sample.to_str().unwrap()]).end(LIMIT);
    assert!(output.status.success(), "{output:?}");
    Summary::of(&output).assert_is(SAMPLE);
    ground.assert_nothing_is_lost();
}

#[test]
fn a_run_that_is_asked_to_end_ends_soon_and_the_next_one_goes_on() {
    let Some(ground) = Ground::with_sample() else { return };
    let run = ground.run_into_the_middle(&[]);
    run.signal("-TERM");
    let output = run.end(Duration::from_secs(20));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let first = Summary::of(&output);
    assert!(first.records < SAMPLE.records && first.lag > Some(0), "{first:?}");
    assert_eq!(ground.committed(), first.records, "what is done is committed, and not more");

    let output = ground.run(&["--until-end"]).end(LIMIT);
    assert!(output.status.success(), "{output:?}");
    let second = Summary::of(&output);
    assert_eq!(first.records + second.records, SAMPLE.records, "no record twice");
    assert_eq!((first.late + second.late, second.saved), (SAMPLE.late, SAMPLE.flown()));
    second.assert_is_at_the_end(SAMPLE.records);
    ground.assert_nothing_is_lost();
}

#[test]
fn a_run_that_is_killed_loses_nothing() {
    let Some(ground) = Ground::with_sample() else { return };
    let store = ground.folder.path().join("store");
    let store = ["--store", store.to_str().unwrap()];
    let run = ground.run_into_the_middle(&store);
    run.signal("-KILL");
    assert!(!run.end(LIMIT).status.success());
    assert!(ground.committed() < SAMPLE.records);

    let output = ground.run(&[&["--until-end"], &store[..]].concat()).end(LIMIT);
    assert!(output.status.success(), "{output:?}");
    let second = Summary::of(&output);
    assert_eq!(second.saved, SAMPLE.flown());
    second.assert_is_at_the_end(SAMPLE.records);
    ground.assert_nothing_is_lost();
}
