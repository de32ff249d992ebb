//! Decisions of the guard, and their effects.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    Guard, GuardEnd,
    decide::{Look, decide},
    fake::{Fake, broken, well},
};
use crate::{
    broker::Outage,
    config::GuardSettings,
    engine::{Health, Phase},
};

/// A nanosecond less than an hour.
const ALMOST: Duration = Duration::new(3_599, 999_999_999);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// Nothing ends the process.
fn off() -> GuardSettings {
    GuardSettings {
        on_error: false,
        on_lost_broker: false,
        graceful_offset: Duration::ZERO,
        graceful_polling: Duration::ZERO,
        sleep_before_shutdown: Duration::ZERO,
        expires_after: Duration::ZERO,
        max_commits: 0,
        ..GuardSettings::default()
    }
}

fn look(pipeline: &str, change: impl FnOnce(&mut Health)) -> Look {
    let mut health = well();
    change(&mut health);
    Look::running(pipeline, health)
}

/// The decision about one pipeline with the health that `change` gives it.
fn one(settings: &GuardSettings, change: impl FnOnce(&mut Health)) -> Option<GuardEnd> {
    decide(settings, &[look("orders", change)], SECOND)
}

/// Everything that could be wrong with a pipeline that runs.
fn bad(health: &mut Health) {
    health.uncommitted = Some(1_000 * HOUR);
    health.polled = 1_000 * HOUR;
    health.outage = Some(Outage { lasting: 1_000 * HOUR, reason: "all brokers down".to_owned() });
    health.commits.total = u64::MAX;
}

#[test]
fn a_pipeline_that_is_well_goes_on() {
    let settings = GuardSettings::default();
    assert!(one(&settings, |_| ()).is_none());
}

#[test]
fn what_is_off_ends_nothing() {
    let looks = [look("orders", bad), Look::ended("bills", Some(broken()))];
    assert!(decide(&off(), &looks, 1_000 * HOUR).is_none());
}

#[test]
fn an_error_ends_the_process_though_another_pipeline_lives() {
    let settings = GuardSettings { on_error: true, ..off() };
    let looks = [look("orders", |_| ()), Look::ended("bills", Some(broken()))];
    let end = decide(&settings, &looks, SECOND).unwrap();
    assert!(matches!(&end, GuardEnd::Failed { pipeline, .. } if pipeline == "bills"), "{end:?}");
    assert_eq!(end.to_string(), "an error ended pipeline `bills`: the broker gave up");
    assert_eq!(end.exit_code(), 1);
}

#[test]
fn nothing_committed_counts_from_the_bound_on() {
    let settings = GuardSettings { graceful_offset: HOUR, ..off() };
    assert!(one(&settings, |health| health.uncommitted = Some(ALMOST)).is_none());
    let end = one(&settings, |health| health.uncommitted = Some(HOUR)).unwrap();
    assert!(matches!(end, GuardEnd::NothingCommitted { lasting, .. } if lasting == HOUR), "{end:?}");
    assert_eq!(end.exit_code(), 1);
}

#[test]
fn three_days_are_not_taken_for_a_few_seconds() {
    let lasting = 72 * HOUR + 10 * SECOND;
    let settings = GuardSettings { graceful_offset: HOUR, ..off() };
    let end = one(&settings, |health| health.uncommitted = Some(lasting)).unwrap();
    assert_eq!(
        end.to_string(),
        "pipeline `orders` has committed nothing for 3days 10s, though there was something to commit"
    );
    let settings = GuardSettings { graceful_polling: 48 * HOUR, ..off() };
    let end = one(&settings, |health| health.polled = lasting).unwrap();
    assert_eq!(end.to_string(), "pipeline `orders` has not polled for 3days 10s");
}

#[test]
fn a_pipeline_with_nothing_to_commit_may_rest_for_ever() {
    let settings = GuardSettings { graceful_offset: SECOND, ..off() };
    let end = one(&settings, |health| {
        health.commits.last = Some(1_000 * HOUR);
        health.uncommitted = None;
    });
    assert!(end.is_none(), "{end:?}");
}

#[test]
fn where_something_always_waits_the_time_counts_from_the_last_commit() {
    let settings = GuardSettings { graceful_offset: HOUR, ..off() };
    let since = |last: Duration| {
        one(&settings, |health| {
            health.uncommitted = Some(30 * HOUR);
            health.commits.last = Some(last);
        })
    };
    assert!(since(ALMOST).is_none());
    let end = since(HOUR).unwrap();
    assert!(matches!(end, GuardEnd::NothingCommitted { lasting, .. } if lasting == HOUR), "{end:?}");
}

#[test]
fn nothing_polled_counts_from_the_bound_on() {
    let settings = GuardSettings { graceful_polling: HOUR, ..off() };
    assert!(one(&settings, |health| health.polled = ALMOST).is_none());
    let end = one(&settings, |health| health.polled = HOUR).unwrap();
    assert!(matches!(end, GuardEnd::NothingPolled { lasting, .. } if lasting == HOUR), "{end:?}");
    assert_eq!(end.exit_code(), 1);
}

