//! A run that nobody waits for any more stops, drains and commits, and another one takes over.

mod common;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use common::{Door, LIMIT, Seen, settings, until};
use healer::testing::EmbeddedKafka;
use healer::{Error, Report, prelude::*};

const RECORDS: usize = 20;

#[derive(Default)]
struct World {
    begun: Seen<i64>,
    done: Seen<i64>,
    door: Door,
}

#[stage]
async fn pass(line: String, ctx: &Context, #[state] world: &Arc<World>) -> String {
    world.begun.add(ctx.offset());
    world.door.pass().await;
    world.done.add(ctx.offset());
    line
}

fn app(world: &Arc<World>) -> App {
    pipeline! { name "left"; kafka::text("in") => pass => heal; }.with(Arc::clone(world))
}

fn kafka() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.produce("in", (0..RECORDS).map(|n| (None::<String>, Some(n.to_string())))).unwrap();
    kafka
}

fn config(kafka: &EmbeddedKafka) -> Config {
    settings(kafka.brokers(), "group").in_flight(2).build().unwrap()
}

/// Runs the rest in the same group, whose only partition the first member must have given back; says which records that were.
async fn rest(kafka: &EmbeddedKafka) -> Vec<i64> {
    let world = Arc::<World>::default();
    world.door.open();
    let run = tokio::time::timeout(LIMIT, app(&world).run_until_end(config(kafka)));
    let report = run.await.expect("the partition is free").unwrap();
    assert_eq!(report.lag, Some(0));
    world.done.take()
}

/// One record is at work when a run is left alone in some way; then that record may end.
async fn left_at_work<F>(run: impl FnOnce(App, Config) -> F, leave: impl AsyncFnOnce(F, &World)) {
    let (kafka, world) = (kafka(), Arc::<World>::default());
    leave(run(app(&world), config(&kafka)), &world).await;
    world.door.open();
    until("what was at work is done and committed", || {
        let committed = kafka.committed("group", "in").unwrap().get(&0).copied();
        committed.is_some_and(|offset| offset > 0 && offset == i64::try_from(world.done.len()).unwrap())
    })
    .await;
    let rest = rest(&kafka).await;
    let first = world.done.take();
    assert!(first.len() < RECORDS, "it did not go on to the end: {first:?}");
    assert_eq!([first, rest].concat(), (0..20).collect::<Vec<_>>(), "each once, and in order");
}

async fn is_at_work(world: &World) {
    until("a record is at work", || world.begun.len() == 1).await;
}

type Running = Pin<Box<dyn Future<Output = Result<Report, Error>> + Send>>;

/// Drops the future in a `select!`.
async fn select(run: Running, world: &World) {
    tokio::select! {
        ended = run => panic!("it waits for a record: {ended:?}"),
        () = is_at_work(world) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_select_drops_finishes_what_is_in_flight_commits_and_leaves() {
    left_at_work(|app, config| -> Running { Box::pin(app.run(config)) }, select).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_to_the_end_that_select_drops_does_too() {
    left_at_work(|app, config| -> Running { Box::pin(app.run_until_end(config)) }, select).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_task_is_aborted_does_too() {
    let leave = async |task: tokio::task::JoinHandle<_>, world: &World| {
        is_at_work(world).await;
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    };
    left_at_work(|app, config| tokio::spawn(app.run(config)), leave).await;
}

/// Polls a future once and drops it.
fn poll_once(future: impl Future) {
    let mut future = std::pin::pin!(future);
    let mut nobody = task::Context::from_waker(Waker::noop());
    assert!(matches!(future.as_mut().poll(&mut nobody), Poll::Pending));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_dropped_before_it_gave_a_handle_leaves_nothing_that_runs() {
    let (kafka, world) = (kafka(), Arc::<World>::default());
    poll_once(app(&world).run(config(&kafka)));
    poll_once(app(&world).start(config(&kafka)));
    poll_once(app(&world).run_until_end(config(&kafka)));
    world.door.open();
    let mut all = rest(&kafka).await;
    all.extend(world.done.take());
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (0..20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_was_started_runs_on_when_its_handles_are_dropped() {
    let (kafka, world) = (kafka(), Arc::<World>::default());
    drop(app(&world).start(config(&kafka)).await.unwrap());
    world.door.open();
    until("all is done", || world.done.len() == RECORDS).await;
    until("all is committed", || kafka.lag("group", "in").unwrap() == 0).await;
}
