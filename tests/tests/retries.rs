//! Records that are tried again, take too long, or are given up.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Seen, failed_record, settings, until};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};
use healer::{RecordErrorKind, Report, Transient};

/// All attempts: the value, the attempt's number, and when.
type Tries = Seen<(String, u32, Instant)>;

/// `2 busy` fails as busy twice, `9 dead` for good nine times.
fn outcome(value: &str, attempt: u32) -> Result<(), Refusal> {
    let Some((times, kind)) = value.split_once(' ') else { return Ok(()) };
    match (attempt <= times.parse().unwrap(), kind) {
        (false, _) => Ok(()),
        (true, "busy") => Err(Refusal::Busy),
        (true, "panic") => panic!("too much"),
        (true, _) => Err(Refusal::Dead),
    }
}

#[derive(Debug)]
enum Refusal {
    Busy,
    Dead,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Refusal {}

impl Transient for Refusal {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

/// An error that says nothing of itself.
#[derive(Debug)]
struct Plain(Refusal);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Plain {}

fn is_busy(error: &Plain) -> bool {
    error.0.is_transient()
}

fn note(value: &str, ctx: &Context, tries: &Tries) -> u32 {
    tries.add((value.to_owned(), ctx.attempt(), Instant::now()));
    ctx.attempt()
}

#[stage(retry(3, backoff = "1ms..5ms"))]
async fn lent(value: &str, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(value, note(value, ctx, tries)).map(|()| value.to_owned())
}

/// Its clones panic as it says.
struct Fragile(String);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.0.starts_with("fragile"), "no copy can be made of it");
        Self(self.0.clone())
    }
}

#[stage]
fn fragile(value: String) -> Fragile {
    Fragile(value)
}

#[stage(retry(2, backoff = "1ms"), on_error = skip)]
async fn copied(value: Fragile, ctx: &Context, #[state] tries: &Tries) -> Result<u32, Refusal> {
    outcome(&value.0, note(&value.0, ctx, tries)).map(|()| ctx.attempt())
}

