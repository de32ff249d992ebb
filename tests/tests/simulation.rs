//! `healer::testing::Simulation` as a user has it: right pipelines pass, wrong ones are caught and told in words.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use healer::prelude::*;
use healer::testing::{Passed, Simulation, SimulationFailure, TestRecord};

/// The data that survives the processes.
#[derive(Default)]
struct Database(Mutex<BTreeSet<String>>);

impl Database {
    fn save(&self, values: impl IntoIterator<Item = String>) {
        self.0.lock().expect("no one panics here").extend(values);
    }

    fn has(&self, record: &Passed<'_>) -> bool {
        let value = String::from_utf8_lossy(record.value().unwrap_or_default());
        self.0.lock().expect("no one panics here").contains(&*value)
    }
}

/// The data that one process keeps in memory, and loses when it is killed.
#[derive(Default)]
struct Buffer(Mutex<Vec<String>>);

#[stage]
async fn save(order: String, #[state] database: &Database) -> String {
    tokio::time::sleep(Duration::from_millis(20)).await;
    database.save([order.clone()]);
    order
}

/// Writes four at a time, long after the record is said to be done.
#[stage]
fn save_later(order: String, #[state] database: &Database, #[state] buffer: &Buffer) {
    let mut waiting = buffer.0.lock().expect("no one panics here");
    waiting.push(order);
    if waiting.len() >= 4 {
        database.save(waiting.drain(..));
    }
}

#[stage]
fn save_but_one(order: String, #[state] database: &Database) {
    assert!(order != "order 7", "order 7 has no price");
    database.save([order]);
}

/// Saves on a thread of its own, in real time.
#[stage]
async fn save_on_a_thread(order: String, #[state] database: &Arc<Database>) {
    let (done, is_done) = tokio::sync::oneshot::channel();
    let database = Arc::clone(database);
    std::thread::spawn(move || {
        database.save([order]);
        let _ = done.send(());
    });
    let _ = is_done.await;
}

fn orders() -> impl Iterator<Item = String> {
    (0..60).map(|n| format!("order {n}"))
}

fn simulation(build: impl Fn(&Arc<Database>) -> App + Send + Sync + 'static) -> Simulation<Arc<Database>> {
    Simulation::new(Arc::<Database>::default, build)
        .topic("orders", 2, orders())
        .done_when(|database, record| database.has(record))
}

fn caught(simulation: &Simulation<Arc<Database>>) -> SimulationFailure {
    let failure = simulation.run().expect_err("a wrong pipeline is caught");
    println!("{failure}");
    failure
}

/// The text of the panic of a simulation that is written wrongly.
fn misuse(simulation: impl FnOnce() -> Simulation<Arc<Database>>) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| simulation().run())).expect_err("misuse panics");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a panic has a text")
}

fn right(database: &Arc<Database>) -> App {
    let app = pipeline! {
        name "right";
        orders = kafka::text("orders") => save;
        orders => kafka::to_text("saved") => heal;
    };
    app.with_arc(Arc::clone(database))
}

#[test]
fn a_right_pipeline_passes_every_seed() {
    let report = simulation(right)
        .sink("saved")
        .done_when(|database, record| {
            database.has(record) && record.was_sent("saved", record.value().unwrap_or_default())
        })
        .seeds(0..120)
        .run()
        .expect("no promise is broken");
    println!("{report}");
    assert_eq!(report.seeds, 120);
    assert!(report.repeats > 0, "storms make records run again: {report}");
    assert!(report.to_string().contains("seeds    120\n"), "{report}");
}

#[test]
fn a_buffer_that_a_kill_loses_is_told_as_a_loss() {
    let failure = caught(&simulation(|database| {
        let app = pipeline! {
            name "buffered";
            kafka::text("orders") => save_later => heal;
        };
        app.with_arc(Arc::clone(database)).with(Buffer::default())
    }));
    assert_eq!(failure.promise, "no loss");
    assert!(failure.words.contains("orders["), "{failure}");
    assert!(failure.words.contains("value \"order "), "{failure}");
    assert!(failure.script.len() < failure.events, "{failure}");
    let seed = format!("HEALER_SIMULATION_SEED={} ", failure.seed);
    assert!(failure.replay.starts_with(&seed), "{failure}");
    assert!(
        failure.replay.contains("-p healer-tests a_buffer_that_a_kill_loses_is_told_as_a_loss"),
        "{failure}"
    );
    assert!(failure.to_string().contains(&failure.replay));
}

#[test]
fn a_record_that_fails_for_good_is_named_with_its_partition_and_error() {
    let failure = caught(&simulation(|database| {
        let app = pipeline! {
            name "strict";
            kafka::text("orders") => save_but_one => heal;
        };
        app.with_arc(Arc::clone(database))
    }));
    assert_eq!(failure.promise, "it comes to rest");
    assert!(failure.words.contains("orders[1]: "), "{failure}");
    assert!(failure.words.contains("order 7 has no price"), "{failure}");
    assert!(failure.words.contains("save_but_one"), "{failure}");
    assert!(failure.script.len() < failure.events, "{failure}");
    assert!(failure.replay.contains("a_record_that_fails_for_good"), "{failure}");
}

