//! An order by a key that a function makes of the value; the keys of the records do not matter.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

use std::hash::{Hash, Hasher};

use healer::{RecordErrorKind, dead_letter};

use super::*;

/// How many keys of their own lines have.
const KEYS: i32 = 5;

fn number(line: &str) -> i32 {
    line.parse().expect("a number")
}

/// Panics at a line that is no number.
fn remainder(line: &str) -> i32 {
    number(line) % KEYS
}

#[stage(parallel = MOST, order = key(remainder))]
async fn by_remainder(line: String, #[state] watch: &Watch) -> String {
    let key = remainder(&line).to_string();
    watch.work_at(&line, Some(key.as_bytes())).await;
    line
}

#[stage(parallel = MOST, order = key(remainder), retry(3, backoff = "1ms"), on_error = dead_letter("dead"))]
async fn puts_aside(line: String, #[state] watch: &Watch) -> String {
    watch.work_at(&line, None).await;
    line
}

#[stage(parallel = MOST, order = key(remainder))]
fn on_threads(line: String) -> String {
    line
}

#[stage(parallel = MOST, order = key(remainder), on_error = dead_letter("dead", quarantine = key))]
async fn shuts_out(line: String, #[state] watch: &Watch) -> Result<String, String> {
    watch.begun.add(line.clone());
    if line == "1" { Err("the first of its key".to_owned()) } else { Ok(line) }
}

/// A key that panics when it is hashed.
struct Odd<'l>(&'l str);

impl Hash for Odd<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(self.0 != "3", "no hash of 3");
        self.0.hash(state);
    }
}

fn odd(line: &str) -> Odd<'_> {
    Odd(line)
}

#[stage(parallel = MOST, order = key(odd), on_error = skip)]
async fn by_odd(line: String) -> String {
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_own_key_go_one_after_the_other_and_others_beside_them() {
    let ground = Ground::new(1);
    // No two records of an own key have the same key.
    ground.put(0, 200, |n| (n % 3 > 0).then(|| format!("k{n}")));
    let handle = ground.start(app!(by_remainder => pass)).await;
    ground.until_committed(0, 200).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().healed, 200);
    assert_eq!(ground.watch.doubled(), Vec::<String>::new());
    assert_eq!(ground.watch.most(), MOST, "as many as may, and no more");
    for key in 0..KEYS {
        let wanted: Vec<_> = (0..200).filter(|n| n % KEYS == key).collect();
        assert_eq!(of_key(&ground.watch.begun, key, KEYS), wanted);
        assert_eq!(of_key(&ground.watch.passed, key, KEYS), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_stuck_holds_its_own_key_and_not_that_of_its_record() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 50, keys(1));
    let handle = ground.start(app!(by_remainder => pass)).await;
    until("the other keys are done", || ground.watch.passed.len() == 40).await;
    assert_eq!(of_key(&ground.watch.begun, 0, KEYS), [0], "the next of the key waits");
    door.open();
    ground.until_committed(0, 50).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_at_whose_key_the_function_panics_is_put_aside_and_the_others_go_on() {
    let ground = Ground::new(1);
    ground.kafka.create_topic("dead", 1).unwrap();
    let held = ground.watch.hold("0");
    let lines = ["0", "bad", "1", "5", "worse", "2"];
    ground.kafka.produce("t", lines.map(|line| TestRecord::new().value(line).partition(0))).unwrap();
    let handle = ground.start(app!(puts_aside => pass)).await;
    until("both are letters", || ground.kafka.records("dead").unwrap().len() == 2).await;
    until("other keys are done", || ground.watch.passed.len() == 2).await;
    let letters = ground.kafka.records("dead").unwrap();
    let values: Vec<_> = letters.iter().map(|letter| letter.value.as_deref().unwrap()).collect();
    assert_eq!(values, [b"bad".as_slice(), b"worse"]);
    let error = letters[0].headers.get(dead_letter::ERROR).expect("an error");
    assert!(String::from_utf8_lossy(error).contains("a number"), "{letters:?}");
    assert_eq!(
        letters[0].headers.get(dead_letter::ATTEMPTS),
        Some(b"1".as_slice()),
        "no call, no attempt after it"
    );
    held.open();
    ground.until_committed(0, 6).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.healed, report.dead_lettered), (4, 2));
    assert_eq!(ground.watch.begun.len(), 4, "no call began without a key");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_a_panic_at_the_key_stops_the_pipeline_by_name() {
    let ground = Ground::new(1);
    let lines = ["0", "1", "bad", "2"];
    ground.kafka.produce("t", lines.map(|line| TestRecord::new().value(line).partition(0))).unwrap();
    let handle = ground.start(app!(on_threads => pass)).await;
    let error = common::failed_record(handle.join().await);
    assert_eq!((error.offset, &*error.stage), (2, "lines.on_threads"));
    assert!(matches!(&error.kind, RecordErrorKind::Panic(said) if said.contains("a number")), "{error}");
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset <= 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_panics_is_the_records_fault_too() {
    let ground = Ground::new(1);
    ground.put(0, 6, keys(1));
    let handle = ground.start(app!(by_odd => pass)).await;
    ground.until_committed(0, 6).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.healed, report.skipped.get("failed")), (5, Some(&1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_shuts_out_the_own_key() {
    let ground = Ground::new(1);
    ground.kafka.create_topic("dead", 1).unwrap();
    // All records have the same key, and none of the others suffers from it.
    ground.put(0, 10, keys(1));
    let handle = ground.start(app!(shuts_out => pass)).await;
    ground.until_committed(0, 10).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.healed, report.dead_lettered), (8, 2));
    let letters = ground.kafka.records("dead").unwrap();
    let values: Vec<_> = letters.iter().map(|letter| letter.value.as_deref().unwrap()).collect();
    assert_eq!(values, [b"1".as_slice(), b"6"]);
    assert!(!ground.watch.begun.all().contains(&"6".to_owned()), "untried");
}

#[test]
fn a_description_names_the_function_of_the_key() {
    let described = app!(by_remainder => pass).describe().to_string();
    assert!(described.contains("4 at once by the key of `remainder`"), "{described}");
}