#[test]
fn a_broker_is_lost_from_the_bound_on() {
    let settings = GuardSettings { on_lost_broker: true, ..off() };
    let after = |lasting: Duration| {
        let outage = Outage { lasting, reason: "all brokers down".to_owned() };
        one(&settings, |health| {
            (health.outage, health.unreachable_after) = (Some(outage), HOUR);
        })
    };
    assert!(after(ALMOST).is_none());
    let end = after(HOUR).unwrap();
    assert_eq!(end.to_string(), "pipeline `orders` has reached no broker for 1h: all brokers down");
    assert_eq!(end.exit_code(), 1);
}

#[test]
fn the_cause_is_named_before_what_it_causes() {
    let settings = GuardSettings::default();
    assert!(matches!(one(&settings, bad), Some(GuardEnd::BrokerLost { .. })));
}

#[test]
fn it_expires_at_the_bound_and_that_is_no_fault() {
    let settings = GuardSettings { expires_after: HOUR, ..off() };
    let after = |ran| decide(&settings, &[look("orders", |_| ())], ran);
    assert!(after(ALMOST).is_none());
    let end = after(HOUR).unwrap();
    assert!(matches!(end, GuardEnd::Expired), "{end:?}");
    assert_eq!(end.exit_code(), 0);
    assert!(matches!(after(72 * HOUR + SECOND), Some(GuardEnd::Expired)));
}

#[test]
fn a_fault_is_told_rather_than_the_expiry() {
    let settings = GuardSettings { expires_after: SECOND, graceful_polling: HOUR, ..off() };
    let end = one(&settings, |health| health.polled = HOUR).unwrap();
    assert_eq!(end.exit_code(), 1, "{end:?}");
}

#[test]
fn the_last_commit_of_a_pipeline_that_fails_does_not_pass_for_success() {
    let settings = GuardSettings { on_error: true, max_commits: 1, expires_after: SECOND, ..off() };
    let failing = |health: &mut Health| {
        health.phase = Phase::Draining;
        health.commits.total = 5;
        health.error = Some(broken());
    };
    assert!(one(&settings, failing).is_none(), "it says how it ended in a moment");
    let beside = [look("orders", failing), look("bills", |health| health.commits.total = 5)];
    assert!(decide(&settings, &beside, HOUR).is_none());
    let unguarded = GuardSettings { on_error: false, ..settings };
    assert!(matches!(one(&unguarded, failing), Some(GuardEnd::Expired | GuardEnd::MaxCommits { .. })));
}

#[test]
fn commits_are_counted_for_each_pipeline_by_itself() {
    let settings = GuardSettings { max_commits: 10, ..off() };
    let with = |one: u64, other: u64| {
        let looks = [
            look("orders", |health| health.commits.total = one),
            look("bills", |health| health.commits.total = other),
        ];
        decide(&settings, &looks, SECOND)
    };
    assert!(with(9, 9).is_none());
    let end = with(9, 10).unwrap();
    assert!(matches!(&end, GuardEnd::MaxCommits { pipeline, commits: 10 } if pipeline == "bills"), "{end:?}");
    assert_eq!(end.exit_code(), 0);
    assert!(with(11, 0).is_some());
}

#[test]
fn a_pipeline_that_has_ended_well_is_not_blamed_for_its_silence() {
    let settings = GuardSettings::default();
    let looks = [Look::ended("bills", None), look("orders", |_| ())];
    assert!(decide(&settings, &looks, SECOND).is_none());
    // Also between its end and the moment in which that is told.
    let end = one(&settings, |health| {
        bad(health);
        health.phase = Phase::Ended;
    });
    assert!(end.is_none(), "{end:?}");
}

#[test]
fn it_has_finished_when_all_pipelines_have() {
    let settings = GuardSettings::default();
    let looks = [Look::ended("bills", None), Look::ended("orders", None)];
    let end = decide(&settings, &looks, SECOND).unwrap();
    assert!(matches!(end, GuardEnd::Finished), "{end:?}");
    assert_eq!(end.exit_code(), 0);
}

#[test]
fn after_an_error_that_is_let_pass_only_the_expiry_is_waited_for() {
    let settings = GuardSettings { expires_after: HOUR, ..off() };
    let dead = || [Look::ended("bills", Some(broken()))];
    assert!(decide(&settings, &dead(), SECOND).is_none());
    assert!(matches!(decide(&settings, &dead(), HOUR), Some(GuardEnd::Expired)));
    assert!(matches!(decide(&off(), &dead(), SECOND), Some(GuardEnd::Finished)));
}

/// A guard that tells its end instead of ending the process, with its exit code.
fn guarding(settings: &GuardSettings, pipelines: &[&Arc<Fake>]) -> (Guard, Receiver<i32>) {
    let (tell, told) = channel();
    let guard = Guard::new(settings).on_end(move |end| tell.send(end.exit_code()).expect("the test hears"));
    let guard = pipelines.iter().fold(guard, |guard, &pipeline| {
        let pipeline: Arc<Fake> = Arc::clone(pipeline);
        guard.watch_any(pipeline)
    });
    (guard, told)
}

