//! Stops, cancelled calls, endless iterators: nothing hangs and nothing is lost.

use super::*;

/// Starts, waits until something is so, stops, and gives the report.
async fn stopped(app: App, config: Config, when: impl Fn() -> bool) -> Result<Report, Error> {
    let handle = net(app.start(config)).await.expect("it starts");
    net(async {
        while !when() {
            assert!(!handle.is_finished(), "it ended early");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    handle.stop();
    net(handle.join()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_flat_rests_when_the_next_node_is_full_and_ends_with_the_pipeline() {
    let kafka = numbers(5);
    let chain =
        kafka::text("t").stream("in").then(parse::stage()).then(endless::stage()).then(never::stage()).heal();
    let config = builder(&kafka).drain_budget("500ms").build().expect("right");
    let began = Instant::now();
    let report = stopped(App::new("a").chain(chain), config, || began.elapsed() > Duration::from_secs(1))
        .await
        .expect("it was asked to");
    let pulled = PULLED.load(Ordering::Relaxed);
    assert!((1..1_000).contains(&pulled), "{pulled} values were pulled, and nobody took them");
    assert_eq!((report.records, committed(&kafka).get(&0)), (0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_flat_before_a_gathering_rests_too() {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let kafka = numbers(5);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .then(endless_too::stage())
        .map(|n: usize| {
            GIVEN.fetch_add(1, Ordering::Relaxed);
            n
        })
        .batch(10)
        .then(never_read::stage())
        .heal();
    let config = builder(&kafka).drain_budget("500ms").build().expect("right");
    let began = Instant::now();
    let result =
        stopped(App::new("a").chain(chain), config, || began.elapsed() > Duration::from_secs(1)).await;
    assert!(result.is_ok(), "{result:?}");
    let given = GIVEN.load(Ordering::Relaxed);
    assert!((1..10_000).contains(&given), "{given} values were pulled, and nobody took them");
    assert_eq!(committed(&kafka).get(&0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_flat_ends_when_one_of_its_children_fails() {
    let kafka = numbers(5);
    let seen = AtomicUsize::new(0);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .then(endless_too::stage())
        .then(rest::stage())
        .map(move |_| assert!(seen.fetch_add(1, Ordering::Relaxed) < 1_000, "enough"))
        .heal();
    let began = Instant::now();
    let error = fails_at(App::new("a").chain(chain), &kafka, 0).await;
    assert!(is_panic(&error, "enough"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(4), "it need not wait for the drain budget");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_ends_is_cancelled_after_the_drain_budget_and_read_again() {
    let kafka = numbers(10);
    let chain = kafka::text("t").stream("in").then(parse::stage()).then(never::stage()).heal();
    let config = builder(&kafka).drain_budget("300ms").build().expect("right");
    let began = Instant::now();
    let report =
        stopped(App::new("a").chain(chain), config, || began.elapsed() > Duration::from_millis(500)).await;
    let report = report.expect("it was asked to");
    assert_eq!((report.records, report.lag), (0, Some(10)));
    assert!(began.elapsed() < Duration::from_secs(10));

    let again = kafka::text("t").stream("in").then(parse::stage()).then(rest::stage()).heal();
    heals(App::new("a").chain(again), &kafka).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_during_the_drain_is_told() {
    let kafka = numbers(8);
    let arrived = Arc::new(AtomicBool::new(false));
    let at_seven = Arc::clone(&arrived);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .map(move |n: usize| {
            at_seven.store(true, Ordering::Relaxed);
            n
        })
        .then(slow_failure::stage())
        .heal();
    let result =
        stopped(App::new("a").chain(chain), config(&kafka), || arrived.load(Ordering::Relaxed)).await;
    let Err(Error::Record(error)) = result else { panic!("{result:?}") };
    assert_eq!((error.offset, error.stage.as_str()), (0, "in.parse.map.slow_failure"));
    assert_eq!(committed(&kafka).get(&0), None);
}

#[test]
fn a_drop_that_blocks_for_ever_does_not_keep_the_end_from_coming() {
    let kafka = numbers(10);
    let released = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let chain = kafka::text("t").stream("in").then(parse::stage()).then(stick::stage()).heal();
    let app = App::new("a").chain(chain).with(Arc::clone(&released));
    let config = builder(&kafka).drain_budget("300ms").build().expect("right");
    runtime.block_on(async {
        let began = Instant::now();
        let report = stopped(app, config, || began.elapsed() > Duration::from_millis(500)).await;
        assert_eq!(report.expect("it was asked to").records, 0);
        assert!(began.elapsed() < Duration::from_secs(10));
    });
    assert_eq!(committed(&kafka).get(&0), None);
    released.store(true, Ordering::Relaxed);
    runtime.shutdown_timeout(Duration::from_secs(5));
}

#[test]
fn a_runtime_that_is_shut_down_in_mid_way_loses_nothing_and_hangs_nothing() {
    let kafka = numbers(200);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let chain =
        kafka::text("t").stream("in").then(parse::stage()).map(|n: usize| n).then(stop_at_50::stage()).heal();
    let app = App::new("a").chain(chain);
    let handle = runtime.block_on(async { net(app.start(config(&kafka))).await.expect("it starts") });
    let until = Instant::now() + NET;
    let is_stuck = || {
        let blocked = handle.partitions().into_iter().find_map(|status| status.blocked);
        blocked.is_some_and(|blocked| blocked.offset == 50)
    };
    while !is_stuck() {
        assert!(Instant::now() < until, "it does not come to the record that stops it");
        std::thread::sleep(Duration::from_millis(5));
    }
    runtime.shutdown_timeout(Duration::from_secs(5));
    while !handle.is_finished() {
        assert!(Instant::now() < until, "it hangs");
        std::thread::sleep(Duration::from_millis(5));
    }
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = other.block_on(async { net(handle.join()).await }).expect_err("its tasks are gone");
    let Error::Record(error) = error else { panic!("{error}") };
    assert_eq!((error.offset, &error.kind), (50, &RecordErrorKind::Lost), "{error}");
    assert_eq!(error.stage, "in.parse.map.stop_at_50");
    assert_eq!(committed(&kafka)[&0], 50);
}

#[tokio::test]
async fn a_batch_that_a_stage_forgets_is_pending_again() {
    let kafka = numbers(20);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .batch(5)
        .within("50ms")
        .then(forget::stage())
        .heal();
    let error = fails_at(App::new("a").chain(chain), &kafka, 0).await;
    assert_eq!((error.stage.as_str(), &error.kind), ("in.parse.batch.forget", &RecordErrorKind::Stage));
}

#[tokio::test]
#[ignore = "run alone in a process by the test below"]
async fn idle() {
    let kafka = numbers(0);
    let seen = Seen::<usize>::default();
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .then(rest::stage())
        .batch(5)
        .then(read::stage())
        .heal();
    let app = App::new("a").chain(chain).with_arc(seen);
    let handle = net(app.start(config(&kafka))).await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = processor_time();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = processor_time().saturating_sub(before);
    handle.stop();
    net(handle.join()).await.expect("it was asked to");
    assert!(used < Duration::from_millis(200), "{used:?} of processor time in 2 s");
}

#[test]
fn an_idle_pipeline_costs_next_to_nothing() {
    let this = std::env::current_exe().expect("a program");
    let child = std::process::Command::new(this).args(["--exact", "endings::idle", "--ignored"]).output();
    let child = child.expect("it runs");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}