#[stage(retry(3, backoff = "1ms", jitter = false))]
fn in_a_thread(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<Option<String>, Plain> {
    outcome(&value, note(&value, ctx, tries)).map_err(Plain)?;
    Ok(Some(value))
}

#[stage(retry(3, backoff = "1ms"), retry_if = is_busy, on_error = skip)]
async fn if_busy(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Plain> {
    outcome(&value, note(&value, ctx, tries)).map_err(Plain)?;
    Ok(value)
}

#[stage(parallel = 4, retry(3, backoff = "50ms", jitter = false))]
async fn by_key(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(&value, note(&value, ctx, tries)).map(|()| value)
}

#[stage(retry(5, backoff = "20ms..60ms", jitter = false))]
async fn ever_slower(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(&value, note(&value, ctx, tries)).map(|()| value)
}

/// The first attempt never ends.
#[stage(retry(2, backoff = "1ms"), timeout = "20ms")]
async fn in_time(value: String, ctx: &Context, #[state] tries: &Tries) -> String {
    if note(&value, ctx, tries) == 1 && value == "slow" {
        std::future::pending::<()>().await;
    }
    value
}

#[stage(timeout = "20ms")]
async fn never_in_time(value: String) -> String {
    if value == "slow" {
        std::future::pending::<()>().await;
    }
    value
}

#[stage(on_error = skip)]
fn fused(value: String) -> Result<String, Refusal> {
    outcome(&value, 1).map(|()| value)
}

#[stage]
fn attempt_of(value: String, ctx: &Context, #[state] seen: &Seen<u32>) -> String {
    seen.add(ctx.attempt());
    value
}

struct Ground {
    kafka: EmbeddedKafka,
    tries: Arc<Tries>,
    after: Arc<Seen<u32>>,
}

impl Ground {
    fn new(values: &[&str]) -> Self {
        let kafka = EmbeddedKafka::start().unwrap();
        kafka.create_topic("t", 1).unwrap();
        let record = |value: &&str| TestRecord::new().value(*value).key(*value);
        kafka.produce("t", values.iter().map(record)).unwrap();
        Self { kafka, tries: Arc::default(), after: Arc::default() }
    }

    fn config(&self) -> Config {
        settings(self.kafka.brokers(), "g").build().unwrap()
    }

    async fn run(&self, app: App) -> Result<Report, healer::Error> {
        let app = app.with_arc(Arc::clone(&self.tries)).with_arc(Arc::clone(&self.after));
        app.run_until_end(self.config()).await
    }

    fn committed(&self) -> Option<i64> {
        self.kafka.committed("g", "t").unwrap().get(&0).copied()
    }

    /// How often each value was tried.
    fn tried(&self) -> BTreeMap<String, u32> {
        let mut tried = BTreeMap::new();
        for (value, attempt, _) in self.tries.all() {
            let before = tried.insert(value, attempt).unwrap_or(0);
            assert_eq!(attempt, before + 1, "attempts are counted one by one");
        }
        tried
    }
}

macro_rules! app {
    ($($stage:ident)=>+) => { pipeline! { name "retries"; lines = kafka::text("t") => $($stage)=>+; lines => heal; } };
}

fn tried<const N: usize>(wanted: [(&str, u32); N]) -> BTreeMap<String, u32> {
    wanted.map(|(value, attempts)| (value.to_owned(), attempts)).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_tried_until_it_succeeds_and_the_next_stage_begins_anew() {
    let ground = Ground::new(&["well", "2 busy", "1 panic", "last"]);
    let report = ground.run(app!(lent => attempt_of)).await.unwrap();
    assert_eq!((report.healed, ground.committed()), (4, Some(4)));
    assert_eq!(ground.tried(), tried([("well", 1), ("2 busy", 3), ("1 panic", 2), ("last", 1)]));
    assert_eq!(ground.after.all(), [1, 1, 1, 1]);
    let order: Vec<_> = ground.tries.all().into_iter().map(|(value, ..)| value).collect();
    assert_eq!(order, ["well", "2 busy", "2 busy", "2 busy", "1 panic", "1 panic", "last"], "in their order");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_attempt_the_pipeline_stops_and_says_how_often_it_tried() {
    let ground = Ground::new(&["well", "3 busy", "last"]);
    let error = failed_record(ground.run(app!(lent)).await);
    assert_eq!((error.offset, error.attempts, &error.kind), (1, 3, &RecordErrorKind::Stage));
    assert_eq!(
        error.to_string(),
        "record t[0]@1 failed at `lines.lent`: Busy, at the last of 3 attempts; its offset is not committed"
    );
    assert_eq!(ground.committed(), Some(1));
    assert_eq!(ground.tried(), tried([("well", 1), ("3 busy", 3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_will_not_pass_is_not_tried_again() {
    let ground = Ground::new(&["1 dead"]);
    let error = failed_record(ground.run(app!(lent)).await);
    assert_eq!((error.offset, error.attempts), (0, 1));

    let ground = Ground::new(&["2 busy", "1 dead", "3 busy", "last"]);
    let report = ground.run(app!(if_busy)).await.unwrap();
    assert_eq!((report.healed, &report.skipped), (2, &BTreeMap::from([("failed".to_owned(), 2)])));
    assert_eq!(ground.tried(), tried([("2 busy", 3), ("1 dead", 1), ("3 busy", 3), ("last", 1)]));
    assert_eq!(ground.committed(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_which_no_copy_can_be_made_is_a_failure_of_its_record() {
    let ground = Ground::new(&["well", "fragile", "1 busy"]);
    let report = ground.run(app!(fragile => copied)).await.unwrap();
    assert_eq!((report.healed, &report.skipped), (2, &BTreeMap::from([("failed".to_owned(), 1)])));
    assert_eq!(ground.tried(), tried([("well", 1), ("1 busy", 2)]));
    assert_eq!(ground.committed(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_stage_is_tried_again_beside_the_thread_that_polls() {
    let ground = Ground::new(&["2 dead", "1 panic", "well"]);
    let report = ground.run(app!(in_a_thread => attempt_of)).await.unwrap();
    assert_eq!(report.healed, 3, "its error says nothing of itself, so it is tried again");
    assert_eq!(ground.tried(), tried([("2 dead", 3), ("1 panic", 2), ("well", 1)]));
    assert_eq!(ground.after.all(), [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_a_key_and_no_other() {
    let ground = Ground::new(&["1 busy", "a", "b", "c"]);
    let record = TestRecord::new().value("behind").key("1 busy");
    ground.kafka.produce("t", [record]).unwrap();
    ground.run(app!(by_key)).await.unwrap();
    let order: Vec<_> = ground.tries.all().into_iter().map(|(value, ..)| value).collect();
    assert_eq!(order, ["1 busy", "a", "b", "c", "1 busy", "behind"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_double_up_to_the_longest() {
    let ground = Ground::new(&["4 busy"]);
    ground.run(app!(ever_slower)).await.unwrap();
    let times: Vec<_> = ground.tries.all().into_iter().map(|(.., at)| at).collect();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let least = [20, 40, 60, 60].map(Duration::from_millis);
    assert!(
        pauses.len() == 4 && pauses.iter().zip(least).all(|(pause, least)| *pause >= least),
        "{pauses:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_dropped_and_tried_again() {
    let ground = Ground::new(&["slow", "well"]);
    let report = ground.run(app!(in_time)).await.unwrap();
    assert_eq!(report.healed, 2);
    assert_eq!(ground.tried(), tried([("slow", 2), ("well", 1)]));

    let ground = Ground::new(&["well", "slow"]);
    let error = failed_record(ground.run(app!(never_in_time)).await);
    let limit = Duration::from_millis(20);
    assert_eq!((error.offset, &error.kind), (1, &RecordErrorKind::TimedOut(limit)));
    assert!(error.to_string().contains("was not done after 20ms"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fused_stage_gives_up_what_fails_or_panics() {
    let ground = Ground::new(&["well", "1 busy", "1 panic", "last"]);
    let report = ground.run(app!(fused)).await.unwrap();
    assert_eq!((report.healed, &report.skipped), (2, &BTreeMap::from([("failed".to_owned(), 2)])));
    assert_eq!(ground.committed(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_ends_within_its_budget_though_a_record_pauses() {
    #[stage(retry(3, backoff = "1h"))]
    async fn for_long(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
        outcome(&value, note(&value, ctx, tries)).map(|()| value)
    }
    let ground = Ground::new(&["well", "1 busy", "last"]);
    let app = app!(for_long).with_arc(Arc::clone(&ground.tries));
    let config = settings(ground.kafka.brokers(), "g").drain_budget("200ms").build().unwrap();
    let handle = app.start(config).await.unwrap();
    until("it pauses", || ground.tries.len() == 2).await;
    let blocked = || common::status(&handle, 0).and_then(|status| status.blocked);
    until("and says so", || blocked().is_some_and(|blocked| blocked.offset == 1)).await;
    handle.stop();
    handle.join().await.unwrap();
    assert_eq!((ground.committed(), ground.tries.len()), (Some(1), 2));
}

/// Pauses for an hour after its first attempt at a `1 busy`.
#[stage(retry(3, backoff = "1h"))]
async fn pauses(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(&value, note(&value, ctx, tries)).map(|()| value)
}

#[stage(parallel = 2, retry(3, backoff = "1h"))]
async fn pauses_by_key(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(&value, note(&value, ctx, tries)).map(|()| value)
}

#[stage(retry(3, backoff = "1h"))]
fn pauses_beside(value: String, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(&value, note(&value, ctx, tries)).map(|()| value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_records_pause_leaves_the_others_alone() {
    for app in [app!(pauses), app!(pauses_by_key), app!(pauses_beside)] {
        let kafka = EmbeddedKafka::start().unwrap();
        kafka.create_topic("t", 2).unwrap();
        let tries = Arc::<Tries>::default();
        let config = settings(kafka.brokers(), "g").drain_budget("100ms").build().unwrap();
        let handle = app.with_arc(Arc::clone(&tries)).start(config).await.unwrap();
        // More than the stage may work on at once.
        let paused = (0..4).map(|n| TestRecord::new().value("1 busy").key(format!("k{n}")).partition(0));
        kafka.produce("t", paused).unwrap();
        until("it pauses", || tries.len() > 0).await;
        let others = (0..2_000).map(|n| TestRecord::new().value("well").key(format!("k{n}")).partition(1));
        kafka.produce("t", others).unwrap();
        let committed = || kafka.committed("g", "t").unwrap();
        until("the others are done", || committed().get(&1) == Some(&2_000)).await;
        assert!(committed().get(&0).is_none_or(|offset| *offset == 0));
        let blocked = common::status(&handle, 0).unwrap().blocked.unwrap();
        assert_eq!(blocked.offset, 0);
        handle.stop();
        handle.join().await.unwrap();
    }
}

#[stage(retry(3, backoff = "30ms", jitter = false))]
fn fused_again(value: &str, ctx: &Context, #[state] tries: &Tries) -> Result<String, Refusal> {
    outcome(value, note(value, ctx, tries)).map(|()| value.to_owned())
}

#[stage]
fn arrived(value: String, #[state] seen: &Arc<Seen<String>>) -> String {
    seen.add(value.clone());
    value
}

#[tokio::test]
async fn what_stands_behind_a_record_that_left_its_thread_follows_in_order() {
    let mut lines: Vec<String> = (0..500).map(|n| format!("line {n}")).collect();
    // Attempts are told by the first word.
    for at in [100, 101, 300] {
        lines[at] = "2 busy".to_owned();
    }
    let lines: Vec<&str> =
        lines.iter().map(String::as_str).map(|line| line.strip_prefix("line ").unwrap_or(line)).collect();
    let ground = Ground::new(&lines);
    let seen = Arc::<Seen<String>>::default();
    let app = pipeline! { name "p"; lines = kafka::text("t") => fused_again => arrived; lines => heal; };
    let report = ground.run(app.with(Arc::clone(&seen))).await.unwrap();
    assert_eq!(report.healed, 500);
    assert_eq!(seen.all(), lines, "in the order of the partition");
    let tries = ground.tries.all();
    let busy: Vec<_> =
        tries.iter().filter(|(line, ..)| line == "2 busy").map(|(_, attempt, _)| *attempt).collect();
    assert_eq!(busy, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
}

#[stage(blocking, on_error = skip)]
fn blocks(value: String) -> String {
    value
}

#[stage]
fn slow(value: String, ctx: &Context, #[state] tries: &Tries) -> String {
    note(&value, ctx, tries);
    std::thread::sleep(Duration::from_millis(500));
    value
}

#[test]
fn records_that_nobody_worked_on_when_the_runtime_went_are_not_given_up() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 1).unwrap();
    kafka.produce("t", (0..8).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
    let tries = Arc::<Tries>::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = pipeline! { name "gone"; lines = kafka::text("t") => blocks => slow; lines => heal; };
    let config = settings(kafka.brokers(), "g").build().unwrap();
    let handle = runtime.block_on(app.with_arc(Arc::clone(&tries)).start(config)).unwrap();
    while tries.len() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    runtime.shutdown_background();
    std::thread::sleep(Duration::from_secs(2));
    let done = i64::try_from(tries.len()).unwrap();
    let committed = kafka.committed("g", "t").unwrap().get(&0).copied().unwrap_or(0);
    assert!(committed <= done, "{committed} are committed, and {done} were worked on");
    drop(handle);
}