#[tokio::test(start_paused = true)]
async fn an_error_between_two_looks_is_seen_at_once() {
    let (lives, dies) = (Fake::new("orders"), Fake::new("bills"));
    let settings = GuardSettings { on_error: true, interval: HOUR, ..off() };
    let (guard, told) = guarding(&settings, &[&lives, &dies]);
    let began = Instant::now();
    let guard = guard.spawn();
    sleep(SECOND).await;
    dies.end(Err(broken()));
    let end = guard.await.unwrap();
    assert!(matches!(&end, GuardEnd::Failed { pipeline, .. } if pipeline == "bills"), "{end:?}");
    assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    assert!(lives.was_asked_to_stop());
    assert_eq!(told.try_recv(), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn it_sleeps_then_stops_all_and_a_pipeline_that_hangs_does_not_hold_it_up() {
    let (obeys, hangs) = (Fake::new("orders"), Fake::hanging("bills"));
    let settings = GuardSettings { max_commits: 1, sleep_before_shutdown: 2 * SECOND, ..off() };
    obeys.set(|health| health.commits.total = 1);
    let (guard, told) = guarding(&settings, &[&obeys, &hangs]);
    let began = Instant::now();
    let guard = guard.drain_budget(10 * SECOND).spawn();
    sleep(SECOND).await;
    assert!(!obeys.was_asked_to_stop() && !hangs.was_asked_to_stop());
    sleep(2 * SECOND).await;
    assert!(obeys.was_asked_to_stop() && hangs.was_asked_to_stop());
    assert!(told.try_recv().is_err(), "it waits for the one that hangs");
    let end = guard.await.unwrap();
    assert!(matches!(end, GuardEnd::MaxCommits { .. }), "{end:?}");
    assert_eq!(told.try_recv(), Ok(0));
    let took = began.elapsed();
    assert!((12 * SECOND..13 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn it_waits_no_longer_than_the_pipelines_take() {
    let pipeline = Fake::new("orders");
    let (guard, told) = guarding(&GuardSettings { expires_after: HOUR, ..off() }, &[&pipeline]);
    let began = Instant::now();
    let end = guard.run().await;
    assert!(matches!(end, GuardEnd::Expired), "{end:?}");
    assert_eq!(told.try_recv(), Ok(0));
    let took = began.elapsed();
    assert!((HOUR..HOUR + 2 * GuardSettings::default().interval).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn it_looks_every_interval() {
    let pipeline = Fake::new("orders");
    let settings = GuardSettings { graceful_polling: HOUR, interval: 5 * SECOND, ..off() };
    let (guard, told) = guarding(&settings, &[&pipeline]);
    let began = Instant::now();
    let guard = guard.spawn();
    sleep(12 * SECOND).await;
    pipeline.set(|health| health.polled = HOUR);
    guard.await.unwrap();
    assert_eq!(told.try_recv(), Ok(1));
    let took = began.elapsed();
    assert!((15 * SECOND..16 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_let_pass_does_not_end_the_guarding_of_others() {
    let (lives, dies) = (Fake::new("orders"), Fake::new("bills"));
    let settings = GuardSettings { graceful_polling: HOUR, ..off() };
    let (guard, told) = guarding(&settings, &[&dies, &lives]);
    let guard = guard.spawn();
    dies.end(Err(broken()));
    sleep(HOUR).await;
    assert!(told.try_recv().is_err());
    lives.set(|health| health.polled = HOUR);
    let end = guard.await.unwrap();
    assert!(matches!(&end, GuardEnd::NothingPolled { pipeline, .. } if pipeline == "orders"), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn it_ends_quietly_when_all_pipelines_have_ended_well() {
    let (one, other) = (Fake::new("orders"), Fake::new("bills"));
    let (guard, told) = guarding(&GuardSettings::default(), &[&one, &other]);
    let guard = guard.spawn();
    one.end(Ok(()));
    sleep(SECOND).await;
    assert!(!guard.is_finished());
    other.end(Ok(()));
    let end = guard.await.unwrap();
    assert!(matches!(end, GuardEnd::Finished), "{end:?}");
    assert!(told.try_recv().is_err(), "no hook is called");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_has_ended_is_let_go_of() {
    let (ends, lives) = (Fake::new("orders"), Fake::new("bills"));
    let (guard, _told) = guarding(&off(), &[&ends, &lives]);
    let guard = guard.spawn();
    sleep(SECOND).await;
    assert!(Arc::strong_count(&ends) > 1);
    ends.end(Ok(()));
    sleep(SECOND).await;
    assert_eq!(Arc::strong_count(&ends), 1, "its store can be opened again");
    assert!(Arc::strong_count(&lives) > 1);
    guard.abort();
}
