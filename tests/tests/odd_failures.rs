//! Failures that are odd themselves, in memory and in simulated storms: each is that record's alone.
#![allow(clippy::large_types_passed_by_value, reason = "a stage takes what flows in")]
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    fmt,
    panic::panic_any,
    sync::{Arc, Mutex},
};

use healer::{
    Error, Report,
    prelude::*,
    testing::{InMemory, Simulation},
};

/// Panics once more where it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it is dropped");
    }
}

fn explode(line: &str) {
    if line == "7" {
        panic_any(Bomb);
    }
}

#[stage]
fn fused(line: String) -> String {
    explode(&line);
    line
}

#[stage(blocking)]
fn blocking(line: String) -> String {
    explode(&line);
    line
}

#[stage(retry(2, backoff = "1s..1s"))]
async fn repeated(line: String) -> String {
    explode(&line);
    line
}

#[stage(parallel = 4)]
fn parallel(line: String) -> String {
    explode(&line);
    line
}

#[stage(flat)]
fn flat(line: String) -> Vec<String> {
    explode(&line);
    vec![line]
}

#[stage(batch, split)]
fn read(rows: &Batch<String>) {
    rows.iter().for_each(|(_, line)| explode(line));
}

#[stage(batch, split)]
async fn changed(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.map(|line| {
        explode(&line);
        line
    })
}

/// An error that is its own source, or of which two are each other's.
#[derive(Debug)]
enum Round {
    Itself,
    Ping,
    Pong,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "round and round: {self:?}")
    }
}

impl StdError for Round {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Itself => Some(&Self::Itself),
            Self::Ping => Some(&Self::Pong),
            Self::Pong => Some(&Self::Ping),
        }
    }
}

#[stage]
fn goes_round(line: String) -> Result<String, Round> {
    match line.as_str() {
        "3" => Err(Round::Itself),
        "7" => Err(Round::Pong),
        _ => Ok(line),
    }
}

#[stage]
fn same(bytes: [u8; 16_384]) -> [u8; 16_384] {
    bytes
}

#[stage]
fn large(_: String) -> [u8; 16_384] {
    [7; 16_384]
}

/// The data that survives the processes.
#[derive(Default)]
struct Database(Mutex<BTreeSet<String>>);

#[stage(parallel = 3, on_error = dead_letter("dead"))]
fn save(order: String, #[state] database: &Database) -> Result<(), Round> {
    match order.as_str() {
        "7" => panic_any(Bomb),
        "11" => return Err(Round::Itself),
        _ => database.0.lock().unwrap().insert(order),
    };
    Ok(())
}

fn ten() -> InMemory {
    InMemory::new("t", 2, (0..10).map(|n| n.to_string()))
}

fn buried(app: App) -> (Report, InMemory) {
    let memory = ten();
    let report = memory.run_once(app.on_error(OnError::dead_letter("dead"))).unwrap();
    (report, memory)
}

#[test]
fn a_panic_whose_payload_panics_when_it_is_dropped_is_one_records_failure() {
    let apps = [
        pipeline! { name "fused"; kafka::text("t") => fused => heal; },
        pipeline! { name "blocking"; kafka::text("t") => blocking => heal; },
        pipeline! { name "repeated"; kafka::text("t") => repeated => heal; },
        pipeline! { name "parallel"; kafka::text("t") => parallel => heal; },
        pipeline! { name "flat"; kafka::text("t") => flat => heal; },
        pipeline! { name "read"; kafka::text("t") => batch(4) => read => heal; },
        pipeline! { name "changed"; kafka::text("t") => batch(4) => changed => heal; },
    ];
    for app in apps {
        let name = app.name().to_owned();
        let (report, memory) = buried(app);
        assert_eq!((report.healed, report.dead_lettered), (9, 1), "{name}");
        assert_eq!(memory.sent("dead")[0].text().unwrap(), "7", "{name}");
    }
    // And where it stops the pipeline.
    let app = pipeline! { name "stops"; kafka::text("t") => blocking => heal; };
    let Err(Error::Record(error)) = ten().run_once(app) else { panic!("record 7 fails") };
    assert_eq!(error.stage, "t.blocking");
}

#[test]
fn errors_that_are_their_own_sources_are_cut_off() {
    let (report, memory) = buried(pipeline! { name "round"; kafka::text("t") => goes_round => heal; });
    assert_eq!((report.healed, report.dead_lettered), (8, 2));
    for letter in memory.sent("dead") {
        let bytes: usize = letter.headers.iter().map(|(_, value)| value.map_or(0, <[u8]>::len)).sum();
        assert!(bytes < 1_000_000, "{bytes}");
    }
}

#[test]
fn a_sink_into_the_pipelines_own_source_is_refused() {
    let fed = [
        pipeline! { name "circle"; kafka::text("t") => fused => kafka::to_text("t") => heal; },
        pipeline! { name "one of two"; kafka::text(["other", "t"]) => kafka::to_text("other") => heal; },
        pipeline! { name "by pattern"; kafka::text("^t.*") => kafka::to_text("thus") => heal; },
    ];
    for app in fed {
        let name = app.name().to_owned();
        let result = ten().run_once(app);
        assert!(matches!(result, Err(Error::Build(_))), "{name}: {result:?}");
    }
}

#[test]
fn a_long_chain_of_large_values_runs() {
    let app = pipeline! {
        name "long";
        kafka::text("t") => large
            => same => same => same => same => same => same => same => same => same => same
            => same => same => same => same => same => same => same => same => same => same
            => same => same => same => same => same => same => same => same => same => same
            => heal;
    };
    assert_eq!(ten().run_once(app).unwrap().healed, 10);
}

#[test]
fn odd_failures_lose_nothing_in_storms() {
    let app = |database: &Arc<Database>| {
        let app = pipeline! { name "odd"; kafka::text("orders") => save => heal; };
        app.with_arc(Arc::clone(database))
    };
    let report = Simulation::new(Arc::<Database>::default, app)
        .topic("orders", 2, (0..30).map(|n| n.to_string()))
        .sink("dead")
        .done_when(|database, record| {
            let value = record.value().unwrap_or_default();
            let order = String::from_utf8_lossy(value);
            database.0.lock().unwrap().contains(&*order) || record.was_sent("dead", value)
        })
        .seeds(0..8)
        .run()
        .expect("no promise is broken");
    assert_eq!(report.seeds, 8);
}