#[test]
fn a_break_that_is_not_seen_again_is_named() {
    let first = AtomicBool::new(true);
    // It is wrong once in the life of this test, with any seed.
    let failure = caught(
        &simulation(|database| {
            let app = pipeline! {
                name "moody";
                kafka::text("orders") => save => heal;
            };
            app.with_arc(Arc::clone(database))
        })
        .done_when(move |database, record| database.has(record) && !first.swap(false, Ordering::Relaxed)),
    );
    assert_eq!(failure.promise, "the same seed is the same history");
    assert!(failure.words.contains("depends on more than the seed"), "{failure}");
}

#[test]
fn a_thread_of_its_own_is_tolerated_or_named() {
    let result = simulation(|database| {
        let app = pipeline! {
            name "threaded";
            kafka::text("orders") => save_on_a_thread => heal;
        };
        app.with(Arc::clone(database))
    })
    .seeds(0..10)
    .run();
    match result {
        Ok(report) => assert_eq!(report.seeds, 10),
        Err(failure) => assert!(failure.words.contains("a thread"), "{failure}"),
    }
}

#[tokio::test]
async fn it_runs_and_fails_also_within_a_tokio_runtime() {
    let report = simulation(right).sink("saved").seeds(0..2).run().expect("no promise is broken");
    assert_eq!(report.seeds, 2);
    let failure = caught(&simulation(right).sink("saved").done_when(|_, _| false));
    assert_eq!(failure.promise, "no loss");
}

#[stage(batch)]
async fn save_all(rows: &Batch<String>, #[state] database: &Database) {
    tokio::time::sleep(Duration::from_millis(20)).await;
    database.save(rows.iter().map(|(_, order)| order.clone()));
}

fn in_batches(rows: usize) -> impl Fn(&Arc<Database>) -> App {
    move |database| {
        let chain = healer::kafka::text("orders").stream("orders").batch(rows);
        let chain = chain.within("200ms").then(save_all::stage());
        App::new("batches").chain(chain.heal()).with_arc(Arc::clone(database))
    }
}

#[test]
fn bounds_are_drawn_with_which_the_pipeline_can_be_built() {
    for rows in [1, 17, 65, 500, 5_000] {
        let report = simulation(in_batches(rows)).seeds(0..8).run().expect("no promise is broken");
        assert_eq!(report.seeds, 8);
    }
    // A setting that the user makes is kept, not drawn.
    let words = misuse(|| simulation(in_batches(500)).config(|config| config.in_flight(100)));
    assert!(words.contains("cannot be built") && words.contains("raise `in_flight`"), "{words}");
}

#[test]
fn a_simulation_that_does_not_fit_the_pipeline_says_what_is_missing() {
    let words = misuse(|| simulation(right));
    assert!(
        words.contains("writes to topic `saved`") && words.contains("Simulation::sink(\"saved\")"),
        "{words}"
    );

    let words =
        misuse(|| Simulation::new(Arc::<Database>::default, right).sink("saved").topic("order", 1, ["x"]));
    assert!(words.contains("reads topic `orders`, which the simulation lacks"), "{words}");
    assert!(words.contains("nothing in the pipeline reads topic `order`"), "{words}");

    let words = misuse(|| simulation(right).sink("saved").topic("orders", 1, ["x"]));
    assert!(words.contains("topic `orders` was given to the simulation twice"), "{words}");

    let far = || [TestRecord::new().value("x").partition(2)];
    let words = misuse(|| Simulation::new(Arc::<Database>::default, right).topic("orders", 2, far()));
    assert!(words.contains("record 0 of topic `orders` is for partition 2"), "{words}");

    let buries = |policy: OnError| move |database: &Arc<Database>| right(database).on_error(policy.clone());
    let words = misuse(|| simulation(buries(OnError::dead_letter("dead"))).sink("saved"));
    assert!(words.contains("`the pipeline` sends dead letters to topic `dead`"), "{words}");
    assert!(words.contains("Simulation::sink(\"dead\")"), "{words}");

    let words = misuse(|| simulation(right).sink("saved").seeds(3..3));
    assert!(words.contains("without seeds"), "{words}");

    let words =
        misuse(|| simulation(right).sink("saved").done_when(|_, record| record.was_sent("sent", b"x")));
    assert!(words.contains("no topic `sent` to look into"), "{words}");

    let without_state = |_: &Arc<Database>| {
        pipeline! {
            name "bare";
            kafka::text("orders") => save => heal;
        }
    };
    let words = misuse(|| simulation(without_state));
    assert!(words.contains("cannot be built") && words.contains("needs state"), "{words}");
}
